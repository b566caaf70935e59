"""The queue of rescues: each message looks through some of a dataset's objects, and sends on where
to go on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from tally.aws.queues import object_rescues
from tally.aws.table import default_table
from tally.counting.rescues import Rescue, work_off
from tally.kernel.clock import current_instant
from tally.kernel.deadlines import time_left
from tally.logs import logger, with_request_id
from tally.metrics import Metric, measured

# A partition takes 1,000 writes a second: the rest is for the dataset's own events.
_WRITERS = 4
_WORK_S = 60
# For a last page, whose writes are throttled.
_SPARE_S = 25


@with_request_id
def handler(event: dict[str, Any], _context: Any) -> None:
    """Finishes all messages, or raises so that they are delivered again."""
    for record in event["Records"]:
        _rescue(Rescue.from_json(record["body"]))


def _rescue(rescue: Rescue) -> None:
    ends_at = monotonic() + min(_WORK_S, time_left() - _SPARE_S)
    with ThreadPoolExecutor(_WRITERS) as writers:
        done = work_off(
            default_table(),
            object_rescues(),
            rescue,
            current_instant(),
            lambda: monotonic() < ends_at,
            writers.map,
        )
    logger.info(
        "objects rescued",
        dataset=rescue.dataset_id,
        looked_at=done.seen,
        to_be_continued=done.left is not None,
        **measured(current_instant(), {Metric.RESCUED: done.moved}),
    )
