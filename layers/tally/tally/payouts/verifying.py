"""Verifying statements: each is made again from the ledger, and the first difference is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

from tally.aws.table import Table
from tally.kernel.instants import Instant
from tally.kernel.money import Micros, to_decimal
from tally.ledger.provider_months import ProviderMonth, statements_of
from tally.ledger.reads import periods
from tally.payouts.making import ledger_lines
from tally.payouts.model.carrying import Release
from tally.payouts.model.fees import reserve
from tally.payouts.model.statements import Line, Statement, make_statement, sum_of
from tally.payouts.reading import PayoutDetail, all_payouts, get_payout, releases_of


class Move(NamedTuple):
    """A statement or a release that took a provider's carried balance, and what it left of it."""

    number: int | None
    at: Instant
    carried_over: Micros


def verify(table: Table, statement_id: str) -> str | None:
    """How a statement or its release differs from the ledger, in words; None if neither does."""
    detail = get_payout(table, statement_id)
    if detail is None:
        return "there is no such statement"
    stored = detail.payout.statement
    moves = _moves(table, stored.tenant_id, stored.currency)
    lines = ledger_lines(table, ProviderMonth(stored.tenant_id, stored.period, stored.currency))
    difference = _line_that_differs((each.line for each in detail.lines), lines)
    if difference:
        return difference
    exact = sum_of(lines)
    return _amount_that_differs(detail, _made_again(stored, moves, exact), exact, moves)


def all_statements(table: Table) -> Iterator[str]:
    """The ids of all statements, oldest month first."""
    for period in periods(table):
        yield from statements_of(table, period)


def carried_before(moves: Sequence[Move], number: int | None, at: Instant) -> Micros:
    """What a statement or release found, which has this number, or none, and was made then."""
    if number is None:  # before moves were numbered, their times had to tell the order
        before = [move for move in moves if move.at < at]
    elif number == 1:
        before = [move for move in moves if move.number is None and move.at < at]
    else:
        before = [move for move in moves if move.number == number - 1]
    newest = max(before, key=lambda move: move.at, default=None)
    return newest.carried_over if newest else 0


def _moves(table: Table, tenant_id: str, currency: str) -> Sequence[Move]:
    """All moves of a provider's balance in one currency."""
    payouts = all_payouts(table, tenant_id)
    made = [each.statement for each in payouts if each.statement.currency == currency]
    released = releases_of(table, [each.statement_id for each in made])
    return [
        *(Move(each.number, each.created_at, each.carried_over) for each in made),
        # Before they were numbered, releases took nothing.
        *(Move(r.number, r.released_at, r.carried_over) for r in released if r.number),
    ]


def _made_again(stored: Statement, moves: Sequence[Move], exact: Micros) -> Statement:
    """The statement as it should be, at the rates that it names."""
    made = make_statement(
        tenant_id=stored.tenant_id,
        period=stored.period,
        currency=stored.currency,
        fee_rate=stored.fee_rate,
        reserve_rate=stored.reserve_rate,
        carried_in=carried_before(moves, stored.number, stored.created_at),
        number=stored.number,
        created_at=stored.created_at,
        exact=exact,
    )
    if stored.number is None:  # from before the earnings limited what is held
        return replace(made, held=reserve(made.gross, made.reserve_rate, made.currency))
    return made


def _line_that_differs(stored: Iterable[Line], expected: Iterable[Line]) -> str | None:
    """Both are in the order of their datasets, and equal up to there."""
    for line, other in zip_longest(stored, expected):
        if line != other:
            dataset_id = min(each.dataset_id for each in (line, other) if each)
            says, right = (
                _in_words(each if each and each.dataset_id == dataset_id else None)
                for each in (line, other)
            )
            return f"line {dataset_id}: the statement says {says}, the ledger {right}"
    return None


def _in_words(line: Line | None) -> str:
    return f"{to_decimal(line.amount)} of {line.entries}" if line else "nothing"


def _amount_that_differs(
    detail: PayoutDetail, expected: Statement, exact: Micros, moves: Sequence[Move]
) -> str | None:
    stored, release = detail.payout.statement, detail.release
    amounts = [("the sum of its lines", detail.exact, exact)]
    amounts += [
        (field, getattr(stored, field), getattr(expected, field))
        for field in ("gross", "fee", "held", "carried_in")
    ]
    if release:
        amounts += _amounts_of_release(release, expected.held, moves)
    for name, amount, due in amounts:
        if amount != due:
            return f"{name} is {to_decimal(amount)}, and should be {to_decimal(due)}"
    return None


def _amounts_of_release(
    release: Release, held: Micros, moves: Sequence[Move]
) -> Iterator[tuple[str, Micros, Micros]]:
    """What it says and what is right, with the name of each amount."""
    yield "the amount of the release", release.amount, held
    if release.number:
        due = carried_before(moves, release.number, release.released_at)
        yield "carried_in of the release", release.carried_in, due
