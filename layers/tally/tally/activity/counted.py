"""The counted records and the counters of searches and accesses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.activity.counters import (
    AccessTotals,
    BuyerTotals,
    access_contribution,
    search_contribution,
)
from tally.activity.items import (
    ACCESS_PREFIX,
    SEARCH_PREFIX,
    access_from,
    accesses_pk,
    search_from,
    searches_pk,
)
from tally.activity.model import AccessActivity, SearchActivity
from tally.aws.table import Table
from tally.kernel.counted import CountedRecord, CounterKind
from tally.ledger.counters import BuyerDay


def _searches(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return table.query(searches_pk(tenant_id), SEARCH_PREFIX, consistent=True)


def _accesses(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return table.query(accesses_pk(tenant_id), ACCESS_PREFIX, consistent=True)


def _accessed(table: Table, tenant_id: str) -> Iterator[AccessTotals]:
    first = AccessTotals(tenant_id, "").key
    for item in table.query(first.pk, first.sk, consistent=True):
        yield AccessTotals(tenant_id, item["SK"].removeprefix(first.sk))


COUNTED = (
    CountedRecord(
        SearchActivity,
        SEARCH_PREFIX,
        search_from,
        search_contribution,
        (BuyerTotals, BuyerDay),
        _searches,
        accepted_at=lambda search: search.accepted_at,
    ),
    CountedRecord(
        AccessActivity,
        ACCESS_PREFIX,
        access_from,
        access_contribution,
        (AccessTotals, BuyerTotals, BuyerDay),
        _accesses,
        happened_at=lambda access: access.accessed_at,
        accepted_at=lambda access: access.accepted_at,
    ),
)
COUNTERS = (
    CounterKind(BuyerTotals, lambda _, tenant_id: [BuyerTotals(tenant_id)]),
    CounterKind(AccessTotals, _accessed),
)
