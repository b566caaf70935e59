"""The schedule: a run over the newest month that has ended, and the reserves that are due."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from tally.domain.payouts import newest_ended
from tally.http.clock import current_instant
from tally.store.payout_runs import start_run
from tally.store.payouts import due_reserves, release
from tally.store.queues import payout_tasks
from tally.store.table import default_table

logger = Logger(service="tally")


def handler(_event: dict[str, Any], _context: Any) -> None:
    """The month names the run, so that a schedule that fires twice begins one."""
    table, now = default_table(), current_instant()
    period = newest_ended(now)
    run_id = f"run_{period}"
    run = start_run(table, payout_tasks(), run_id, period, now, by="schedule")
    released = sum(release(table, due, now) for due in due_reserves(table, now))
    logger.info(
        "payout run started",
        run_id=run.run_id,
        period=period,
        expected=run.expected,
        reserves_released=released,
    )
