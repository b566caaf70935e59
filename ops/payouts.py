"""Statements against the ledger: each recomputed, and the first thing that differs named."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from tally.domain.money import to_decimal
from tally.domain.payouts import Statement, make_statement
from tally.store import keys
from tally.store.ledger import periods
from tally.store.payouts import ProviderMonth, all_payouts, get_payout, ledger_lines
from tally.store.table import Table


def verify(table: Table, statement_id: str) -> str | None:
    """What differs between a statement and the ledger, in words; None if nothing does."""
    detail = get_payout(table, statement_id)
    if detail is None:
        return "there is no such statement"
    stored = detail.payout.statement
    month = ProviderMonth(stored.tenant_id, stored.period, stored.currency)
    expected = make_statement(
        tenant_id=stored.tenant_id,
        period=stored.period,
        currency=stored.currency,
        fee_rate=stored.fee_rate,
        reserve_rate=stored.reserve_rate,
        carried_in=_carried_to(table, stored),
        created_at=stored.created_at,
        lines=ledger_lines(table, month),
    )
    for line, right in zip_longest(stored.lines, expected.lines):
        if line != right:
            return f"line {(line or right).dataset_id}: it says {line}, the ledger {right}"
    for field in ("gross", "fee", "held", "carried_in"):
        says, right = getattr(stored, field), getattr(expected, field)
        if says != right:
            return f"{field} is {to_decimal(says)}, and should be {to_decimal(right)}"
    return None


def all_statements(table: Table) -> Iterator[str]:
    """Every statement, by the months that they closed, oldest first."""
    for period in periods(table):
        for item in table.query(keys.period_pk(period), keys.PROVIDER_PREFIX, consistent=True):
            if "closed" in item:
                yield item["closed"]


def _carried_to(table: Table, statement: Statement) -> int:
    """What the statement that was made before this one left for the next."""
    earlier = [
        other.statement
        for other in all_payouts(table, statement.tenant_id)
        if other.statement.currency == statement.currency
        and other.statement.created_at < statement.created_at
    ]
    newest = max(earlier, key=lambda other: other.created_at, default=None)
    return newest.carried_over if newest else 0
