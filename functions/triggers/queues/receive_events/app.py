"""The event bus: the same events as POST /v1/events, each accepted once, retried or rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tally.aws.queues import inbound_events, rejected_events
from tally.aws.table import default_table
from tally.intake.accepting import Accepted, Outcome, ingest_readings
from tally.intake.bus import again, loggable_id, next_try_s, read_message, reason, tries
from tally.kernel.clock import current_instant
from tally.kernel.errors import Unavailable
from tally.kernel.events import Door, Event, Fact, Rejected
from tally.kernel.instants import Instant
from tally.logs import logger, with_request_id
from tally.metrics import Metric, measured


@with_request_id
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Names the messages that could not be finished: they alone are delivered again. Raises if
    the database refuses: then all are."""
    now = current_instant()
    readings = [read_message(record["body"], now) for record in event["Records"]]
    outcomes = _outcomes(readings, now)
    became: Counter[str] = Counter()
    unfinished = []
    for record, outcome in zip(event["Records"], outcomes, strict=True):
        word = _settled(record, outcome, now)
        became[word] += 1
        if word == "failed":
            unfinished.append({"itemIdentifier": record["messageId"]})
    logger.info(
        "batch received",
        messages=len(outcomes),
        to_be_tried_again=became["early"],
        rejected=became["rejected"],
        failed=became["failed"],
        **measured(
            now,
            {Metric.ACCEPTED: became["accepted"], Metric.DUPLICATES: became["duplicate"]},
        ),
    )
    return {"batchItemFailures": unfinished}


def _outcomes(readings: Sequence[Event[Fact] | Rejected], now: Instant) -> list[Outcome | None]:
    """None for an event that we fail on: the others of its batch must not wait for it."""
    try:
        # Anyone allowed to publish on this bus can act for every tenant.
        return [*ingest_readings(default_table(), readings, Door(now))]
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001  whatever it is, it is one event's
        if len(readings) > 1:
            return [outcome for each in readings for outcome in _outcomes([each], now)]
        logger.exception("event failed")
        return [None]


def _settled(record: dict[str, Any], outcome: Outcome | None, now: Instant) -> str:
    """A word for what became of the event; "failed" if it has to be delivered again."""
    if outcome is None:
        return "failed"
    try:
        return _settle(record, outcome, now)
    except Exception:  # noqa: BLE001  whatever it is, it is one message's
        logger.exception("message failed", message_id=record["messageId"])
        return "failed"


def _settle(record: dict[str, Any], outcome: Outcome, now: Instant) -> str:
    """Send a rejected event to its next queue. Returns a word for what became of the event."""
    if not isinstance(outcome, Rejected):
        return "accepted" if isinstance(outcome, Accepted) else "duplicate"
    body = record["body"]
    tried = tries(record["messageAttributes"])
    delay_s = next_try_s(outcome, tried)
    said = again(body, tried)
    if delay_s is not None and said is not None:
        inbound_events().send(body, said, delay_s=delay_s)
        return "early"
    rejected_events().send(body, reason(outcome, now, body))
    logger.warning(
        "event rejected",
        event_id=loggable_id(body),
        **measured(now, {Metric.REJECTED: 1}, code=outcome.code),
    )
    return "rejected"
