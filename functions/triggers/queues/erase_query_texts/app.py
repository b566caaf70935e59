"""The queue of erasures: each message deletes query texts of a tenant, or parts of them."""

from __future__ import annotations

from typing import Any

from tally.activity.erasing import Task, do_task
from tally.aws.queues import erasure_tasks
from tally.aws.table import default_table
from tally.kernel.clock import current_instant
from tally.logs import logger, with_request_id


@with_request_id
def handler(event: dict[str, Any], _context: Any) -> None:
    """Finishes all messages or sends on what is left of them, or raises so that they are delivered
    again."""
    table, queue = default_table(), erasure_tasks()
    for record in event["Records"]:
        task = Task.from_json(record["body"])
        deleted = do_task(table, queue, task, current_instant())
        logger.info("query texts deleted", tenant=task.tenant_id, texts=deleted)
