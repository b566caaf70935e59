"""POST /v1/events: up to 100 CloudEvents, each accepted once, or rejected with a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from tally.access.model.scopes import Scope
from tally.http.answers import Answer, Statuses
from tally.http.arguments import Query, flag
from tally.http.dependencies import CurrentCaller, Now, PlatformTenantId, TheRequest, TheTable
from tally.http.endpoint import Endpoint
from tally.intake.accepting import Accepted, Duplicate, Outcome, ingest_readings
from tally.intake.cloudevents import read_event, read_events
from tally.kernel.errors import (
    InsufficientScope,
    InvalidRequest,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from tally.kernel.events import Door, Event, Fact, Rejected
from tally.kernel.instants import Instant
from tally.logs import logger
from tally.metrics import Metric, measured

endpoint = Endpoint(
    Scope.EVENTS_WRITE,
    raw_body=True,
    errors=[InvalidRequest, PayloadTooLarge, UnsupportedMediaType],
)

Backfill = Annotated[bool, Query(flag)]


@dataclass(frozen=True, slots=True)
class EventError:
    """Why the event was rejected."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class EventResult:
    """`id` and `source` are null if they were not sent as text. `error` is there if rejected."""

    id: str | None
    source: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    error: EventError | None = None


@dataclass(frozen=True, slots=True)
class IngestAnswer:
    """`results` are in the order of the events."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[EventResult]


Ingested = Annotated[
    Answer[IngestAnswer],
    Statuses(
        {
            202: "No event was rejected.",
            207: "Some events were rejected.",
            422: "All events were rejected.",
        }
    ),
]


@endpoint.post("/v1/events", status_code=202)
def ingest_events(
    request: TheRequest,
    caller: CurrentCaller,
    table: TheTable,
    platform_tenant_id: PlatformTenantId,
    now: Now,
    *,
    backfill: Backfill = False,
) -> Ingested:
    sender = None if caller.tenant_id == platform_tenant_id else caller.tenant_id
    if backfill and (sender is not None or Scope.ADMIN not in caller.scopes):
        raise InsufficientScope(
            f"backfill=true needs the scope {Scope.ADMIN} of the platform tenant."
        )
    documents = read_events(request.header("content-type"), request.body)
    readings = [_read(document, now, sender) for document in documents]
    outcomes = ingest_readings(table, readings, Door(now, backfill=backfill))
    _publish(outcomes, now)
    return _answer(documents, outcomes)


def _read(document: Any, now: Instant, sender: str | None) -> Event[Fact] | Rejected:
    try:
        return read_event(document, now, sender)
    except Rejected as rejection:
        return rejection


def _publish(outcomes: list[Outcome], now: Instant) -> None:
    kinds = Counter(type(outcome) for outcome in outcomes)
    values = {Metric.ACCEPTED: kinds[Accepted], Metric.DUPLICATES: kinds[Duplicate]}
    logger.info("events ingested", **measured(now, values))
    codes = Counter(outcome.code for outcome in outcomes if isinstance(outcome, Rejected))
    for code, count in codes.items():
        logger.info("events rejected", **measured(now, {Metric.REJECTED: count}, code=code))


def _answer(documents: list[Any], outcomes: list[Outcome]) -> Answer[IngestAnswer]:
    results = [_result(d, o) for d, o in zip(documents, outcomes, strict=True)]
    statuses = [result.status for result in results]
    rejected = statuses.count("rejected")
    answer = IngestAnswer(
        accepted=statuses.count("accepted"),
        duplicates=statuses.count("duplicate"),
        rejected=rejected,
        results=results,
    )
    status_code = 202 if not rejected else 422 if rejected == len(results) else 207
    return Answer(answer, status_code)


def _result(document: Any, outcome: Outcome) -> EventResult:
    fields = document if isinstance(document, dict) else {}
    event_id, source = (
        value if isinstance(value := fields.get(name), str) else None for name in ("id", "source")
    )
    match outcome:
        case Accepted():
            return EventResult(id=event_id, source=source, status="accepted")
        case Duplicate():
            return EventResult(id=event_id, source=source, status="duplicate")
        case Rejected():
            error = EventError(code=outcome.code, message=outcome.message)
            return EventResult(id=event_id, source=source, status="rejected", error=error)


handler = endpoint.handler
