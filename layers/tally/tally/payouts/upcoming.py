"""The coming statements: what they would say if the month ended now, by the code of real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from tally.access.items import tenant_key
from tally.access.tenants import get_tenant
from tally.aws.pages import Page, cut
from tally.aws.table import Table
from tally.catalog.reads import dataset_names
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant
from tally.kernel.money import Micros
from tally.kernel.periods import Period, month_before, month_of
from tally.ledger.provider_months import ProviderMonth, months_of_provider
from tally.ledger.series import month_lines
from tally.payouts.items import (
    CARRY_PREFIX,
    NamedLine,
    carried_from,
    currency_carried,
    payout_key,
)
from tally.payouts.model.calendar import stated_at
from tally.payouts.model.carrying import Carried, Release
from tally.payouts.model.statements import Line, Statement, next_statement, sum_of
from tally.payouts.reserves import HeldReserve, reserves_of

_ATTEMPTS = 5


class UpcomingStatement(NamedTuple):
    """A statement as it would be, and its lines in the order of their datasets."""

    statement: Statement
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Upcoming:
    """`carried` is the provider's balance by currency, as it is now; `reserves` is what is held."""

    statements: Sequence[UpcomingStatement]
    carried: Mapping[str, Micros]
    reserves: Sequence[HeldReserve]


def upcoming(table: Table, tenant_id: str, now: Instant) -> Upcoming:
    """Of the last month and the present one, as far as they have entries and no statement. What an
    older month leaves is not foreseen before its statement is made."""
    for _ in range(_ATTEMPTS):
        carried = dict(_carried(table, tenant_id))
        reserves = list(reserves_of(table, tenant_id))
        statements = list(_statements(table, tenant_id, now, carried, reserves))
        # A statement or a release in between would be in one part of the answer only.
        if dict(_carried(table, tenant_id)) == carried:
            amounts = {currency: balance.amount for currency, balance in carried.items()}
            return Upcoming(statements, amounts, reserves)
    raise Unavailable("The provider's balance keeps changing; send the request again.")


def _carried(table: Table, tenant_id: str) -> Iterator[tuple[str, Carried]]:
    """Currency -> the balance that the next statement takes."""
    for item in table.query(tenant_key(tenant_id).pk, CARRY_PREFIX, consistent=True):
        yield currency_carried(item), carried_from(item)


def _statements(
    table: Table,
    tenant_id: str,
    now: Instant,
    carried: Mapping[str, Carried],
    reserves: Sequence[HeldReserve],
) -> Iterator[UpcomingStatement]:
    """Oldest month first: what one leaves, the next one takes, once the reserves that are due by
    then have settled what they can."""
    tenant = get_tenant(table, tenant_id)
    if tenant is None:
        return
    left, held = dict(carried), list(reserves)
    present = month_of(now)
    unstated = _unstated(table, tenant_id, (month_before(present), present))
    for period in (month_before(present), present):
        stated = set()
        for month in (each for each in unstated if each.period == period):
            lines = [Line(*credited) for credited in month_lines(table, *month) if credited.entries]
            if not lines:
                continue
            before = left.get(month.currency, Carried())
            statement = next_statement(
                tenant,
                month.period,
                month.currency,
                exact=sum_of(lines),
                carried=before,
                created_at=now,
            )
            left[month.currency] = Carried(statement.carried_over, before.moves + 1)
            stated.add(month.currency)
            yield UpcomingStatement(statement, lines)
        at = stated_at(period)
        for each in list(held):
            # A statement that is late releases what is due when it is made.
            if each.due_at <= (max(at, now) if each.currency in stated else at):
                held.remove(each)
                before = left.get(each.currency, Carried())
                released = Release(each.amount, at, before.amount)
                left[each.currency] = Carried(released.carried_over, before.moves + 1)


def _unstated(table: Table, tenant_id: str, periods: Sequence[Period]) -> Sequence[ProviderMonth]:
    """The months that may have entries, without those that have a statement."""
    months = [month for period in periods for month in months_of_provider(table, tenant_id, period)]
    stated = table.get_many([payout_key(*month) for month in months])
    return [month for month in months if payout_key(*month) not in stated]


# ------------------------------------------------------------------------------- lines


class UpcomingLinePosition(NamedTuple):
    """A place among the lines of all coming statements."""

    period: Period
    currency: str
    dataset_id: str


class UpcomingLine(NamedTuple):
    """A line of a coming statement, with the present name of its dataset."""

    statement: Statement
    named: NamedLine


def page_of_lines(
    table: Table,
    statements: Sequence[UpcomingStatement],
    *,
    limit: int,
    after: UpcomingLinePosition | None = None,
) -> Page[UpcomingLine, UpcomingLinePosition]:
    """A page of the lines of these statements, one after the other."""
    all_lines = ((each.statement, line) for each in statements for line in each.lines)
    behind = (
        (statement, line)
        for statement, line in all_lines
        if after is None or _position(statement, line) > after
    )
    found, more = cut(list(islice(behind, limit + 1)), limit)
    names = dataset_names(table, [line.dataset_id for _, line in found])
    rows = [
        UpcomingLine(statement, NamedLine(line, names[line.dataset_id]))
        for statement, line in found
    ]
    total = sum(len(each.lines) for each in statements)
    return Page(rows, total, more, lambda row: _position(row.statement, row.named.line))


def _position(statement: Statement, line: Line) -> UpcomingLinePosition:
    return UpcomingLinePosition(statement.period, statement.currency, line.dataset_id)
