"""The queue of payout tasks: each message makes one provider's statement."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from tally.aws.table import default_table
from tally.kernel.clock import current_instant
from tally.logs import logger, with_request_id
from tally.metrics import Metric, measured
from tally.payouts.runs import Outcome, Task, do_task, get_run, note_failure


@with_request_id
def handler(event: dict[str, Any], _context: Any) -> None:
    """Finishes all messages, or raises so that they are delivered again. The run notes a failure
    of the last delivery."""
    table = default_table()
    hold_for = timedelta(days=int(os.environ["RESERVE_DAYS"]))
    most = int(os.environ["MAX_RECEIVE_COUNT"])
    for record in event["Records"]:
        task = Task.from_json(record["body"])
        try:
            outcome = do_task(table, task, current_instant(), hold_for=hold_for)
        except Exception:
            if int(record["attributes"]["ApproximateReceiveCount"]) >= most:
                note_failure(table, task)
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
