"""Statements as JSON answers and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Annotated, Any

from tally.http.answers import Form, Text
from tally.kernel.instants import for_display
from tally.kernel.money import Micros, to_decimal
from tally.kernel.periods import bounds
from tally.payouts.items import NamedLine, Payout
from tally.payouts.model.carrying import Release
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.reading import PayoutDetail

_CSV_COLUMNS = (
    "period",
    "kind",
    "dataset_id",
    "dataset_name",
    "entries",
    "amount",
    "reserve",
    "currency",
    "note",
)


@dataclass(frozen=True, slots=True)
class PayoutAnswer:
    """A statement in a list."""

    payout_statement_id: str
    billing_period_start: str
    billing_period_end: str
    gross_revenue: Decimal
    seller_earnings: Decimal
    held_amount: Decimal
    released_amount: Decimal
    currency: str
    status: PayoutStatus
    created_at: str


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """One dataset of a statement. The amounts of the lines sum to the unrounded gross."""

    dataset_id: str
    dataset_name: str
    amount: Decimal
    entry_count: int


@dataclass(frozen=True, slots=True)
class ReleaseAnswer:
    """A release of held money: `settled` is what the provider owed, and `paid_out` the rest."""

    amount: Decimal
    settled: Decimal
    paid_out: Decimal
    released_at: str


@dataclass(frozen=True, slots=True)
class ReserveAnswer:
    """How much was held back at first, how much of it is released, and how much is still held."""

    held: Decimal
    released: Decimal
    still_held: Decimal
    releases: list[ReleaseAnswer]


@dataclass(frozen=True, slots=True)
class StatusChangeAnswer:
    """`changed_by` is an API key's id, or the payout run that made the statement."""

    status: PayoutStatus
    changed_at: str
    changed_by: str


@dataclass(frozen=True, slots=True)
class PayoutDetailAnswer(PayoutAnswer):
    """A statement with everything about it. `next_cursor` is null if no more lines follow.

    `carried_in` comes from the previous statement or release; `carried_over`, 0 or less, goes to
    the next one.

    released_amount + held_amount + carried_over = seller_earnings + carried_in
    """

    fee_rate: str
    reserve_rate: str
    platform_fee: Decimal
    carried_in: Decimal
    carried_over: Decimal
    reserve: ReserveAnswer
    attempts: int
    status_history: list[StatusChangeAnswer]
    lines: list[LineAnswer]
    next_cursor: str | None


StatementCsv = Annotated[
    Text,
    Form(
        "text/csv",
        "The statement for spreadsheets, if `Accept` prefers it to JSON.",
        {"Link": 'The address of the next lines: `<?cursor=...>; rel="next"`.'},
    ),
]


def payout_answer(payout: Payout) -> PayoutAnswer:
    statement = payout.statement
    first, last = bounds(statement.period)
    return PayoutAnswer(
        payout_statement_id=statement.statement_id,
        billing_period_start=for_display(first),
        billing_period_end=for_display(last),
        gross_revenue=to_decimal(statement.gross),
        seller_earnings=to_decimal(statement.earnings),
        held_amount=to_decimal(statement.held),
        released_amount=to_decimal(statement.released),
        currency=statement.currency,
        status=payout.status,
        created_at=for_display(statement.created_at),
    )


def line_answer(named: NamedLine) -> LineAnswer:
    line, name = named
    return LineAnswer(
        dataset_id=line.dataset_id,
        dataset_name=name,
        amount=to_decimal(line.amount),
        entry_count=line.entries,
    )


def detail_answer(
    detail: PayoutDetail, lines: list[LineAnswer], next_cursor: str | None
) -> PayoutDetailAnswer:
    """`lines` are those of this page."""
    statement = detail.payout.statement
    return PayoutDetailAnswer(
        **asdict(payout_answer(detail.payout)),
        fee_rate=f"{statement.fee_rate:f}",
        reserve_rate=f"{statement.reserve_rate:f}",
        platform_fee=to_decimal(statement.fee),
        carried_in=to_decimal(statement.carried_in),
        carried_over=to_decimal(statement.carried_over),
        reserve=_reserve(statement.held, detail.release),
        attempts=sum(change.status is PayoutStatus.PROCESSING for change in detail.changes),
        status_history=[
            StatusChangeAnswer(
                status=change.status,
                changed_at=for_display(change.changed_at),
                changed_by=change.changed_by,
            )
            for change in detail.changes
        ],
        lines=lines,
        next_cursor=next_cursor,
    )


def _reserve(held: Micros, release: Release | None) -> ReserveAnswer:
    released = release.amount if release else 0
    releases = []
    if release:
        releases.append(
            ReleaseAnswer(
                amount=to_decimal(release.amount),
                settled=to_decimal(release.settled),
                paid_out=to_decimal(release.paid_out),
                released_at=for_display(release.released_at),
            )
        )
    return ReserveAnswer(
        held=to_decimal(held),
        released=to_decimal(released),
        still_held=to_decimal(held - released),
        releases=releases,
    )


def as_csv(detail: PayoutDetail, answer: PayoutDetailAnswer) -> str:
    """A page of a statement for spreadsheets. Over all pages, `amount` adds up to what is paid out,
    and `reserve` to what is still held."""
    from tally.http.spreadsheets import csv_text, plain  # noqa: PLC0415  few ask for it

    period, rows = answer.billing_period_start[:7], []
    for kind, amount, reserve, note, *dataset in _csv_rows(answer, to_decimal(detail.exact)):
        dataset_id, name, entries = dataset or ("", "", "")
        row = (period, kind, plain(dataset_id), plain(name), entries, amount, reserve)
        rows.append((*row, answer.currency, note))
    return csv_text(_CSV_COLUMNS, rows)


def _csv_rows(answer: PayoutDetailAnswer, exact: Decimal) -> Iterator[tuple[Any, ...]]:
    """Kind, amount, reserve and note; for a line also dataset, name and number of entries.

    After the last line follows what is made of their sum, which is `exact`.
    """
    gross = answer.gross_revenue
    for line in answer.lines:
        yield "line", line.amount, "", "", line.dataset_id, line.dataset_name, line.entry_count
    if answer.next_cursor:
        return
    yield "rounding", gross - exact, "", "to the currency's minor unit"
    yield "platform fee", -answer.platform_fee, "", f"{answer.fee_rate} of {gross}"
    yield "held", -answer.held_amount, answer.held_amount, f"{answer.reserve_rate} of {gross}"
    yield "carried in", answer.carried_in, "", "from the statement before"
    yield "carried over", -answer.carried_over, "", "to the next statement"
    for release in answer.reserve.releases:
        if release.paid_out:
            yield "reserve released", "", -release.paid_out, release.released_at
        if release.settled:
            yield "reserve settled", "", -release.settled, release.released_at
