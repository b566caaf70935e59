"""The table's stream: every change of a counted record is added to its tenant's counters."""

from __future__ import annotations

from typing import Any

from tally.aws.queues import object_rescues
from tally.aws.table import default_table
from tally.counting import rescues
from tally.counting.engine import count
from tally.counting.parking import park
from tally.kernel.clock import current_instant
from tally.kernel.instants import Instant, to_datetime
from tally.logs import logger, with_request_id
from tally.metrics import Metric, measured


@with_request_id
def handler(event: dict[str, Any], _context: Any) -> None:
    """Finishes the whole batch, or raises so that it is delivered again."""
    table, now = default_table(), current_instant()
    result = count(table, event["Records"], now)
    parked = 0
    for poison in result.parked:
        if park(table, poison, now):
            parked += 1
            logger.warning("record parked", reason=poison.kind, record_id=poison.raw["eventID"])
    if result.to_rescue:
        rescues.ask(table, object_rescues(), result.to_rescue, now)
    done = current_instant()
    logger.info(
        "batch counted",
        records=len(event["Records"]),
        already_counted=result.already_counted,
        without_effect=result.without_effect,
        **measured(
            done,
            {Metric.COUNTED: result.counted, Metric.PARKED: parked, **_lag(event["Records"], done)},
        ),
    )


def _lag(records: list[dict[str, Any]], done: Instant) -> dict[Metric, float]:
    """Seconds from the oldest change of a batch until it was counted, if the stream says when."""
    made = [r["dynamodb"].get("ApproximateCreationDateTime") for r in records]
    known = [each for each in made if each is not None]
    return {Metric.LAG_S: round(to_datetime(done).timestamp() - min(known), 3)} if known else {}
