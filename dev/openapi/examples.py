"""Examples: what the functions answer to the sample requests in events/, after the demo."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from dev import demo
from dev.demo_portfolio import portfolio
from dev.gateway import Answer, proxy_event
from dev.openapi.declared import Operation
from dev.openapi.errors import Examples
from dev.openapi.refusals import refusals
from dev.openapi.stage import NOW, Stage, new_stage
from dev.samples import filled, sample_file
from dev.template import Route
from tally.wire.json import load_json, media_type

_TODAY = date.fromisoformat(NOW[:10])
_USED_SINCE = "2026-03-01"
"""Of the partner's year, the examples know only this: what came before would take long to count."""

_GOOD = {
    "specversion": "1.0",
    "id": "upload-2",
    "source": "/marketplace/objects",
    "type": "object.uploaded",
    "time": "2026-04-05T09:45:00Z",
    "data": {
        "tenant_id": demo.PROVIDER,
        "dataset_id": demo.INVOICES,
        "object_id": "obj_2",
        "size_bytes": 2048,
    },
}
_EARLY = _GOOD | {
    "id": "upload-3",
    "data": {
        "tenant_id": demo.PROVIDER,
        "dataset_id": "dset_unknown",
        "object_id": "obj_1",
        "size_bytes": 2048,
    },
}

# Last, what ends things that others speak of.
_ORDER = ("GET", "POST", "PATCH", "DELETE")


class Visit(NamedTuple):
    """A request to a route, and its answer; bodies as parsed JSON or as text."""

    route: Route
    content_type: str
    sent: Any
    status: int
    media_type: str
    answer: Any


class Seen(NamedTuple):
    """All that was asked and answered: with success, and with an error."""

    visits: list[Visit]
    errors: Examples


def look_around(operations: list[Operation]) -> Seen:
    """Visit each route with its sample. RuntimeError if one does not succeed."""
    with new_stage() as stage:
        keys = stage.first_keys()
        year = [
            said
            for said in portfolio(_TODAY)
            if "quantity" not in said.data or said.time >= _USED_SINCE
        ]
        loaded = demo.load(stage, *keys, year=year, datasets=demo.DATASETS[:1])
        known = keys._asdict() | {"demo": loaded.keys._asdict() | loaded.ids._asdict()}
        named = {**keys._asdict(), **loaded.keys._asdict(), **loaded.ids._asdict()}
        in_order = sorted(operations, key=lambda each: _ORDER.index(each.route.method))
        errors = refusals(stage, named)
        visits = [visit for each in in_order for visit in _visits(stage, each, known)]
        return Seen([*visits, *_rejections(stage, operations, keys.events_key)], errors)


def _rejections(stage: Stage, operations: list[Operation], key: str) -> Iterator[Visit]:
    """Of events: some, and all."""
    (route,) = (each.route for each in operations if each.endpoint.raw_body)
    for events in ([_GOOD, _EARLY], [_EARLY]):
        headers = {"X-API-Key": key, "Content-Type": "application/cloudevents-batch+json"}
        sent = proxy_event(route.method, route.path, headers, json.dumps(events))
        yield _visit(route, sent, stage.invoke(sent))


def _visits(stage: Stage, operation: Operation, known: dict[str, Any]) -> Iterator[Visit]:
    """The sample of the route, once for each form of its answer."""
    sample = filled(sample_file(operation.route.function), known)
    forms = [out.form.media_type for out in operation.outcomes if out.form]
    for accepted in ("application/json", *forms):
        event = json.loads(sample)
        event["headers"]["Accept"] = accepted
        answer = stage.invoke(event)
        if answer.status >= 300:
            raise RuntimeError(f"the sample of {operation.route} is answered with {answer}")
        yield _visit(operation.route, event, answer)


def _visit(route: Route, event: dict[str, Any], answer: Answer) -> Visit:
    said = answer.headers["Content-Type"]
    return Visit(
        route=route,
        content_type=event["headers"].get("Content-Type", "application/json"),
        sent=load_json(_body(event)) if event["body"] else None,
        status=answer.status,
        media_type=media_type(said),
        answer=load_json(answer.text) if media_type(said) == "application/json" else answer.text,
    )


def _body(event: dict[str, Any]) -> bytes:
    body: str = event["body"]
    return b64decode(body) if event["isBase64Encoded"] else body.encode()
