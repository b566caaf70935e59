"""Verifying statements: each is made again from the ledger, and the first difference is named."""

from __future__ import annotations

from collections.abc import Iterator

from tally.aws.table import Table
from tally.kernel.money import to_decimal
from tally.ledger.provider_months import ProviderMonth, statements_of
from tally.ledger.reads import periods
from tally.payouts.making import ledger_lines
from tally.payouts.model.statements import Line, Statement, make_statement
from tally.payouts.reading import all_payouts, get_payout


def verify(table: Table, statement_id: str) -> str | None:
    """How a statement differs from the ledger, in words; None if it does not."""
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
    """The ids of all statements, oldest month first."""
    for period in periods(table):
        yield from statements_of(table, period)


def _carried_to(table: Table, statement: Statement) -> int:
    """What the provider's statement before this one carried over."""
    earlier = [
        other.statement
        for other in all_payouts(table, statement.tenant_id)
        if other.statement.currency == statement.currency
        and other.statement.created_at < statement.created_at
    ]
    newest = max(earlier, key=lambda other: other.created_at, default=None)
    return newest.carried_over if newest else 0
