"""POST /v1/events: up to 100 CloudEvents, each accepted durably, once, or refused with a reason."""

from __future__ import annotations

from typing import Any, Literal

from aws_lambda_powertools.event_handler import Request
from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

from tally.domain.errors import InsufficientScope
from tally.domain.events import Event, Rejected
from tally.domain.scopes import Scope
from tally.http.cloudevents import read_event, read_events
from tally.http.endpoint import (
    Answer,
    CurrentCaller,
    Endpoint,
    Now,
    PlatformTenantId,
    TheTable,
    request_body,
)
from tally.store.ingestion import Accepted, Door, Duplicate, Outcome, ingest

endpoint = Endpoint(Scope.EVENTS_WRITE, raw_body=True)


class EventError(BaseModel):
    code: str
    message: str


class EventResult(BaseModel):
    """`id` and `source` as sent; null where they were not text. `error` only when rejected."""

    id: str | None
    source: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    error: EventError | None = None

    @model_serializer(mode="wrap")
    def _without_absent_error(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialize(self)
        return fields if self.error else {k: v for k, v in fields.items() if k != "error"}


class IngestAnswer(BaseModel):
    accepted: int
    duplicates: int
    rejected: int
    results: list[EventResult]


@endpoint.post("/v1/events", status_code=202)
def ingest_events(
    request: Request,
    caller: CurrentCaller,
    table: TheTable,
    platform_tenant_id: PlatformTenantId,
    now: Now,
    *,
    backfill: bool = False,
) -> Answer:
    if backfill and Scope.ADMIN not in caller.scopes:
        raise InsufficientScope(f"?backfill=true needs a key with the scope {Scope.ADMIN}.")
    documents = read_events(request.headers.get("content-type", ""), request_body(request))
    readings = [_read(document, now) for document in documents]
    # The platform speaks for all tenants; a tenant's own key speaks for that tenant only.
    sender = None if caller.tenant_id == platform_tenant_id else caller.tenant_id
    events = [reading for reading in readings if isinstance(reading, Event)]
    ingested = iter(ingest(table, events, Door(now, sender, backfill=backfill)))
    outcomes = [next(ingested) if isinstance(r, Event) else r for r in readings]
    return _answer(documents, outcomes)


def _read(document: Any, now: str) -> Event | Rejected:
    try:
        return read_event(document, now)
    except Rejected as rejection:
        return rejection


def _answer(documents: list[Any], outcomes: list[Outcome]) -> Answer:
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
