"""A buyer's lists: its searches, and the datasets that it accessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tally.access.items import tenant_key
from tally.activity.counters import AccessTotals, BuyerTotals
from tally.activity.items import (
    SEARCH_PREFIX,
    TEXT,
    accessed_by,
    key_of_text,
    rules_of,
    search_from,
    search_key,
    searches_pk,
)
from tally.activity.model import SearchActivity
from tally.aws.items import key_of, values
from tally.aws.pages import Page, cut
from tally.aws.table import Table
from tally.catalog.items import dataset_key
from tally.kernel.instants import Instant

BY_LAST_ACCESS = "ByLastAccess"


class SearchPosition(NamedTuple):
    occurred_at: Instant
    entry_id: str


class AccessPosition(NamedTuple):
    last_accessed_at: Instant
    dataset_id: str


@dataclass(frozen=True, slots=True)
class DatasetAccess:
    """How often a buyer accessed a dataset, which may have been renamed since."""

    dataset_id: str
    dataset_name: str
    access_count: int
    last_accessed_at: Instant


def list_searches(
    table: Table,
    tenant_id: str,
    now: Instant,
    *,
    limit: int,
    after: SearchPosition | None = None,
) -> Page[SearchActivity, SearchPosition]:
    """A page of the buyer's searches, newest first, with the texts that are kept."""
    items = table.query(
        searches_pk(tenant_id),
        SEARCH_PREFIX,
        after=after and search_key(tenant_id, *after).sk,
        limit=limit + 1,
        newest_first=True,
        consistent=True,
    )
    rows, more = cut([search_from(item) for item in items], limit)
    tenant, totals = tenant_key(tenant_id), BuyerTotals(tenant_id).key
    # An erasure of the time between these two reads hides what the first one found.
    found = table.get_many([tenant, totals, *map(key_of_text, rows)])
    rules = rules_of(found.get(tenant, {}))
    searches = [
        _with_text(row, found.get(key_of_text(row), {}), shown=rules.keeps(row.occurred_at, now))
        for row in rows
    ]
    total = found.get(totals, {}).get("searches", 0)
    return Page(searches, total, more, lambda row: SearchPosition(row.occurred_at, row.entry_id))


def _with_text(search: SearchActivity, item: Mapping[str, Any], *, shown: bool) -> SearchActivity:
    """`item` is the text's. A search from before there were such items brings its text along."""
    return replace(search, query_text=item.get(TEXT, search.query_text) if shown else None)


def list_accesses(
    table: Table, tenant_id: str, *, limit: int, after: AccessPosition | None = None
) -> Page[DatasetAccess, AccessPosition]:
    """A page of the datasets that the buyer accessed, those accessed last first."""
    arguments: dict[str, Any] = {}
    if after:
        item = AccessTotals(tenant_id, after.dataset_id).key
        in_index = {
            "accessed_by": accessed_by(tenant_id),
            "last_accessed_at": after.last_accessed_at,
        }
        arguments["ExclusiveStartKey"] = key_of(item) | values(in_index)
    items = table.query_index(
        BY_LAST_ACCESS,
        "accessed_by = :pk",
        {":pk": accessed_by(tenant_id)},
        limit=limit + 1,
        newest_first=True,
        **arguments,
    )
    rows, more = cut(items, limit)
    totals = BuyerTotals(tenant_id).key
    # Names as they are now, in the same call as the total.
    found = table.get_many([totals, *(dataset_key(row["dataset_id"]) for row in rows)])
    accesses = [
        DatasetAccess(
            dataset_id=row["dataset_id"],
            dataset_name=found[dataset_key(row["dataset_id"])]["name"],
            access_count=row["accesses"],
            last_accessed_at=row["last_accessed_at"],
        )
        for row in rows
    ]
    total = found.get(totals, {}).get("accessed_datasets", 0)
    return Page(
        accesses, total, more, lambda row: AccessPosition(row.last_accessed_at, row.dataset_id)
    )
