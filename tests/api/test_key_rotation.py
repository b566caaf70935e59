"""Rotating a key: a new one takes its place, and the old one lives until the grace ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer
from tally.access.items import api_key_key
from tally.access.model.callers import Caller, Proof
from tally.access.model.scopes import Scope
from tally.access.rotating import rotate_api_key
from tally.counting.recount import recount
from tests import builders
from tests.api.answers import UNAUTHORIZED, answer, failure, invalid, success
from tests.api.keys import KEYS, audited, enters, listed, revoke
from tests.api.sessions import admits, bearing, opened
from tests.faults import Crash, FaultyClient, crash_after, crash_before, rival
from tests.operators import OPERATOR
from tests.world import World

OWN = (Scope.USAGE_READ, Scope.KEYS_WRITE)
IN_A_DAY = "2026-04-06T10:00:00Z"


@pytest.fixture
def market(world: World) -> World:
    """Tenants acme and rival, each with its administrator's key."""
    builders.market(world, "acme", "rival")
    for tenant_id in ("acme", "rival", PLATFORM):
        world.key(tenant_id, Scope.ADMIN)
    return world


def rotate(world: World, api_key_id: str, key: str | None = None, **body: Any) -> Answer:
    """By acme's administrator, unless another key is given."""
    by = key or world.key("acme", Scope.ADMIN)
    return world.request("POST", f"{KEYS}/{api_key_id}/rotate", key=by, json_body=body or None)


def shown(world: World, api_key_id: str) -> dict[str, Any]:
    """The key as it is listed."""
    keys: list[dict[str, Any]] = listed(world).body["data"]["api_keys"]
    (found,) = [each for each in keys if each["api_key_id"] == api_key_id]
    return found


NOT_ACTIVE = "is revoked or expired; issue a new key instead."


# ------------------------------------------------------------------------- what it does


@pytest.mark.parametrize(
    ("body", "ends_at"),
    [
        ({}, IN_A_DAY),
        ({"grace_seconds": 0}, "2026-04-05T10:00:00Z"),
        ({"grace_seconds": 60}, "2026-04-05T10:01:00Z"),
        ({"grace_seconds": 604_800}, "2026-04-12T10:00:00Z"),
    ],
)
@pytest.mark.parametrize("expires_at", [None, "2027-01-01T00:00:00.000000000Z"])
def test_a_rotation(
    body: dict[str, Any], ends_at: str, expires_at: str | None, market: World
) -> None:
    _, old = market.new_key("acme", OWN, name="Dashboard", expires_at=expires_at)

    answered = rotate(market, old.api_key_id, **body)

    new = answered.body["data"]
    issued = {
        "api_key_id": f"key_{new['key'].split('_')[1]}",
        "key_prefix": new["key"].split("_")[1],
        "name": "Dashboard",
        "scopes": ["usage:read", "keys:write"],
        "status": "active",
        "created_at": "2026-04-05T10:00:00Z",
        "expires_at": expires_at and "2027-01-01T00:00:00Z",
    }
    once = {"key": new["key"], "replaces": old.api_key_id}
    assert answered == answer(201, success(issued | once))
    assert shown(market, issued["api_key_id"]) == issued | {"last_used_at": None}
    in_list = shown(market, old.api_key_id)
    assert (in_list["status"], in_list["expires_at"]) == ("active", ends_at)
    assert enters(market, new["key"])
    assert listed(market).body["data"]["total"] == 3
    assert recount(market.table, "acme") == []


def test_an_empty_object_is_as_good_as_no_body(market: World) -> None:
    _, old = market.new_key("acme", OWN)

    answered = market.request(
        "POST", f"{KEYS}/{old.api_key_id}/rotate", key=market.key("acme", Scope.ADMIN), body="{}"
    )

    assert answered.status == 201
    assert shown(market, old.api_key_id)["expires_at"] == IN_A_DAY


