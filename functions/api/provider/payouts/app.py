"""GET /v1/provider/payouts: the payout statements of the caller's tenant, newest month first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.http.cursors import Cursors
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of, fitting
from tally.http.statements import PayoutAnswer, payout_answer
from tally.payouts.reading import PayoutPosition
from tally.payouts.reading import list_payouts as stored_payouts

endpoint = Endpoint(Scope.BILLING_READ, errors=LIST_ERRORS, rows="payouts")

PayoutCursors = Annotated[Cursors[PayoutPosition], cursors_of("payouts", "period", PayoutPosition)]


@dataclass(frozen=True, slots=True)
class PayoutList:
    """`total` counts all statements of the tenant. `next_cursor` is null on the last page."""

    payouts: list[PayoutAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/provider/payouts")
def list_payouts(
    caller: CurrentCaller,
    table: TheTable,
    cursors: PayoutCursors,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> PayoutList:
    after = cursors.read(cursor)
    page = stored_payouts(table, caller.tenant_id, limit=limit, after=after)
    payouts, last = fitting(page, payout_answer)
    return PayoutList(payouts=payouts, total=page.total, next_cursor=cursors.write(last))


handler = endpoint.handler
