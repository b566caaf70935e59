"""The schedule: on the 1st, a run over the month before, and the reserves that are due."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from tally.domain.instants import parse_instant
from tally.domain.payouts import check_ended
from tally.domain.periods import month_before, month_of
from tally.http.clock import current_instant
from tally.store.payout_runs import start_run
from tally.store.payouts import due_reserves, release
from tally.store.queues import payout_tasks
from tally.store.table import default_table

logger = Logger(service="tally")


def handler(event: dict[str, Any], _context: Any) -> None:
    """`event["scheduled_at"]` names the run, so that a schedule that fires twice begins one."""
    table, now = default_table(), current_instant()
    scheduled_at = parse_instant(event["scheduled_at"])
    period = month_before(month_of(scheduled_at))
    check_ended(period, now)
    run_id = f"run_{scheduled_at[:16].replace(':', '')}"
    run = start_run(table, payout_tasks(), run_id, period, now, by="schedule")
    released = sum(release(table, due, now) for due in due_reserves(table, now))
    logger.info(
        "payout run started",
        run_id=run.run_id,
        period=period,
        expected=run.expected,
        reserves_released=released,
    )
