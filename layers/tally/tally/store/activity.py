"""A buyer's searches, accesses and spend, as its lists and its summary read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tally.domain.activity import SearchActivity
from tally.domain.counting import AccessTotals, BuyerTotals, SpendTotals
from tally.domain.instants import Instant
from tally.domain.money import Micros
from tally.domain.periods import Period
from tally.store import keys
from tally.store.items import key_of, values
from tally.store.ledger import search_from
from tally.store.table import Action, Table

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


@dataclass(frozen=True, slots=True)
class Page[Row, Position]:
    """`last` is the position to go on behind; None on the last page. `total` counts all rows."""

    rows: Sequence[Row]
    total: int
    last: Position | None


@dataclass(frozen=True, slots=True)
class Spend:
    """A buyer's spend in a month, net of refunds."""

    currency: str
    search: Micros
    retrieval: Micros


def list_searches(
    table: Table, tenant_id: str, *, limit: int, after: SearchPosition | None = None
) -> Page[SearchActivity, SearchPosition]:
    """A page of the buyer's searches, newest first."""
    pk = keys.searches_pk(tenant_id)
    start = keys.search(tenant_id, *after).sk if after else None
    items = table.query(
        pk,
        keys.SEARCH_PREFIX,
        after=start,
        limit=limit + 1,
        newest_first=True,
        consistent=True,
    )
    found = [search_from(item) for item in items]
    rows = found[:limit]
    more = len(found) > limit
    last = SearchPosition(rows[-1].occurred_at, rows[-1].entry_id) if more else None
    totals = table.get(keys.totals(BuyerTotals(tenant_id)), consistent=True) or {}
    return Page(rows, totals.get("searches", 0), last)


def list_accesses(
    table: Table, tenant_id: str, *, limit: int, after: AccessPosition | None = None
) -> Page[DatasetAccess, AccessPosition]:
    """A page of the datasets that the buyer accessed, those accessed last first."""
    arguments: dict[str, Any] = {}
    if after:
        item = keys.totals(AccessTotals(tenant_id, after.dataset_id))
        in_index = {
            "accessed_by": keys.accessed_by(tenant_id),
            "last_accessed_at": after.last_accessed_at,
        }
        arguments["ExclusiveStartKey"] = key_of(item) | values(in_index)
    items = table.query_index(
        BY_LAST_ACCESS,
        "accessed_by = :pk",
        {":pk": keys.accessed_by(tenant_id)},
        limit=limit + 1,
        newest_first=True,
        **arguments,
    )
    rows = items[:limit]
    totals = keys.totals(BuyerTotals(tenant_id))
    # Names as they are now, in the same call as the total.
    found = table.get_many([totals, *(keys.dataset(row["dataset_id"]) for row in rows)])
    accesses = [
        DatasetAccess(
            dataset_id=row["dataset_id"],
            dataset_name=found[keys.dataset(row["dataset_id"])]["name"],
            access_count=row["accesses"],
            last_accessed_at=row["last_accessed_at"],
        )
        for row in rows
    ]
    more = len(items) > limit
    last = AccessPosition(rows[-1]["last_accessed_at"], rows[-1]["dataset_id"]) if more else None
    return Page(accesses, found.get(totals, {}).get("accessed_datasets", 0), last)


def spend_of(table: Table, tenant_id: str, period: Period) -> Spend:
    """In one call."""
    tenant, totals = keys.tenant(tenant_id), keys.totals(SpendTotals(tenant_id, period))
    found = table.get_many([tenant, totals])
    stored = found.get(totals, {})
    return Spend(
        currency=found[tenant]["billing_currency"],
        search=stored.get("search", 0),
        retrieval=stored.get("retrieval", 0),
    )


def accessed_row(totals: AccessTotals, last_accessed_at: Instant) -> dict[str, str]:
    """What the row of a buyer and a dataset says beside the count, for the list's index."""
    return {
        "dataset_id": totals.dataset_id,
        "last_accessed_at": last_accessed_at,
        "accessed_by": keys.accessed_by(totals.tenant_id),
    }


def count_accesses(
    table: Table,
    totals: AccessTotals,
    accesses: int,
    last_accessed_at: Instant,
    before: Mapping[str, Any] | None,
) -> Action:
    """Count accesses and move the row in its index, on condition that it is as it was read."""
    row = accessed_row(totals, last_accessed_at)
    condition = "last_accessed_at = :before" if before else "attribute_not_exists(PK)"
    bound = {"before": before["last_accessed_at"]} if before else {}
    return table.update(
        keys.totals(totals),
        f"ADD accesses :accesses SET {', '.join(f'{name} = :{name}' for name in row)}",
        condition,
        accesses=accesses,
        **row,
        **bound,
    )
