"""Messages of the event bus -> the CloudEvents in them, and what becomes of the rejected.

A message's body is what EventBridge delivers: `{"source", "detail-type", "detail", ...}`. It stays
as it came, wherever it goes; all that Tally says of it is in the message's attributes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tally.aws.queues import fits
from tally.intake.cloudevents import read_event
from tally.kernel.errors import InvalidRequest
from tally.kernel.events import Event, Fact, InvalidEvent, Rejected
from tally.kernel.instants import Instant
from tally.kernel.masking import masked
from tally.wire.json import load_json
from tally.wire.texts import is_id

# What an event may lack because another one is late.
_MAY_BE_EARLY = frozenset(
    {"unknown_tenant", "unknown_dataset", "unknown_charge", "unknown_organization"}
)

_NO_ROOM = "The event leaves no room for the reason."

DELAYS_S = (10, 60, 300, 900)


def read_message(body: str, now: Instant) -> Event[Fact] | Rejected:
    """The event in a message, or why it is none."""
    try:
        return read_event(cloud_event(body), now)
    except Rejected as rejection:
        return rejection


def cloud_event(body: str) -> Any:
    """A message's `detail`. What it lacks of source and type, EventBridge's own fields say."""
    try:
        message = load_json(body)
    except InvalidRequest as error:
        raise InvalidEvent(error.message, field=error.field) from error
    if not isinstance(message, dict):
        raise InvalidEvent("The body must be an event of EventBridge.", field="body")
    detail = message.get("detail")
    if not isinstance(detail, dict):
        raise InvalidEvent("detail: must be a CloudEvent", field="detail")
    for name, around in (("source", "source"), ("type", "detail-type")):
        if name not in detail and message.get(around) is not None:
            detail[name] = message[around]
    return detail


def identity(body: str) -> tuple[str | None, str | None]:
    """The event's `source` and `id` for people to find it by; None where they are not text."""
    try:
        event = cloud_event(body)
    except InvalidEvent:
        return None, None
    source, event_id = (
        value if isinstance(value := event.get(name), str) else None for name in ("source", "id")
    )
    return source, event_id


def loggable_id(body: str) -> str | None:
    """The event's id for a log line; None where it might be anything but an id."""
    _, event_id = identity(body)
    return event_id if event_id and is_id(masked(event_id)) else None


def tries(attributes: Mapping[str, Any]) -> int:
    """How often a message was tried before, by its attributes as Lambda gives them."""
    return int(attributes["tries"]["stringValue"]) if "tries" in attributes else 0


def next_try_s(rejection: Rejected, tried: int) -> int | None:
    """Seconds until an event is tried again that was tried so often before; None for never."""
    if rejection.code not in _MAY_BE_EARLY or tried >= len(DELAYS_S):
        return None
    return DELAYS_S[tried]


def again(body: str, tried: int) -> dict[str, str] | None:
    """The attributes of a message that is tried again; None if it is too large to have any."""
    attributes = {"tries": str(tried + 1)}
    return attributes if fits(body, attributes) else None


def reason(rejection: Rejected, now: Instant, body: str) -> dict[str, str]:
    """The attributes of a rejected message: as many as its body leaves room for.

    They hold JSON, because attributes cannot hold all characters.
    """
    error = {"code": rejection.code, "message": rejection.message, "field": rejection.field}
    whole = {"error": json.dumps(error), "rejected_at": now}
    short = {"error": json.dumps({"code": rejection.code, "message": _NO_ROOM})}
    return next((said for said in (whole, short) if fits(body, said)), {})
