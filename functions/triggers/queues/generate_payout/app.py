"""The queue of payout tasks: each message makes one provider's statement, holds many tasks to be
sent on, or names reserves to be released."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from tally.aws.queues import payout_tasks
from tally.aws.table import Table, default_table
from tally.kernel.clock import current_instant
from tally.logs import logger, with_request_id
from tally.metrics import Metric, measured
from tally.payouts.reserves import DueReserves, release_all
from tally.payouts.runs import Outcome, get_run
from tally.payouts.tasks import Bundle, Task, do_task, note_failure, read_message


@with_request_id
def handler(event: dict[str, Any], _context: Any) -> None:
    """Finishes all messages, or raises so that they are delivered again."""
    table = default_table()
    most = int(os.environ["MAX_RECEIVE_COUNT"])
    for record in event["Records"]:
        match read_message(record["body"]):
            case Task() as task:
                received = int(record["attributes"]["ApproximateReceiveCount"])
                _make_statement(table, task, is_last_try=received >= most)
            case Bundle() as bundle:
                payout_tasks().send_all(task.to_json() for task in bundle.tasks)
            case DueReserves(reserves):
                released = release_all(table, reserves, current_instant())
                logger.info("reserves released", released=released, due=len(reserves))


def _make_statement(table: Table, task: Task, *, is_last_try: bool) -> None:
    """The run notes a failure of the last delivery."""
    hold_for = timedelta(days=int(os.environ["RESERVE_DAYS"]))
    try:
        outcome = do_task(table, task, current_instant(), hold_for=hold_for)
    except Exception:
        if is_last_try:
            note_failure(table, task, current_instant())
        raise
    run = get_run(table, task.period, task.run_id)
    values = {Metric.STATEMENTS: int(outcome is Outcome.GENERATED)}
    if run:
        values[Metric.UNFINISHED_PAYOUTS] = run.without_statement
    logger.info(
        "provider done",
        run_id=task.run_id,
        tenant=task.tenant_id,
        outcome=outcome,
        **measured(current_instant(), values),
    )
    if run and run.is_finished:
        logger.info(
            "payout run finished",
            run_id=run.run_id,
            period=run.period,
            expected=run.expected,
            generated=run.generated,
            unchanged=run.unchanged,
            failed=run.failed,
        )
