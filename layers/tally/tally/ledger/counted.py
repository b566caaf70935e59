"""The ledger's counted records and its counters, as counting and recounts find them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tally.aws.table import Table
from tally.kernel.counted import CountedRecord, CounterKind
from tally.kernel.counters import Totals
from tally.kernel.instants import Instant
from tally.ledger.counters import (
    BuyerDay,
    DatasetDay,
    DatasetMonth,
    ProviderDay,
    SpendTotals,
    entry_contribution,
    named_by,
)
from tally.ledger.items import CREDIT_PREFIX, DEBIT_PREFIX, entry_from
from tally.ledger.model.entries import EntrySide, LedgerEntry
from tally.ledger.reads import entry_items, periods

type Items = Iterator[Mapping[str, Any]]


def _entries(side: EntrySide) -> Callable[[Table, str], Items]:
    def items(table: Table, tenant_id: str) -> Items:
        for period in periods(table):
            yield from entry_items(table, tenant_id, period, side)

    return items


def _months(table: Table, tenant_id: str) -> Iterator[SpendTotals]:
    for period in periods(table):
        yield SpendTotals(tenant_id, period)


def _buyer_days(table: Table, tenant_id: str) -> Iterator[BuyerDay]:
    for (day,) in _stored(table, BuyerDay(tenant_id, "")):
        yield BuyerDay(tenant_id, day)


def _provider_days(table: Table, tenant_id: str) -> Iterator[ProviderDay]:
    for currency, day in _stored(table, ProviderDay(tenant_id, "", "")):
        yield ProviderDay(tenant_id, currency, day)


def _dataset_months(table: Table, tenant_id: str) -> Iterator[DatasetMonth]:
    for period, currency, dataset_id in _stored(table, DatasetMonth(tenant_id, "", "", "")):
        yield DatasetMonth(tenant_id, period, currency, dataset_id)


def _dataset_days(table: Table, tenant_id: str) -> Iterator[DatasetDay]:
    """Of the datasets that have months: each entry counts in both."""
    for dataset_id in dict.fromkeys(t.dataset_id for t in _dataset_months(table, tenant_id)):
        for currency, day in _stored(table, DatasetDay(dataset_id, "", "")):
            yield DatasetDay(dataset_id, currency, day)


def _stored(table: Table, any_of: Totals) -> Iterator[list[str]]:
    """What the sort keys of a partition of counters say."""
    for item in table.query(any_of.key.pk, attributes=["SK"], consistent=True):
        yield named_by(item["SK"])


def _posted_at(entry: LedgerEntry) -> Instant:
    return entry.posting.posted_at


COUNTED = (
    CountedRecord(
        LedgerEntry,
        DEBIT_PREFIX,
        entry_from,
        entry_contribution,
        (SpendTotals, BuyerDay),
        _entries(EntrySide.DEBIT),
        accepted_at=_posted_at,
    ),
    CountedRecord(
        LedgerEntry,
        CREDIT_PREFIX,
        entry_from,
        entry_contribution,
        (ProviderDay, DatasetDay, DatasetMonth),
        _entries(EntrySide.CREDIT),
        accepted_at=_posted_at,
    ),
)
COUNTERS = (
    CounterKind(SpendTotals, _months),
    CounterKind(BuyerDay, _buyer_days),
    CounterKind(ProviderDay, _provider_days),
    CounterKind(DatasetDay, _dataset_days),
    CounterKind(DatasetMonth, _dataset_months),
)
