"""Every five minutes: publishes what is parked, failed, overdue, or was found to be wrong."""

from __future__ import annotations

from typing import Any

from tally.aws.buckets import failed_batches
from tally.aws.table import default_table
from tally.kernel.clock import current_instant
from tally.logs import logger, with_request_id
from tally.metrics import measured
from tally.operations.health import measure


@with_request_id
def handler(_event: dict[str, Any], _context: Any) -> None:
    now = current_instant()
    health = measure(default_table(), failed_batches(), now)
    logger.info("health measured", **measured(now, health))
