"""The schedule: every day, a task for each tenant that deletes the query texts it should not have.

DynamoDB expires most of them by itself. This deletes what a shorter retention makes too old, and
whatever else was left behind.
"""

from __future__ import annotations

from typing import Any

from tally.activity.erasing import tasks_of_every_day
from tally.aws.queues import erasure_tasks
from tally.aws.table import default_table
from tally.logs import logger, with_request_id


@with_request_id
def handler(_event: dict[str, Any], _context: Any) -> None:
    """A task that is sent twice finds nothing the second time."""
    tasks = list(tasks_of_every_day(default_table()))
    erasure_tasks().send_all(task.to_json() for task in tasks)
    logger.info("expired query texts sought", tenants=len(tasks))
