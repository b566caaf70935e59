"""Tenants and API keys: the requests about them, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tests.api.answers import (
    answer,
    invalid,
)
from tests.world import World

TENANTS = "/v1/admin/tenants"
KEYS = "/v1/api-keys"
ACMES_KEYS = f"{TENANTS}/acme/api-keys"
# An endpoint that says nothing but that the key is good.
DOOR = "/v1/buyer/dashboard"
WANTED = {"name": "Dashboard", "scopes": ["usage:read", "keys:write"]}


def post(world: World, url: str, body: Any) -> Answer:
    """A document from an administrator who may: the platform's or acme's."""
    return post_raw(world, url, json.dumps(body), "application/json")


def post_raw(world: World, url: str, body: str | bytes, content_type: str | None) -> Answer:
    """A body of any kind from the same."""
    key = world.key("acme" if url == KEYS else PLATFORM, Scope.ADMIN)
    headers = {} if content_type is None else {"Content-Type": content_type}
    return world.request("POST", url, key=key, headers=headers, body=body)


def assert_each_invalid(
    world: World, url: str, bodies: Sequence[Mapping[str, Any]], field: str
) -> None:
    """Each is refused for that one field, and nothing is stored."""
    with world.unchanged():
        for body in bodies:
            answered = post(world, url, body)
            (detail,) = answered.body["error"]["details"]
            assert answered == answer(400, invalid((field, detail["message"]))), body


def issued(world: World, **wanted: Any) -> dict[str, Any]:
    """A new key of acme, as it is shown once."""
    answered = post(world, ACMES_KEYS, WANTED | wanted)
    assert answered.status == 201, answered
    new: dict[str, Any] = answered.body["data"]
    return new


def audited(world: World, action: str) -> list[dict[str, Any]]:
    """What the audit trail tells of an action, newest first."""
    key = world.key(PLATFORM, Scope.ADMIN)
    answered = world.request("GET", "/v1/admin/audit?limit=100", key=key)
    assert answered.status == 200, answered
    return [each for each in answered.body["data"]["entries"] if each["action"] == action]


def enters(world: World, key: str) -> bool:
    status = world.request("GET", DOOR, key=key).status
    assert status in (200, 401)
    return status == 200


def listed(world: World, query: str = "", tenant_id: str = "acme") -> Answer:
    return world.request("GET", f"{KEYS}{query}", key=world.key(tenant_id, Scope.ADMIN))


def revoke(world: World, api_key_id: str, tenant_id: str = "acme") -> Answer:
    url = f"{KEYS}/{api_key_id}"
    return world.request("DELETE", url, key=world.key(tenant_id, Scope.ADMIN))


def _with_another(key: str, at: int) -> str:
    return key[:at] + ("a" if key[at] != "a" else "b") + key[at + 1 :]
