"""POST /v1/admin/payout-runs: the statements of an ended month, made now."""

from __future__ import annotations

import secrets
from typing import Annotated

from aws_lambda_powertools.event_handler import Depends
from pydantic import BaseModel, StringConstraints

from tally.domain.instants import for_display
from tally.domain.payouts import check_ended
from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Endpoint, Now, TheTable
from tally.store.payout_runs import start_run
from tally.store.queues import Queue, payout_tasks

endpoint = Endpoint(Scope.ADMIN, platform_only=True)


PayoutTasks = Annotated[Queue, Depends(payout_tasks)]


class PayoutRunRequest(BaseModel):
    """`period` is a month: `2026-03`."""

    period: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])\z")]


class PayoutRunAnswer(BaseModel):
    """`expected` providers will have a statement, or have one already."""

    payout_run_id: str
    period: str
    status: str
    expected: int
    started_at: str


@endpoint.post("/v1/admin/payout-runs", status_code=202)
def create_payout_run(
    wanted: PayoutRunRequest, caller: CurrentCaller, table: TheTable, tasks: PayoutTasks, now: Now
) -> PayoutRunAnswer:
    check_ended(wanted.period, now)
    run_id = f"run_{secrets.token_hex(8)}"
    run = start_run(table, tasks, run_id, wanted.period, now, by=caller.api_key_id)
    return PayoutRunAnswer(
        payout_run_id=run.run_id,
        period=run.period,
        status="finished" if run.is_finished else "running",
        expected=run.expected,
        started_at=for_display(run.started_at),
    )


handler = endpoint.handler
