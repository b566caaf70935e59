"""Sessions: the requests that open and use them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dev.gateway import Answer
from tally.access.model.api_keys import ApiKey
from tally.access.model.scopes import Scope
from tally.access.model.sessions import Session, write_token
from tests.api.keys import DOOR
from tests.world import World

SESSIONS = "/v1/sessions"
UNTIL = "2026-04-05T10:15:00.000000000Z"


def ask(world: World, key: str, **body: Any) -> Answer:
    """A session with usage:read, unless it says otherwise."""
    return world.request("POST", SESSIONS, key=key, json_body={"scopes": ["usage:read"]} | body)


def opened(world: World, key: str, **body: Any) -> str:
    """The token of a session that must be granted."""
    answered = ask(world, key, **body)
    assert answered.status == 201, answered
    token: str = answered.body["data"]["session_token"]
    return token


def bearing(world: World, token: str, url: str = DOOR, method: str = "GET", **body: Any) -> Answer:
    headers = {"Authorization": f"Bearer {token}"}
    return world.request(method, url, headers=headers, json_body=body or None)


def admits(world: World, token: str) -> bool:
    status = bearing(world, token).status
    assert status in (200, 401)
    return status == 200


def signed(world: World, key: ApiKey, **said: Any) -> str:
    """A session that the stack's own secret signed, whatever it says: as by a thief of it."""
    kept = world.secrets.versions[-1]
    session = Session(key.prefix, key.tenant_id, (Scope.USAGE_READ,), UNTIL)
    return write_token(replace(session, **said), kept.version_id, kept.value.encode())
