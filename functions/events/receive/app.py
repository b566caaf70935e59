"""The event bus: events as of POST /v1/events, each accepted once, tried again or set aside."""

from __future__ import annotations

from collections import Counter
from typing import Any

from aws_lambda_powertools import Logger

from tally.domain.events import Event, Rejected
from tally.domain.instants import Instant
from tally.http.bus import identity, next_try_s, read_message, reason, tries
from tally.http.clock import current_instant
from tally.store.ingestion import Accepted, Door, Outcome, ingest
from tally.store.queues import inbound_events, rejected_events
from tally.store.table import default_table

logger = Logger(service="tally")


def handler(event: dict[str, Any], _context: Any) -> None:
    """Finishes the whole batch, or raises for it to be delivered again."""
    now = current_instant()
    readings = [read_message(record["body"], now) for record in event["Records"]]
    events = [reading for reading in readings if isinstance(reading, Event)]
    # Who may publish on the bus speaks for all tenants.
    ingested = iter(ingest(default_table(), events, Door(now)))
    outcomes = [next(ingested) if isinstance(r, Event) else r for r in readings]
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
    """Send a rejected event where it goes on; what became of the event, in a word."""
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
