"""GET /v1/provider/payouts: the payout statements of the caller's tenant, newest month first."""

from __future__ import annotations

from pydantic import BaseModel

from tally.domain.scopes import Scope
from tally.http.cursors import Cursors
from tally.http.endpoint import CurrentCaller, Endpoint, TheTable
from tally.http.lists import Cursor, CursorSecret, Limit
from tally.http.payouts import PayoutAnswer, payout_answer
from tally.store.payouts import Position
from tally.store.payouts import list_payouts as stored_payouts

endpoint = Endpoint(Scope.BILLING_READ)


class PayoutList(BaseModel):
    """`total` counts all statements of the tenant; `next_cursor` is null on the last page."""

    payouts: list[PayoutAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/provider/payouts")
def list_payouts(
    caller: CurrentCaller,
    table: TheTable,
    secret: CursorSecret,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> PayoutList:
    cursors = Cursors(secret, (caller.tenant_id, "payouts", "period"))
    position = cursors.read(cursor, length=2)
    after = Position(*position) if position else None
    page = stored_payouts(table, caller.tenant_id, limit=limit, after=after)
    return PayoutList(
        payouts=[payout_answer(payout) for payout in page.payouts],
        total=page.total,
        next_cursor=cursors.write(page.last),
    )


handler = endpoint.handler
