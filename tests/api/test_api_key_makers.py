"""Keys that make keys: none outlives the one that made it, and none is made by one that ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tally.access.tenants import get_tenant
from tests import builders
from tests.api.answers import UNAUTHORIZED, answer, success
from tests.api.keys import ACMES_KEYS, DOOR, KEYS, TENANTS, enters, listed, revoke
from tests.faults import FaultyClient, rival
from tests.world import World

PLATFORMS_KEYS = f"{TENANTS}/{PLATFORM}/api-keys"
WANTED = {"name": "Heir", "scopes": ["usage:read", "keys:write"]}
BY_A_KEY = pytest.mark.parametrize(
    ("maker", "url"),
    [
        ("acme", KEYS),
        (PLATFORM, KEYS),
        (PLATFORM, PLATFORMS_KEYS),
        (PLATFORM, ACMES_KEYS),
    ],
    ids=["a tenant's", "the platform's", "the platform's, as its operator", "for a tenant"],
)


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, "acme", "rival")


def make(world: World, key: str, url: str, expires_at: str | None = None) -> Answer:
    body = WANTED | ({"expires_at": expires_at} if expires_at else {})
    return world.request("POST", url, key=key, json_body=body)


def new_maker(world: World, tenant_id: str, expires_at: str | None) -> tuple[str, str]:
    """A key that may make keys, and its id."""
    text, key = world.new_key(tenant_id, [Scope.ADMIN], expires_at=expires_at)
    return text, key.api_key_id


# --------------------------------------------------------------------- how long it lives


@pytest.mark.parametrize(
    ("makers_end", "wanted_end", "end"),
    [
        (None, None, None),
        (None, "2026-04-06T10:00:00Z", "2026-04-06T10:00:00Z"),
        ("2026-04-05T10:00:20.000000000Z", None, "2026-04-05T10:00:20Z"),
        ("2026-04-05T10:00:20.000000000Z", "2026-04-05T10:00:21Z", "2026-04-05T10:00:20Z"),
        ("2026-04-05T10:00:20.000000000Z", "9999-12-31T23:59:59Z", "2026-04-05T10:00:20Z"),
        ("2026-04-05T10:00:20.000000000Z", "2026-04-05T10:00:20Z", "2026-04-05T10:00:20Z"),
        ("2026-04-05T10:00:20.000000000Z", "2026-04-05T12:00:19+02:00", "2026-04-05T10:00:19Z"),
    ],
)
@pytest.mark.parametrize(
    "by", [("acme", KEYS), (PLATFORM, KEYS), (PLATFORM, PLATFORMS_KEYS)], ids=" ".join
)
def test_a_key_expires_no_later_than_its_maker(
    by: tuple[str, str],
    makers_end: str | None,
    wanted_end: str | None,
    end: str | None,
    market: World,
) -> None:
    maker, url = by
    key, _ = new_maker(market, maker, makers_end)

    answered = make(market, key, url, wanted_end)

    new = answered.body["data"]
    shown = WANTED | {"api_key_id": new["api_key_id"], "key_prefix": new["key_prefix"]}
    shown |= {"status": "active", "created_at": "2026-04-05T10:00:00Z", "expires_at": end}
    assert answered == answer(201, success(shown | {"key": new["key"]}))
    in_list = listed(market, tenant_id=maker).body["data"]["api_keys"]
    assert shown | {"last_used_at": None} in in_list
    if end:
        market.now = f"{end[:19]}.000000000Z"
        assert not enters(market, new["key"])


def test_a_fraction_of_a_second_is_no_way_to_live_longer(market: World) -> None:
    key, _ = new_maker(market, "acme", "2026-04-05T10:00:20.500000000Z")

    heir = make(market, key, KEYS, "2026-04-05T10:00:20.500000001Z").body["data"]["key"]

    market.now = "2026-04-05T10:00:20.499999999Z"
    assert enters(market, heir)
    market.now = "2026-04-05T10:00:20.500000000Z"
    assert not enters(market, heir)


def test_what_the_platform_makes_for_a_tenant_lives_as_long_as_it_says(market: World) -> None:
    """Or every tenant would be locked out when the operator's key expires."""
    key, _ = new_maker(market, PLATFORM, "2026-04-05T10:00:20.000000000Z")

    ends = [
        make(market, key, ACMES_KEYS, end).body["data"]["expires_at"]
        for end in (None, "2027-04-05T10:00:00Z")
    ]

    assert ends == [None, "2027-04-05T10:00:00Z"]


# ---------------------------------------------------------- a maker that ends meanwhile


def meanwhile(world: World, happening: Callable[[], object]) -> None:
    """Something happens after the next request has been let in, and before it writes."""
    client = FaultyClient(world.table.client)
    stand_in: Any = client
    world.table = replace(world.table, client=stand_in)
    client.after(0, rival(happening))


@BY_A_KEY
def test_a_key_that_is_revoked_meanwhile_makes_none(maker: str, url: str, market: World) -> None:
    key, key_id = new_maker(market, maker, None)
    market.key(maker, Scope.ADMIN)
    before = listed(market, tenant_id="acme").body["data"]["total"]

    meanwhile(market, lambda: revoke(market, key_id, tenant_id=maker))
    answered = make(market, key, url)

    assert answered == UNAUTHORIZED
    assert listed(market, tenant_id="acme").body["data"]["total"] == before


@pytest.mark.parametrize(
    ("makers_end", "url"),
    [
        ("2026-04-05T10:00:19.000000000Z", KEYS),
        ("2026-04-05T10:00:19.000000000Z", PLATFORMS_KEYS),
        ("2026-04-05T09:59:59.000000000Z", ACMES_KEYS),
    ],
)
@pytest.mark.parametrize("was", [None, "2026-04-05T10:00:20.000000000Z"])
def test_a_key_whose_end_comes_nearer_meanwhile_makes_none(
    was: str | None, makers_end: str, url: str, market: World
) -> None:
    """Nothing but the keys that are stored at that moment decides."""
    key, key_id = new_maker(market, PLATFORM, was)
    table = market.table
    place = {"PK": {"S": f"APIKEY#{key_id.removeprefix('key_')}"}, "SK": {"S": "APIKEY"}}

    meanwhile(
        market,
        lambda: table.client.update_item(
            TableName=table.name,
            Key=place,
            UpdateExpression="SET expires_at = :end",
            ExpressionAttributeValues={":end": {"S": makers_end}},
        ),
    )

    assert make(market, key, url) == UNAUTHORIZED


def test_a_revoked_key_learns_nothing_of_tenants(market: World) -> None:
    """Neither does one that is revoked while it asks."""
    key, key_id = new_maker(market, PLATFORM, None)
    market.key(PLATFORM, Scope.ADMIN)
    assert get_tenant(market.table, "nobody") is None

    meanwhile(market, lambda: revoke(market, key_id, tenant_id=PLATFORM))

    assert make(market, key, f"{TENANTS}/nobody/api-keys") == UNAUTHORIZED


def test_a_key_that_was_made_outlives_the_revocation_of_its_maker(market: World) -> None:
    """Only its end is bound to the maker's: whoever takes over can revoke the old key."""
    key, key_id = new_maker(market, "acme", None)
    heir = make(market, key, KEYS).body["data"]["key"]

    assert market.request("DELETE", f"{KEYS}/{key_id}", key=heir).status == 200

    assert market.request("GET", DOOR, key=heir).status == 200
    assert make(market, key, KEYS) == UNAUTHORIZED
