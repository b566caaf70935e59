"""POST /v1/admin/payouts/{id}/status: the statement with the new status of its payment."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel

from tally.access.model.scopes import Scope
from tally.http.arguments import PathId
from tally.http.bodies import Body
from tally.http.dependencies import CurrentActor, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.statements import PayoutAnswer, payout_answer
from tally.kernel.errors import InvalidTransition, NotFound
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.paying import change_status

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=[NotFound, InvalidTransition])

PayoutId = Annotated[str, PathId("Payout")]


class StatusRequest(BaseModel):
    """The status that the payment shall have."""

    status: PayoutStatus


@endpoint.post("/v1/admin/payouts/{id}/status", status_code=200)
def change_payout_status(
    payout_id: PayoutId, wanted: Body[StatusRequest], actor: CurrentActor, table: TheTable, now: Now
) -> PayoutAnswer:
    changed = change_status(table, payout_id, wanted.status, now, actor)
    return payout_answer(changed)


handler = endpoint.handler
