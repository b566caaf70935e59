"""Making a statement: a provider's month as read from the ledger, and all items written for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import batched

from tally.access.tenants import get_tenant
from tally.aws.table import Table
from tally.aws.transactions import Action, named
from tally.catalog.reads import dataset_names
from tally.kernel.instants import Instant, plus
from tally.ledger.model.entries import EntrySide
from tally.ledger.provider_months import ProviderMonth, close, imports_of
from tally.ledger.reads import entries
from tally.payouts.counters import StatementTotals
from tally.payouts.items import (
    StatusChange,
    carried_from,
    carry_key,
    lines_attributes,
    payout_by_id_key,
    payout_key,
    payout_lines_key,
    statement_attributes,
)
from tally.payouts.model.carrying import Carried
from tally.payouts.model.statements import Line, Statement, lines_of, make_statement
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.paying import note_status
from tally.payouts.reserves import carry, hold

NO_IMPORTS_SINCE = "no_imports_since"
"""The condition that fails if history was imported while the statement was made."""

# A line takes 1.1 KB with the longest names, and an item holds 400 KB.
_LINES_PER_ITEM = 300


@dataclass(frozen=True, slots=True)
class Making:
    """What a statement needs beside the ledger: the time, the run, how long a reserve is held."""

    now: Instant
    made_by: str
    hold_for: timedelta


def make(table: Table, month: ProviderMonth, how: Making) -> list[Action]:
    """The actions that write a provider's statement, made from the ledger as it is now.

    Empty if the statement exists, or if the provider has no entries. A condition fails if what was
    read has changed when they are written; then make the statement again.
    """
    statement_key, carried_key = payout_key(*month), carry_key(month.tenant_id, month.currency)
    read = table.get_many([statement_key, month.key, carried_key])
    if statement_key in read:
        return []
    lines = ledger_lines(table, month)
    if not lines:
        return []
    carried = read.get(carried_key)
    imports = imports_of(read.get(month.key))
    statement = _statement(table, month, lines, carried_from(carried), how.now)
    made = StatusChange(PayoutStatus.PENDING, how.now, how.made_by)
    return [
        _statement_item(table, statement),
        _pointer(table, statement),
        named(NO_IMPORTS_SINCE, close(table, month, imports, statement.statement_id)),
        carry(table, carried_key, carried, statement.carried_over),
        table.add(StatementTotals(month.tenant_id).key, {"payouts": 1}),
        note_status(table, statement.statement_id, 1, made),
        *_line_items(table, statement),
        *([hold(table, statement, plus(how.now, how.hold_for))] if statement.held else []),
    ]


def ledger_lines(table: Table, month: ProviderMonth) -> tuple[Line, ...]:
    """A provider's month by dataset, summed from the ledger one entry at a time."""
    return lines_of(
        entry
        for entry in entries(table, month.tenant_id, month.period, EntrySide.CREDIT)
        if entry.posting.currency == month.currency
    )


def _statement(
    table: Table,
    month: ProviderMonth,
    lines: tuple[Line, ...],
    carried: Carried,
    created_at: Instant,
) -> Statement:
    """At the provider's present rates."""
    tenant = get_tenant(table, month.tenant_id)
    if tenant is None:
        raise RuntimeError(f"The ledger has entries of {month.tenant_id}, which is not a tenant.")
    return make_statement(
        tenant_id=month.tenant_id,
        period=month.period,
        currency=month.currency,
        fee_rate=tenant.fee_rate,
        reserve_rate=tenant.reserve_rate,
        carried_in=carried.amount,
        number=carried.moves + 1,
        created_at=created_at,
        lines=lines,
    )


def _statement_item(table: Table, statement: Statement) -> Action:
    """The statement itself, which must be the first of its month."""
    key = payout_key(statement.tenant_id, statement.period, statement.currency)
    status = {"status": PayoutStatus.PENDING.value, "changes": 1}
    return table.put_new(key, statement_attributes(statement) | status)


def _pointer(table: Table, statement: Statement) -> Action:
    """The way from the statement's id to its item."""
    attributes = {
        "tenant_id": statement.tenant_id,
        "period": statement.period,
        "currency": statement.currency,
    }
    return table.put_new(payout_by_id_key(statement.statement_id), attributes)


def _line_items(table: Table, statement: Statement) -> list[Action]:
    """The lines, each with the present name of its dataset."""
    names = dataset_names(table, [line.dataset_id for line in statement.lines])
    chunks = batched(statement.lines, _LINES_PER_ITEM, strict=False)
    return [
        table.put_new(payout_lines_key(statement.statement_id, n), lines_attributes(chunk, names))
        for n, chunk in enumerate(chunks)
    ]
