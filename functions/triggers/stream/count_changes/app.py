"""The table's stream: every change of a counted record is added to its tenant's counters."""

from __future__ import annotations

from typing import Any

from tally.aws.table import default_table
from tally.counting.engine import count
from tally.counting.parking import park
from tally.kernel.clock import current_instant
from tally.logs import logger, with_request_id


@with_request_id
def handler(event: dict[str, Any], _context: Any) -> None:
    """Finishes the whole batch, or raises so that it is delivered again."""
    table, now = default_table(), current_instant()
    result = count(table, event["Records"], now)
    for poison in result.parked:
        if park(table, poison, now):
            logger.error("record parked", reason=poison.reason, record_id=poison.raw["eventID"])
    logger.info(
        "batch counted",
        records=len(event["Records"]),
        counted=result.counted,
        already_counted=result.already_counted,
        without_effect=result.without_effect,
        parked=len(result.parked),
    )
