"""GET /v1/admin/payouts: the statements of all providers of a month.

They are in the order in which the month has its providers, which is the same from page to page.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.http.arguments import Choice, Query, month
from tally.http.cursors import Cursors, of_another_list
from tally.http.dependencies import Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of
from tally.http.statements import PayoutAnswer, payout_answer
from tally.kernel.periods import Period
from tally.payouts.model.calendar import newest_ended
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.months import ProviderPosition, ProvidersPayout, list_month

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=LIST_ERRORS, rows="payouts")

PayoutCursors = Annotated[
    Cursors[ProviderPosition], cursors_of("all-payouts", "provider", ProviderPosition)
]
Month = Annotated[Period | None, Query(month)]
Status = Annotated[PayoutStatus | None, Query(Choice(PayoutStatus))]


@dataclass(frozen=True, slots=True)
class ProvidersPayoutAnswer(PayoutAnswer):
    """A statement, and whose it is. `provider_name` is the provider's present name."""

    provider_id: str
    provider_name: str


@dataclass(frozen=True, slots=True)
class ProvidersPayoutList:
    """The statements of `period`, which is the latest ended month if none was asked for. `total`
    counts all of them, whatever their status. A page may have fewer rows than `limit`, or none,
    although more follow; `next_cursor` is null on the last page."""

    period: str
    payouts: list[ProvidersPayoutAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/admin/payouts")
def list_payouts(
    *,
    table: TheTable,
    now: Now,
    cursors: PayoutCursors,
    period: Month = None,
    status: Status = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ProvidersPayoutList:
    of_status = cursors.within(status or "any")
    after = of_status.read(cursor)
    # The latest month may have become another one since the page before.
    wanted = period or (after.period if after else newest_ended(now))
    if after and after.period != wanted:
        raise of_another_list()
    page = list_month(table, wanted, status=status, limit=limit, after=after)
    return ProvidersPayoutList(
        period=wanted,
        payouts=[_answer(each) for each in page.rows],
        total=page.total,
        next_cursor=of_status.write(page.last),
    )


def _answer(row: ProvidersPayout) -> ProvidersPayoutAnswer:
    return ProvidersPayoutAnswer(
        **asdict(payout_answer(row.payout)),
        provider_id=row.payout.statement.tenant_id,
        provider_name=row.provider_name,
    )


handler = endpoint.handler
