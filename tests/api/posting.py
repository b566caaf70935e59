"""Events of every type, and the ways to post them and to be refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tests.api.answers import ingested, rejected
from tests.world import World

JSON = "application/json"
CONFLICT = (
    "An event with this source and id, but different content, was accepted before. "
    "Send a new event under a new id."
)

NO_TEXT: tuple[Any, ...] = (5, 1.5, True, None, [], {}, ["x"])
NO_ID = (*NO_TEXT, "", "a" * 65, "a b", "a/b", "a.b", "a#b", "ä", "a\n", "\na", "a\0", "\ud800")


def post(
    world: World, body: str | bytes, content_type: str | None = JSON, query: str = ""
) -> Answer:
    """A body of any kind from the platform's sender."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    sender = world.key(PLATFORM, Scope.EVENTS_WRITE)
    return world.request("POST", f"/v1/events{query}", key=sender, headers=headers, body=body)


def post_as(world: World, tenant_id: str, *events: Mapping[str, Any]) -> Answer:
    """Events from a tenant's own sender."""
    key = world.key(tenant_id, Scope.EVENTS_WRITE)
    return world.request("POST", "/v1/events", key=key, json_body=list(events))


def without(field: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != field}


def deep(levels: int) -> dict[str, Any]:
    """Metadata of so many levels, objects and lists by turns."""
    within: Any = {} if levels % 2 else []
    for n in range(levels - 1):
        within = [within] if (n + levels) % 2 else {"a": within}
    assert isinstance(within, dict)
    return within


def assert_each_rejected(
    world: World, events: Mapping[str, Any], field: str | None = None, code: str = "invalid_event"
) -> None:
    """All events (case -> event) are refused for one field, or for the one their case names."""
    with world.unchanged():
        answered = world.send(*events.values())

    messages = [result["error"]["message"] for result in answered.body["data"]["results"]]
    blamed = {case: text.partition(":")[0] for case, text in zip(events, messages, strict=True)}
    assert blamed == {case: field or case for case in events}
    results = [
        rejected(each, code, message)
        for each, message in zip(events.values(), messages, strict=True)
    ]
    assert answered == ingested(422, *results)
