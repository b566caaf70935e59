"""Statements against the ledger: each recomputed, and the first thing that differs named."""

from __future__ import annotations

from collections.abc import Iterator

from tally.domain.money import to_decimal
from tally.domain.payouts import Line, Statement, make_statement
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
    says = {line.dataset_id: line for line in stored.lines}
    right = {line.dataset_id: line for line in expected.lines}
    for dataset_id in sorted(says.keys() | right.keys()):
        line, other = says.get(dataset_id), right.get(dataset_id)
        if line != other:
            words = f"the statement says {_in_words(line)}, the ledger {_in_words(other)}"
            return f"line {dataset_id}: {words}"
    for field in ("gross", "fee", "held", "carried_in"):
        amount, due = getattr(stored, field), getattr(expected, field)
        if amount != due:
            return f"{field} is {to_decimal(amount)}, and should be {to_decimal(due)}"
    return None


def _in_words(line: Line | None) -> str:
    return f"{to_decimal(line.amount)} of {line.entries}" if line else "nothing"


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
