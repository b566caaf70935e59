"""POST /v1/admin/payout-runs: a run that makes the missing statements of an ended month."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel

from tally.access.model.scopes import Scope
from tally.aws.queues import Queue, payout_tasks
from tally.http.arguments import Provided
from tally.http.bodies import Body
from tally.http.dependencies import CurrentActor, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import PeriodOpen
from tally.kernel.instants import for_display
from tally.payouts.model.calendar import check_ended
from tally.payouts.starting import start_run
from tally.wire.fields import Month

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=[PeriodOpen])

PayoutTasks = Annotated[Queue, Provided(payout_tasks)]


class PayoutRunRequest(BaseModel):
    period: Month


@dataclass(frozen=True, slots=True)
class PayoutRunAnswer:
    """`expected` counts the providers that will have a statement, or have one already."""

    payout_run_id: str
    period: str
    status: str
    expected: int
    started_at: str


@endpoint.post("/v1/admin/payout-runs", status_code=202)
def create_payout_run(
    wanted: Body[PayoutRunRequest],
    actor: CurrentActor,
    table: TheTable,
    tasks: PayoutTasks,
    now: Now,
) -> PayoutRunAnswer:
    check_ended(wanted.period, now)
    run_id = f"run_{secrets.token_hex(8)}"
    run = start_run(table, tasks, run_id, wanted.period, now, by=actor)
    return PayoutRunAnswer(
        payout_run_id=run.run_id,
        period=run.period,
        status="finished" if run.is_finished else "running",
        expected=run.expected,
        started_at=for_display(run.started_at),
    )


handler = endpoint.handler
