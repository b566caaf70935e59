"""GET /v1/admin/payout-runs: all payout runs and how far they are, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.http.cursors import Cursors
from tally.http.dependencies import TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of, fitting
from tally.kernel.instants import for_display
from tally.payouts.run_list import RunPosition, list_started_runs
from tally.payouts.runs import Run

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=LIST_ERRORS, rows="payout_runs")

RunCursors = Annotated[Cursors[RunPosition], cursors_of("payout-runs", "started_at", RunPosition)]


@dataclass(frozen=True, slots=True)
class ListedPayoutRunAnswer:
    """`expected` providers; those that are not counted by their outcome are still to come, and
    `status` is `running` as long as there are any. `unchanged` had their statement before, or have
    nothing to state. `finished_at` is when the last outcome was noted: null while the run lasts,
    and for runs of versions that did not note it. `started_by` is an API key's id, or
    `schedule`."""

    payout_run_id: str
    period: str
    status: str
    started_at: str
    started_by: str
    finished_at: str | None
    expected: int
    generated: int
    unchanged: int
    failed: int


@dataclass(frozen=True, slots=True)
class PayoutRunList:
    """`total` counts all runs. `next_cursor` is null on the last page."""

    payout_runs: list[ListedPayoutRunAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/admin/payout-runs")
def list_payout_runs(
    table: TheTable, cursors: RunCursors, limit: Limit = 20, cursor: Cursor = None
) -> PayoutRunList:
    page = list_started_runs(table, limit=limit, after=cursors.read(cursor))
    runs, last = fitting(page, _answer)
    return PayoutRunList(payout_runs=runs, total=page.total, next_cursor=cursors.write(last))


def _answer(run: Run) -> ListedPayoutRunAnswer:
    return ListedPayoutRunAnswer(
        payout_run_id=run.run_id,
        period=run.period,
        status="finished" if run.is_finished else "running",
        started_at=for_display(run.started_at),
        started_by=run.started_by,
        finished_at=for_display(run.finished_at) if run.finished_at else None,
        expected=run.expected,
        generated=run.generated,
        unchanged=run.unchanged,
        failed=run.failed,
    )


handler = endpoint.handler
