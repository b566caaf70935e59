"""GET /v1/session: whose data the credential opens, and what it may do there."""

from __future__ import annotations

import pytest

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tests.api.answers import answer, success
from tests.api.sessions import bearing, opened
from tests.world import World

PATH = "/v1/session"
ACME = {
    "tenant_id": "acme",
    "display_name": "Acme Data",
    "billing_currency": "EUR",
    "is_platform": False,
}


@pytest.fixture
def acme(world: World) -> str:
    return world.tenant("acme", display_name="Acme Data", billing_currency="EUR")


def test_a_key_tells_whose_it_is(world: World, acme: str) -> None:
    key = world.key(acme, Scope.BILLING_READ, Scope.KEYS_WRITE)

    found = world.request("GET", PATH, key=key)

    scopes = ["billing:read", "keys:write"]
    assert found == answer(200, success(ACME | {"scopes": scopes, "expires_at": None}))


def test_a_session_tells_what_it_was_given_and_when_it_ends(world: World, acme: str) -> None:
    token = opened(world, world.key(acme, Scope.USAGE_READ, Scope.BILLING_READ))

    found = bearing(world, token, PATH)

    ends = {"scopes": ["usage:read"], "expires_at": "2026-04-05T10:15:00Z"}
    assert found.body["data"] == ACME | ends


def test_a_session_for_another_tenant_is_that_tenants(world: World, acme: str) -> None:
    token = opened(world, world.key(PLATFORM, Scope.ADMIN), tenant_id=acme)

    assert bearing(world, token, PATH).body["data"].items() >= ACME.items()


def test_the_platform_tenant_is_told_so(world: World) -> None:
    found = world.request("GET", PATH, key=world.key(PLATFORM, Scope.ADMIN))

    assert found.body["data"] == {
        "tenant_id": PLATFORM,
        "display_name": "Platform",
        "billing_currency": "USD",
        "is_platform": True,
        "scopes": ["admin:*"],
        "expires_at": None,
    }