def test_the_old_key_works_until_the_grace_ends(market: World) -> None:
    text, old = market.new_key("acme", OWN)
    session = opened(market, text, ttl_seconds=43_200)
    new = rotate(market, old.api_key_id, grace_seconds=60).body["data"]["key"]

    market.now = "2026-04-05T10:00:59.999999999Z"
    assert (enters(market, text), enters(market, new), admits(market, session)) == (True,) * 3
    market.now = "2026-04-05T10:01:00.000000000Z"
    assert (enters(market, text), enters(market, new)) == (False, True)
    assert not admits(market, session)


def test_without_a_grace_it_ends_at_once(market: World) -> None:
    text, old = market.new_key("acme", OWN)

    rotate(market, old.api_key_id, grace_seconds=0)

    assert not enters(market, text)
    assert bearing(market, text, KEYS) == UNAUTHORIZED


@pytest.mark.parametrize("grace", [0, 60, 86_400])
def test_no_grace_makes_a_key_live_longer(grace: int, market: World) -> None:
    text, old = market.new_key("acme", OWN, expires_at="2026-04-05T10:00:30.000000000Z")

    new = rotate(market, old.api_key_id, grace_seconds=grace).body["data"]

    assert new["expires_at"] == "2026-04-05T10:00:30Z"
    market.now = "2026-04-05T10:00:30.000000000Z"
    assert (enters(market, text), enters(market, new["key"])) == (False, False)


def test_a_key_may_rotate_itself(market: World) -> None:
    text, old = market.new_key("acme", OWN)

    new = rotate(market, old.api_key_id, text).body["data"]

    assert new["expires_at"] is None
    market.wait(days=1)
    assert (enters(market, text), enters(market, new["key"])) == (False, True)


def test_a_key_in_its_grace_hands_on_what_is_left(market: World) -> None:
    """Its end is by now that of the grace."""
    text, old = market.new_key("acme", OWN)
    rotate(market, old.api_key_id, text)

    again = rotate(market, old.api_key_id, text, grace_seconds=604_800).body["data"]

    assert again["expires_at"] == IN_A_DAY
    assert shown(market, old.api_key_id)["expires_at"] == IN_A_DAY


def test_it_is_audited_once(market: World) -> None:
    text, old = market.new_key("acme", OWN, name="Dashboard")

    new = rotate(market, old.api_key_id, text).body["data"]

    (entry,) = audited(market, "api_key.rotated")
    assert (entry["target"], entry["tenant_id"]) == (old.api_key_id, "acme")
    assert entry["actor"] == {
        "type": "api_key",
        "id": old.api_key_id,
        "tenant_id": "acme",
        "ip_address": None,
    }
    assert entry["details"] == {
        "replaced_by": new["api_key_id"],
        "name": "Dashboard",
        "scopes": "usage:read keys:write",
        "expires_at": None,
        "ends_at": IN_A_DAY,
    }
    assert audited(market, "api_key.issued") == []


def test_time_and_again(market: World) -> None:
    """Each new key may do the same, and none of them more."""
    text, key = market.new_key("acme", OWN)
    api_key_id = key.api_key_id
    for _ in range(6):
        new = rotate(market, api_key_id, text, grace_seconds=0).body["data"]
        assert not enters(market, text)
        text, api_key_id = new["key"], new["api_key_id"]

    assert new["scopes"] == list(OWN)
    assert recount(market.table, "acme") == []


# -------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("grace", [-1, 604_801, "60", 60.5, True, None, [], "2026-04-06T10:00:00Z"])
def test_a_wrong_grace(grace: Any, market: World) -> None:
    _, old = market.new_key("acme", OWN)

    with market.unchanged():
        answered = rotate(market, old.api_key_id, grace_seconds=grace)

    (detail,) = answered.body["error"]["details"]
    assert answered == answer(400, invalid(("grace_seconds", detail["message"])))


