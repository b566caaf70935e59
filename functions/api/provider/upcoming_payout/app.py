"""GET /v1/provider/payouts/upcoming: what the next statements would say if the month ended now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.http.arguments import Query, WholeNumber
from tally.http.cursors import Cursors
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, cursors_of, fitting
from tally.http.statements import LineAnswer, line_answer
from tally.kernel.instants import for_display
from tally.kernel.money import to_decimal
from tally.kernel.periods import bounds
from tally.payouts.model.calendar import stated_at
from tally.payouts.model.statements import Statement
from tally.payouts.reserves import HeldReserve
from tally.payouts.upcoming import UpcomingLinePosition, page_of_lines, upcoming

endpoint = Endpoint(Scope.BILLING_READ, errors=LIST_ERRORS)

LineLimit = Annotated[int, Query(WholeNumber(1, 1000))]
LineCursors = Annotated[
    Cursors[UpcomingLinePosition], cursors_of("upcoming", "period", UpcomingLinePosition)
]


@dataclass(frozen=True, slots=True)
class UpcomingPayoutAnswer:
    """A statement as it would be made now; it is made when it is due. `lines` are those of this
    page, with the present names of their datasets.

    released_amount + held_amount + carried_over = seller_earnings + carried_in
    """

    period: str
    billing_period_start: str
    billing_period_end: str
    gross_revenue: Decimal
    platform_fee: Decimal
    seller_earnings: Decimal
    held_amount: Decimal
    carried_in: Decimal
    carried_over: Decimal
    released_amount: Decimal
    currency: str
    fee_rate: str
    reserve_rate: str
    due_at: str
    lines: list[LineAnswer]


@dataclass(frozen=True, slots=True)
class CarriedAnswer:
    """What the next statement or release takes as `carried_in`: 0, or negative as long as the
    provider owes."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class HeldReserveAnswer:
    """What is held of an earlier statement. The first scheduled payout run from `due_at` on
    releases it, and so does the provider's next statement; in one run, the statement comes
    first."""

    payout_statement_id: str
    period: str
    held_amount: Decimal
    currency: str
    due_at: str


@dataclass(frozen=True, slots=True)
class UpcomingPayouts:
    """One statement for each month and currency with entries: of the present month, and of the last
    one until its statement is made. What the last one leaves, and the reserves that are due by then
    settle, is what the present one takes. A month further back that has no statement is not
    foreseen. `next_cursor` is null if no more lines follow."""

    upcoming: list[UpcomingPayoutAnswer]
    carried: list[CarriedAnswer]
    reserves: list[HeldReserveAnswer]
    next_cursor: str | None


@endpoint.get("/v1/provider/payouts/upcoming")
def upcoming_payouts(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    *,
    cursors: LineCursors,
    limit: LineLimit = 1000,
    cursor: Cursor = None,
) -> UpcomingPayouts:
    after = cursors.read(cursor)
    found = upcoming(table, caller.tenant_id, now)
    page = page_of_lines(table, found.statements, limit=limit, after=after)
    shown, last = fitting(page, lambda row: line_answer(row.named))
    lines: dict[str, list[LineAnswer]] = {}
    for row, answer in zip(page.rows, shown, strict=False):
        lines.setdefault(row.statement.statement_id, []).append(answer)
    return UpcomingPayouts(
        upcoming=[_answer(each.statement, lines) for each in found.statements],
        carried=[
            CarriedAnswer(currency, to_decimal(amount))
            for currency, amount in found.carried.items()
        ],
        reserves=[_reserve(each) for each in found.reserves],
        next_cursor=cursors.write(last),
    )


def _answer(
    statement: Statement, lines: Mapping[str, Sequence[LineAnswer]]
) -> UpcomingPayoutAnswer:
    first, last = bounds(statement.period)
    return UpcomingPayoutAnswer(
        period=statement.period,
        billing_period_start=for_display(first),
        billing_period_end=for_display(last),
        gross_revenue=to_decimal(statement.gross),
        platform_fee=to_decimal(statement.fee),
        seller_earnings=to_decimal(statement.earnings),
        held_amount=to_decimal(statement.held),
        carried_in=to_decimal(statement.carried_in),
        carried_over=to_decimal(statement.carried_over),
        released_amount=to_decimal(statement.released),
        currency=statement.currency,
        fee_rate=f"{statement.fee_rate:f}",
        reserve_rate=f"{statement.reserve_rate:f}",
        due_at=for_display(stated_at(statement.period)),
        lines=list(lines.get(statement.statement_id, ())),
    )


def _reserve(held: HeldReserve) -> HeldReserveAnswer:
    return HeldReserveAnswer(
        payout_statement_id=held.statement_id,
        period=held.period,
        held_amount=to_decimal(held.amount),
        currency=held.currency,
        due_at=for_display(held.due_at),
    )


handler = endpoint.handler
