"""The schedule: starts a payout run for the latest ended month, and has due reserves released."""

from __future__ import annotations

from typing import Any

from tally.audit.model import SCHEDULE
from tally.aws.queues import payout_tasks
from tally.aws.table import default_table
from tally.kernel.clock import current_instant
from tally.logs import logger, with_request_id
from tally.metrics import Metric, measured
from tally.payouts.model.calendar import newest_ended
from tally.payouts.reserves import send_due_reserves
from tally.payouts.starting import start_run


@with_request_id
def handler(_event: dict[str, Any], _context: Any) -> None:
    """The run is named after the month, so a schedule that fires twice starts one run."""
    table, now = default_table(), current_instant()
    period = newest_ended(now)
    run_id = f"run_{period}"
    queue = payout_tasks()
    run = start_run(table, queue, run_id, period, now, by=SCHEDULE)
    due = send_due_reserves(table, queue, now)
    logger.info(
        "payout run started",
        run_id=run.run_id,
        period=period,
        expected=run.expected,
        reserves_due=due,
        **measured(now, {Metric.UNFINISHED_PAYOUTS: run.without_statement}),
    )
