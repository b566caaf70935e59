"""POST /v1/admin/payouts/{id}/status: how far the payment of a statement is."""

from __future__ import annotations

from pydantic import BaseModel

from tally.domain.payouts import PayoutStatus
from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Endpoint, Now, TheTable
from tally.http.payouts import PayoutAnswer, payout_answer
from tally.store.payouts import change_status

endpoint = Endpoint(Scope.ADMIN, platform_only=True)


class StatusRequest(BaseModel):
    status: PayoutStatus


@endpoint.post("/v1/admin/payouts/<payout_id>/status", status_code=200)
def change_payout_status(
    payout_id: str, wanted: StatusRequest, caller: CurrentCaller, table: TheTable, now: Now
) -> PayoutAnswer:
    changed = change_status(table, payout_id, wanted.status, now, by=caller.api_key_id)
    return payout_answer(changed)


handler = endpoint.handler
