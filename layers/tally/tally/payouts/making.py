"""Making a statement: a provider's month as read from the ledger, and all items written for it.

Each attempt writes lines under a name of its own. Those that do not fit into the statement's
transaction are written before it, where nobody sees them: readers look for the attempt that the
statement names. It is written once and keeps this name, so the lines of all other attempts are
known to be useless from then on, and no others are ever deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from typing import NamedTuple

from tally.access.tenants import get_tenant
from tally.aws.table import Table
from tally.aws.transactions import Action, named
from tally.catalog.reads import dataset_names
from tally.kernel.instants import Instant, plus
from tally.kernel.keys import Key
from tally.kernel.money import Micros
from tally.ledger.provider_months import ProviderMonth, close, imports_of
from tally.ledger.reads import credited
from tally.payouts.counters import StatementTotals
from tally.payouts.items import (
    ATTEMPT_PREFIX,
    StatedLines,
    StatusChange,
    carried_from,
    carry_key,
    change_attributes,
    lines_attributes,
    lines_of_others,
    payout_by_id_key,
    payout_key,
    payout_lines_key,
    payout_status_key,
    stated_lines_attributes,
    stated_lines_from,
    statement_attributes,
)
from tally.payouts.model.carrying import Carried
from tally.payouts.model.statements import (
    Line,
    Statement,
    lines_of,
    next_statement,
    statement_id,
    sum_of,
)
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.reserves import carry, hold

NO_IMPORTS_SINCE = "no_imports_since"
"""The condition that fails if history was imported while the statement was made."""

# A line takes 1.1 KB with the longest names; an item holds 400 KB, and a transaction 4 MB.
LINES_AN_ITEM = 300
ITEMS_A_TRANSACTION = 10


@dataclass(frozen=True, slots=True)
class Making:
    """What a statement needs beside the ledger: the time, the run, how long a reserve is held."""

    now: Instant
    made_by: str
    hold_for: timedelta


class Made(NamedTuple):
    """`actions` write a statement; there are none if it exists, or if there is nothing to state.

    `had_lines_ahead`: this or another attempt may have left lines that no statement names.
    """

    actions: list[Action]
    had_lines_ahead: bool


def make(table: Table, month: ProviderMonth, how: Making) -> Made:
    """The actions that write a provider's statement, made from the ledger as it is now. Lines that
    do not fit into one transaction with them are written.

    A condition fails if what was read has changed when they are written; then make the statement
    again.
    """
    statement_key, carried_key = payout_key(*month), carry_key(month.tenant_id, month.currency)
    read = table.get_many([statement_key, month.key, carried_key])
    if statement_key in read:
        return Made([], _had_lines_ahead(stated_lines_from(read[statement_key])))
    lines = ledger_lines(table, month)
    if not lines:
        return Made([], had_lines_ahead=False)
    stated, last_lines = _write_all_but_the_last(table, statement_id(*month), lines)
    carried = read.get(carried_key)
    imports = imports_of(read.get(month.key))
    statement = _statement(table, month, stated.exact, carried_from(carried), how.now)
    made = StatusChange(PayoutStatus.PENDING, how.now, how.made_by)
    actions = [
        _statement_item(table, statement, stated),
        _pointer(table, statement),
        named(NO_IMPORTS_SINCE, close(table, month, imports, statement.statement_id)),
        carry(table, carried_key, carried, statement.carried_over),
        table.add(StatementTotals(month.tenant_id).key, {"payouts": 1}),
        table.put_new(payout_status_key(statement.statement_id, 1), change_attributes(made)),
        *last_lines,
        *(hold(table, statement, plus(how.now, how.hold_for)) if statement.held else []),
    ]
    return Made(actions, _had_lines_ahead(stated))


def ledger_lines(table: Table, month: ProviderMonth) -> tuple[Line, ...]:
    """A provider's month by dataset, summed from the ledger one entry at a time."""
    return lines_of(credited(table, *month))


def _statement(
    table: Table,
    month: ProviderMonth,
    exact: Micros,
    carried: Carried,
    created_at: Instant,
) -> Statement:
    """At the provider's present rates."""
    tenant = get_tenant(table, month.tenant_id)
    if tenant is None:
        raise RuntimeError(f"The ledger has entries of {month.tenant_id}, which is not a tenant.")
    return next_statement(
        tenant,
        month.period,
        month.currency,
        exact=exact,
        carried=carried,
        created_at=created_at,
    )


def _statement_item(table: Table, statement: Statement, lines: StatedLines) -> Action:
    """The statement itself, which must be the first of its month."""
    key = payout_key(statement.tenant_id, statement.period, statement.currency)
    status = {"status": PayoutStatus.PENDING.value, "changes": 1}
    attributes = statement_attributes(statement) | stated_lines_attributes(lines) | status
    return table.put_new(key, attributes)


def _pointer(table: Table, statement: Statement) -> Action:
    """The way from the statement's id to its item."""
    attributes = {
        "tenant_id": statement.tenant_id,
        "period": statement.period,
        "currency": statement.currency,
    }
    return table.put_new(payout_by_id_key(statement.statement_id), attributes)


# ------------------------------------------------------------------------------- lines


def _write_all_but_the_last(
    table: Table, of_statement: str, lines: Sequence[Line]
) -> tuple[StatedLines, list[Action]]:
    """Write lines as those of a new attempt. What is left is for the statement's own transaction:
    all of them, if they fit."""
    stated = StatedLines(f"{ATTEMPT_PREFIX}{secrets.token_hex(8)}", len(lines), sum_of(lines))
    *ahead, last = batched(lines, LINES_AN_ITEM * ITEMS_A_TRANSACTION, strict=False)
    for part in ahead:
        table.transact(_items(table, of_statement, stated.attempt, part))
    return stated, _items(table, of_statement, stated.attempt, last)


def _items(table: Table, of_statement: str, attempt: str, lines: Sequence[Line]) -> list[Action]:
    """Lines, each with the present name of its dataset."""
    names = dataset_names(table, [line.dataset_id for line in lines])
    return [
        table.put_new(
            payout_lines_key(of_statement, attempt, chunk[-1].dataset_id),
            lines_attributes(chunk, names),
        )
        for chunk in batched(lines, LINES_AN_ITEM, strict=False)
    ]


def _had_lines_ahead(stated: StatedLines | None) -> bool:
    """Whether lines were written before the statement; then other attempts may have left theirs."""
    return stated is not None and stated.count > LINES_AN_ITEM * ITEMS_A_TRANSACTION


def delete_lines_of_others(table: Table, month: ProviderMonth) -> None:
    """Delete the lines of all attempts but the one that the month's statement names."""
    stored = table.get(payout_key(*month), consistent=True)
    stated = stated_lines_from(stored) if stored else None
    if stated is None or not _had_lines_ahead(stated):
        return
    pk = payout_by_id_key(statement_id(*month)).pk
    for between in lines_of_others(stated.attempt):
        left = table.query(pk, between=between, attributes=["PK", "SK"], consistent=True)
        for some in batched(left, ITEMS_A_TRANSACTION, strict=False):
            table.transact([table.delete(Key(item["PK"], item["SK"])) for item in some])
