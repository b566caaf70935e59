"""The ledger's counted records and its counters, as counting and recounts find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.aws.table import Table
from tally.kernel.counted import CountedRecord, CounterKind
from tally.ledger.counters import SpendTotals, entry_contribution
from tally.ledger.items import DEBIT_PREFIX, entry_from
from tally.ledger.model.entries import EntrySide, LedgerEntry
from tally.ledger.reads import entry_items, periods


def _debits(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    for period in periods(table):
        yield from entry_items(table, tenant_id, period, EntrySide.DEBIT)


def _months(table: Table, tenant_id: str) -> Iterator[SpendTotals]:
    for period in periods(table):
        yield SpendTotals(tenant_id, period)


COUNTED = (
    CountedRecord(
        LedgerEntry, DEBIT_PREFIX, entry_from, entry_contribution, (SpendTotals,), _debits
    ),
)
COUNTERS = (CounterKind(SpendTotals, _months),)
