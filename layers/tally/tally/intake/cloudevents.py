"""CloudEvents 1.0 in JSON -> events as Tally understands them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal

from pydantic import ValidationError

from tally.intake.registry import EVENT_TYPES
from tally.kernel.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from tally.kernel.events import Event, Fact, InvalidEvent, NotPermitted
from tally.kernel.instants import Instant, plus
from tally.kernel.versions import RANKS, Version
from tally.wire.event_types import EventData
from tally.wire.fields import Identity, Text, Timestamp, message_of
from tally.wire.json import flaw_in, load_json, media_type, shortened

MAX_EVENTS = 100
MAX_BYTES = 1024 * 1024
_MAX_AHEAD = timedelta(minutes=5)

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
EITHER = "application/json"


class Envelope(EventData):
    specversion: Literal["1.0"]
    id: Identity
    source: Identity
    type: Text
    time: Timestamp
    data: dict[str, Any]


def read_events(content_type: str, body: bytes) -> list[Any]:
    """A request's events, not yet looked into. Errors speak of the request as a whole."""
    if len(body) > MAX_BYTES:
        raise PayloadTooLarge("A request may hold at most 1 MiB; send fewer events at a time.")
    form = media_type(content_type)
    if form not in ("", ONE, BATCH, EITHER):
        raise UnsupportedMediaType(f"Send events as {ONE}, {BATCH} or {EITHER}.")
    document = load_json(body)
    if isinstance(document, dict) and form != BATCH:
        return [document]
    if not isinstance(document, list) or form == ONE:
        expected = {ONE: "one event", BATCH: "an array of events"}.get(
            form, "an event or an array of events"
        )
        raise InvalidRequest(f"The body must be {expected}.", field="body")
    if len(document) > MAX_EVENTS:
        raise PayloadTooLarge(
            f"A request may hold at most {MAX_EVENTS} events; this one has {len(document)}."
        )
    return document


def read_event(document: Any, now: Instant, sender: str | None = None) -> Event[Fact]:
    """One event of a request. InvalidEvent names the first field that is wrong, and how.

    `sender` is the tenant that sends it, None for the platform. NotPermitted or UnknownTenant,
    if it may not: a tenant may send some types, and only about itself.
    """
    if not isinstance(document, dict):
        raise InvalidEvent("An event must be a JSON object.")
    if flaw := flaw_in(document):
        raise InvalidEvent(f"{flaw.field}: {flaw.reason}", field=flaw.field)
    envelope = _validate(Envelope, document, "")
    if envelope.time > plus(now, _MAX_AHEAD):
        raise InvalidEvent("time: must be at most 5 minutes in the future", field="time")
    declared = EVENT_TYPES.get(envelope.type)
    if declared is None:
        raise InvalidEvent(
            f"type: {shortened(envelope.type)} is unknown; "
            f"it must be one of {', '.join(EVENT_TYPES)}",
            field="type",
        )
    if sender is not None and not declared.from_tenants:
        raise NotPermitted(f"type: only the platform may send {envelope.type}", field="type")
    data = _validate(declared.data, envelope.data, "data.")
    rank = RANKS.get(envelope.type.partition(".")[2], 0)
    source = envelope.source if sender is None else f"{envelope.source}\0{sender}"
    fact = declared.fact(data, Version(envelope.time, rank, envelope.id, source))
    if sender not in (None, fact.tenant_id):
        raise declared.unknown_tenant(fact)
    understood = [envelope.type, envelope.time, data.understood]
    return Event(
        source=envelope.source,
        event_id=envelope.id,
        type=envelope.type,
        time=envelope.time,
        content=sha256(json.dumps(understood, sort_keys=True).encode()).hexdigest(),
        fact=fact,
        sender=sender,
    )


def _validate[M: EventData](model: type[M], document: Mapping[str, Any], path: str) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = path + ".".join(map(str, first["loc"]))
        raise InvalidEvent(f"{field}: {message_of(first)}", field=field) from error