@pytest.mark.parametrize(
    "ended",
    [
        {"revoked_at": "2026-04-05T09:00:00.000000000Z"},
        {"expires_at": "2026-04-05T10:00:00.000000000Z"},
    ],
)
def test_a_key_that_has_ended(ended: dict[str, str], market: World) -> None:
    _, old = market.new_key("acme", OWN, **ended)

    with market.unchanged():
        answered = rotate(market, old.api_key_id)

    message = f"API key {old.api_key_id} {NOT_ACTIVE}"
    assert answered == answer(409, failure("key_not_active", message))


@pytest.mark.parametrize("caller", ["rival", PLATFORM])
def test_another_tenants_key_is_as_one_that_is_not_there(caller: str, market: World) -> None:
    _, theirs = market.new_key("acme", OWN)
    key = market.key(caller, Scope.ADMIN)

    with market.unchanged():
        answers = [
            rotate(market, each, key) for each in (theirs.api_key_id, "key_aaaaaaaaaaaa", "x")
        ]

    assert [each.status for each in answers] == [404] * 3
    message = f"API key {theirs.api_key_id} does not exist."
    assert answers[0] == answer(404, failure("not_found", message))


@pytest.mark.parametrize("lacking", [scope for scope in Scope if scope is not Scope.KEYS_WRITE])
def test_nobody_gets_more_scopes_by_it(lacking: Scope, market: World) -> None:
    """Neither with a key nor with a session."""
    _, powerful = market.new_key("acme", [Scope.KEYS_WRITE, lacking])
    mine = market.key("acme", *[each for each in Scope if each not in (lacking, Scope.ADMIN)])
    session = opened(market, mine, scopes=["keys:write"])

    with market.unchanged():
        answers = [rotate(market, powerful.api_key_id, key) for key in (mine, session)]

    message = f"Only a key with the scope {lacking} can grant it."
    assert answers == [answer(403, failure("insufficient_scope", message))] * 2


def test_a_session_of_another_tenant_rotates_no_administrator(market: World) -> None:
    _, admin = market.new_key("acme", [Scope.ADMIN])
    token = opened(
        market,
        market.key(PLATFORM, Scope.ADMIN),
        scopes=[scope for scope in Scope if scope is not Scope.ADMIN],
        tenant_id="acme",
    )

    answered = rotate(market, admin.api_key_id, token)

    message = "Only a key with the scope admin:* can grant it."
    assert answered == answer(403, failure("insufficient_scope", message))


def test_nobody_gets_a_longer_life_by_it(market: World) -> None:
    _, eternal = market.new_key("acme", [Scope.USAGE_READ])
    ends_soon, _ = market.new_key("acme", OWN, expires_at="2026-04-05T10:00:30.000000000Z")
    session = opened(market, market.key("acme", *OWN), scopes=["usage:read", "keys:write"])
    of_platform = opened(
        market,
        market.key(PLATFORM, Scope.ADMIN),
        scopes=["usage:read", "keys:write"],
        ttl_seconds=60,
        tenant_id="acme",
    )
    token = Caller("acme", OWN, "client_1", "2026-04-05T11:00:00.000000000Z", Proof.ACCESS_TOKEN)

    made = [
        rotate(market, eternal.api_key_id, key).body["data"]["expires_at"]
        for key in (ends_soon, session, of_platform)
    ]
    _, another = market.new_key("acme", [Scope.USAGE_READ])
    with market.as_caller(f"{KEYS}/{{id}}/rotate", token):
        made.append(rotate(market, another.api_key_id, "any").body["data"]["expires_at"])

    assert made == [
        "2026-04-05T10:00:30Z",
        "2026-04-05T10:15:00Z",
        "2026-04-05T10:01:00Z",
        "2026-04-05T11:00:00Z",
    ]


# ----------------------------------------------------------------------------- races


def meanwhile(world: World, happening: Callable[[], object]) -> None:
    """Something happens after the next request has read, and before it writes."""
    client = FaultyClient(world.table.client)
    stand_in: Any = client
    world.table = replace(world.table, client=stand_in)
    client.after(0, rival(happening))


