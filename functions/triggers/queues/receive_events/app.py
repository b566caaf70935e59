"""The event bus: the same events as POST /v1/events, each accepted once, retried or rejected."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tally.aws.queues import inbound_events, rejected_events
from tally.aws.table import default_table
from tally.intake.accepting import Accepted, Outcome, ingest_readings
from tally.intake.bus import identity, next_try_s, read_message, reason, tries
from tally.kernel.clock import current_instant
from tally.kernel.events import Door, Rejected
from tally.kernel.instants import Instant
from tally.logs import logger, with_request_id


@with_request_id
def handler(event: dict[str, Any], _context: Any) -> None:
    """Finishes the whole batch, or raises so that it is delivered again."""
    now = current_instant()
    readings = [read_message(record["body"], now) for record in event["Records"]]
    # Anyone allowed to publish on this bus can act for every tenant.
    outcomes = ingest_readings(default_table(), readings, Door(now))
    became = Counter(
        _settle(record, outcome, now)
        for record, outcome in zip(event["Records"], outcomes, strict=True)
    )
    logger.info(
        "batch received",
        messages=len(outcomes),
        accepted=became["accepted"],
        duplicates=became["duplicate"],
        to_be_tried_again=became["early"],
        rejected=became["rejected"],
    )


def _settle(record: dict[str, Any], outcome: Outcome, now: Instant) -> str:
    """Send a rejected event to its next queue. Returns a word for what became of the event."""
    if not isinstance(outcome, Rejected):
        return "accepted" if isinstance(outcome, Accepted) else "duplicate"
    body = record["body"]
    tried = tries(record["messageAttributes"])
    delay_s = next_try_s(outcome, tried)
    if delay_s is not None:
        inbound_events().send(body, {"tries": str(tried + 1)}, delay_s=delay_s)
        return "early"
    rejected_events().send(body, reason(outcome, now))
    _, event_id = identity(body)
    logger.warning("event rejected", code=outcome.code, event_id=event_id)
    return "rejected"
