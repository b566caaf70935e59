"""What POST /v1/events reads: CloudEvents of every type, one or many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dev.openapi import prose
from dev.openapi.schemas import Schema, merged, schemas_of
from tally.intake import cloudevents
from tally.intake.registry import EVENT_TYPES

EVENT = "CloudEvent"
EVENTS = "CloudEvents"

_REFERENCE = "#/components/schemas/"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def event_schemas() -> dict[str, Schema]:
    """By name: a CloudEvent, an array of them, the event of each type, and all kinds of data."""
    datas = {name: declared.data for name, declared in EVENT_TYPES.items()}
    schemas, models = schemas_of(datas, "validation")
    by_name = {name_of(name): name for name in datas}
    of_types = {
        name: _event(event_type, schemas[event_type]) for name, event_type in by_name.items()
    }
    any_event: Schema = {
        "description": "A CloudEvent 1.0 in JSON. Unknown fields are ignored.",
        "oneOf": [{"$ref": _REFERENCE + name} for name in of_types],
        "discriminator": {
            "propertyName": "type",
            "mapping": {event_type: _REFERENCE + name for name, event_type in by_name.items()},
        },
    }
    batch: Schema = {
        "description": f"Up to {cloudevents.MAX_EVENTS} events.",
        "type": "array",
        "items": {"$ref": _REFERENCE + EVENT},
        "maxItems": cloudevents.MAX_EVENTS,
    }
    return merged({EVENT: any_event, EVENTS: batch}, of_types, models)


def media_types() -> Mapping[str, Schema]:
    """The content types of a request -> what it holds."""
    one, many = {"$ref": _REFERENCE + EVENT}, {"$ref": _REFERENCE + EVENTS}
    return {
        cloudevents.ONE: one,
        cloudevents.BATCH: many,
        cloudevents.EITHER: {"anyOf": [one, many]},
    }


def shown_as(media_type: str, batch: Sequence[Any]) -> Mapping[str, Any]:
    """The examples of a content type, from a batch of events."""
    if media_type != cloudevents.ONE:
        return {"example": batch}
    return {"examples": {each["type"]: {"value": each} for each in batch}}


def json_schema() -> Schema:
    """One document that says what an event is."""
    schemas = _within(event_schemas())
    event = schemas.pop(EVENT)
    del event["discriminator"]  # OpenAPI's own
    return {
        "$schema": _DIALECT,
        "title": "Events of Tally",
        **event,
        "$defs": dict(sorted(schemas.items())),
    }


def name_of(event_type: str) -> str:
    """`dataset.created` -> `DatasetCreated`"""
    return "".join(word.capitalize() for word in event_type.split("."))


def _event(event_type: str, data: Schema) -> Schema:
    _, models = schemas_of({"": cloudevents.Envelope}, "validation")
    envelope = models[cloudevents.Envelope.__name__]
    properties = envelope["properties"] | {
        "type": {"type": "string", "const": event_type},
        "data": data,
    }
    return {
        **envelope,
        "description": prose.meanings()[event_type],
        "properties": properties,
    }


def _within(schemas: Any) -> Any:
    """With references to the document's own definitions."""
    match schemas:
        case {"$ref": str(reference), **rest}:
            name = reference.removeprefix(_REFERENCE)
            return {"$ref": "#" if name == EVENT else f"#/$defs/{name}", **_within(rest)}
        case dict():
            return {name: _within(each) for name, each in schemas.items()}
        case list():
            return [_within(each) for each in schemas]
    return schemas