def total(world: World) -> int:
    counted: int = listed(world).body["data"]["total"]
    return counted


def test_the_old_key_is_revoked_meanwhile(market: World) -> None:
    text, old = market.new_key("acme", OWN)
    before = total(market)

    meanwhile(market, lambda: revoke(market, old.api_key_id))
    answered = rotate(market, old.api_key_id)

    message = f"API key {old.api_key_id} {NOT_ACTIVE}"
    assert answered == answer(409, failure("key_not_active", message))
    assert total(market) == before
    assert not enters(market, text)
    assert recount(market.table, "acme") == []


def test_the_callers_key_is_revoked_meanwhile(market: World) -> None:
    _, old = market.new_key("acme", OWN)
    mine, my = market.new_key("acme", OWN)
    before = total(market)

    meanwhile(market, lambda: revoke(market, my.api_key_id))

    assert rotate(market, old.api_key_id, mine) == UNAUTHORIZED
    assert total(market) == before
    assert shown(market, old.api_key_id)["expires_at"] is None


@pytest.mark.parametrize("way", ["key", "session"])
def test_a_key_that_rotates_itself_is_revoked_meanwhile(way: str, market: World) -> None:
    mine, my = market.new_key("acme", OWN)
    credential = mine if way == "key" else opened(market, mine, scopes=[*OWN])
    before = total(market)

    meanwhile(market, lambda: revoke(market, my.api_key_id))

    assert rotate(market, my.api_key_id, credential) == UNAUTHORIZED
    assert total(market) == before


def test_two_rotate_one_key_at_once(market: World) -> None:
    """The second one sees what the first one left."""
    _, old = market.new_key("acme", OWN)
    admin = Caller("acme", (Scope.ADMIN,), "client_1", proof=Proof.ACCESS_TOKEN)

    meanwhile(
        market,
        lambda: rotate_api_key(
            market.table,
            admin,
            old.api_key_id,
            grace=timedelta(seconds=60),
            now=market.now,
            actor=OPERATOR,
        ),
    )
    second = rotate(market, old.api_key_id, grace_seconds=86_400)

    assert second.body["data"]["expires_at"] == "2026-04-05T10:01:00Z"
    assert shown(market, old.api_key_id)["expires_at"] == "2026-04-05T10:01:00Z"
    assert len(audited(market, "api_key.rotated")) == 2
    assert recount(market.table, "acme") == []


def test_a_key_that_is_rotated_all_the_time_is_busy(market: World) -> None:
    _, old = market.new_key("acme", OWN)
    place = api_key_key(old.prefix)
    ends = (f"2026-04-06T10:00:{n:02}.000000000Z" for n in range(60))
    client = FaultyClient(market.table.client)

    def change() -> None:
        client.after(1, rival(change))
        table = replace(market.table, client=client.real)
        table.transact([table.update(place, "SET expires_at = :end", end=next(ends))])

    client.after(0, rival(change))
    stand_in: Any = client
    market.table = replace(market.table, client=stand_in)

    answered = rotate(market, old.api_key_id)

    message = "The key is being changed by others; send the request again."
    assert answered == answer(503, failure("unavailable", message), Retry_After="1")


@pytest.mark.parametrize("crash", [crash_before, crash_after])
def test_nothing_is_done_by_halves(crash: Callable[..., Any], market: World) -> None:
    _, old = market.new_key("acme", OWN)
    before = total(market)
    real = market.table
    client = FaultyClient(real.client)
    stand_in: Any = client
    market.table = replace(real, client=stand_in)
    client.after(0, crash)
    with pytest.raises(Crash):
        rotate(market, old.api_key_id)
    market.table = real

    is_done = crash is crash_after
    assert total(market) == before + is_done
    assert shown(market, old.api_key_id)["expires_at"] == (IN_A_DAY if is_done else None)
    assert len(audited(market, "api_key.rotated")) == is_done
    assert recount(market.table, "acme") == []
