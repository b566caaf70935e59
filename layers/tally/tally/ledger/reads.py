"""What payouts, books and recounts read of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.aws.table import Table
from tally.kernel.money import Micros
from tally.kernel.periods import Period
from tally.ledger.items import (
    BUYER_PREFIX,
    CREDIT_PREFIX,
    DEBIT_PREFIX,
    PERIODS_PK,
    PROVIDER_PREFIX,
    entry_from,
    ledger_pk,
    register_pks,
)
from tally.ledger.model.entries import EntrySide, LedgerEntry

# Takes 7 MiB of memory to read, however many there are; a page of 1 MB would take 19.
_ENTRIES_PER_PAGE = 1_000
# What botocore parses is what an entry costs, so the sums read no more than they add.
_LINES = "lines"


def periods(table: Table) -> Iterator[Period]:
    """The months that anything was posted to, oldest first."""
    for item in table.query(PERIODS_PK, consistent=True):
        yield item["period"]


def tenants_of(table: Table, period: Period, side: EntrySide) -> Iterator[str]:
    """The tenants that may have entries on one side of a month: buyers or providers."""
    prefix = BUYER_PREFIX if side is EntrySide.DEBIT else PROVIDER_PREFIX
    registered = (
        item["tenant_id"]
        for pk in register_pks(period)
        for item in table.query(pk, prefix, attributes=["tenant_id"], consistent=True)
    )
    yield from dict.fromkeys(registered)


def entries(table: Table, tenant_id: str, period: Period, side: EntrySide) -> Iterator[LedgerEntry]:
    """One side of a tenant's month, in one Query, read consistently, a page in memory at a time."""
    return map(entry_from, entry_items(table, tenant_id, period, side))


def credited(
    table: Table, tenant_id: str, period: Period, currency: str
) -> Iterator[Mapping[str, Micros]]:
    """Of each of a provider's credits of a month: dataset -> its part. As `entries`, at a fifth of
    the time."""
    pk = ledger_pk(tenant_id, period)
    where = {"currency": currency}
    for item in table.query(pk, CREDIT_PREFIX, attributes=[_LINES], where=where, consistent=True):
        yield item[_LINES]


def entry_items(
    table: Table, tenant_id: str, period: Period, side: EntrySide
) -> Iterator[Mapping[str, Any]]:
    pk = ledger_pk(tenant_id, period)
    prefix = DEBIT_PREFIX if side is EntrySide.DEBIT else CREDIT_PREFIX
    return table.query(pk, prefix, page=_ENTRIES_PER_PAGE, consistent=True)
