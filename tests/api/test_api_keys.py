"""API keys: how a key is issued, lives and dies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.access.temporary import temporary_api_key
from tests import builders
from tests.api.answers import (
    UNAUTHORIZED,
    answer,
    failure,
    invalid,
    success,
)
from tests.api.keys import (
    ACMES_KEYS,
    DOOR,
    KEYS,
    TENANTS,
    WANTED,
    _with_another,
    assert_each_invalid,
    audited,
    enters,
    issued,
    listed,
    post,
    revoke,
)
from tests.faults import FaultyClient
from tests.world import World


@pytest.fixture
def market(world: World) -> World:
    """Tenants acme and rival. Acme's only key, and the platform's, is its administrator's."""
    builders.market(world, "acme", "rival")
    for tenant_id in ("acme", PLATFORM):
        world.key(tenant_id, Scope.ADMIN)
    return world


# ---------------------------------------------------------------------- issuing a key


@pytest.mark.parametrize("url", [ACMES_KEYS, KEYS], ids=["by the platform", "by a key"])
@pytest.mark.parametrize("expires_at", [None, "2026-04-05T10:00:01.5+00:00"])
def test_a_new_key(url: str, expires_at: str | None, market: World) -> None:
    answered = post(market, url, WANTED | ({"expires_at": expires_at} if expires_at else {}))

    key = answered.body["data"]["key"]
    match = re.fullmatch(r"ipto_([a-z0-9]{12})_([a-z0-9]+)", key)
    assert match
    shown = {
        "api_key_id": f"key_{match[1]}",
        "key": key,
        "key_prefix": match[1],
        "name": "Dashboard",
        "scopes": ["usage:read", "keys:write"],
        "status": "active",
        "created_at": "2026-04-05T10:00:00Z",
        "expires_at": expires_at and "2026-04-05T10:00:01Z",
    }
    assert answered == answer(201, success(shown))
    assert enters(market, key)
    in_list = listed(market).body["data"]["api_keys"]
    used = {"last_used_at": "2026-04-05T10:00:00Z"}
    assert {k: v for k, v in shown.items() if k != "key"} | used in in_list


def test_a_secret_holds_160_random_bits(market: World) -> None:
    secrets = {issued(market)["key"].split("_")[2] for _ in range(3)}

    randoms = {secret[:32] for secret in secrets}
    assert len(randoms) == 3
    for random in randoms:
        assert re.fullmatch(r"[a-z2-7]{32}", random)  # of 5 bits each


def test_a_mistyped_key_is_refused_without_a_read(market: World) -> None:
    key = issued(market)["key"]
    places = range(len(key))
    wrong = [_with_another(key, at) for at in places]
    missing = [key[:at] + key[at + 1 :] for at in places]
    turned = [key[:at] + key[at : at + 2][::-1] + key[at + 2 :] for at in places]
    mistyped = [each for each in (*wrong, *missing, *turned, f"{key}a") if each != key]
    calls: list[str] = []

    with market.on_call(calls.append):
        answers = [market.request("GET", DOOR, key=each) for each in mistyped]

    assert answers == [UNAUTHORIZED] * len(mistyped)
    assert calls == []


def test_only_a_hash_of_a_key_is_stored(market: World) -> None:
    key = issued(market)["key"]

    stored = str(market.items())

    assert key.split("_")[2] not in stored
    assert key.split("_")[2][:32] not in stored
    assert str(sha256(key.encode()).digest()) in stored


def test_a_key_is_shown_once(market: World) -> None:
    new = issued(market)

    later = [listed(market), revoke(market, new["api_key_id"]), listed(market)]

    assert new["key"].split("_")[2] not in str(later)


def test_scopes_are_kept_once_each(market: World) -> None:
    assert issued(market, scopes=["usage:read", "keys:write", "usage:read"])["scopes"] == [
        "usage:read",
        "keys:write",
    ]


WRONG_KEYS: Mapping[str, tuple[Any, ...]] = {
    "name": (5, None, "", " ", "x" * 257, "a\nb", "a\0b", [], "\ud800"),
    "scopes": ([], None, "usage:read", 5, {}),
    "scopes.0": (["usage:*"], [""], ["USAGE:READ"], ["*"], [5], [None], [[]], ["\ud800"]),
    "scopes.1": (["usage:read", "all"],),
    "expires_at": ("2027-04-05", "2027-02-30T00:00:00Z", 1806000000, ""),
}


@pytest.mark.parametrize("url", [ACMES_KEYS, KEYS])
@pytest.mark.parametrize("field", WRONG_KEYS)
def test_wrong_values_of_a_key(url: str, field: str, market: World) -> None:
    bodies = [WANTED | {field.partition(".")[0]: value} for value in WRONG_KEYS[field]]

    assert_each_invalid(market, url, bodies, field)


@pytest.mark.parametrize("expires_at", ["2026-04-05T10:00:00Z", "2026-04-05T11:59:59+02:00"])
def test_a_key_does_not_expire_before_it_is_made(expires_at: str, market: World) -> None:
    with market.unchanged():
        answered = post(market, ACMES_KEYS, WANTED | {"expires_at": expires_at})

    message = "expires_at must be in the future."
    assert answered == answer(400, failure("invalid_request", message, ("expires_at", message)))


@pytest.mark.parametrize("missing", ["name", "scopes"])
def test_a_key_has_a_name_and_scopes(missing: str, market: World) -> None:
    answered = post(market, ACMES_KEYS, {k: v for k, v in WANTED.items() if k != missing})

    assert answered == answer(400, invalid((missing, "is required")))


def test_a_key_for_a_tenant_that_is_not_there(market: World) -> None:
    with market.unchanged():
        answered = post(market, f"{TENANTS}/nobody/api-keys", WANTED)

    assert answered == answer(404, failure("not_found", "Tenant nobody does not exist."))


@pytest.mark.parametrize("granted", [scope for scope in Scope if scope is not Scope.KEYS_WRITE])
def test_a_key_grants_no_scope_that_it_lacks(granted: Scope, market: World) -> None:
    caller = market.key("acme", *[scope for scope in Scope if scope not in (granted, Scope.ADMIN)])
    body = {"name": "More", "scopes": ["keys:write", granted]}

    with market.unchanged():
        answered = market.request("POST", KEYS, key=caller, json_body=body)

    message = f"Only a key with the scope {granted} can grant it."
    assert answered == answer(403, failure("insufficient_scope", message))


def test_an_administrator_grants_every_scope(market: World) -> None:
    answered = post(market, KEYS, {"name": "All", "scopes": list(Scope)})

    assert answered.status == 201
    assert answered.body["data"]["scopes"] == list(Scope)


@pytest.mark.parametrize(("url", "tenant_id"), [(ACMES_KEYS, PLATFORM), (KEYS, "acme")])
def test_issuing_a_key_is_audited(url: str, tenant_id: str, market: World) -> None:
    new = post(market, url, WANTED | {"expires_at": "2026-05-01T00:00:00Z"}).body["data"]

    (entry,) = [e for e in audited(market, "api_key.issued") if e["target"] == new["api_key_id"]]

    assert (entry["actor"]["type"], entry["actor"]["tenant_id"]) == ("api_key", tenant_id)
    assert entry["tenant_id"] == "acme"
    assert entry["details"] == {
        "name": "Dashboard",
        "scopes": "usage:read keys:write",
        "expires_at": "2026-05-01T00:00:00Z",
    }


def test_a_key_for_one_use_leaves_nothing_behind(market: World) -> None:
    """No entry of the audit trail either."""
    for_a_minute = timedelta(minutes=1)

    with (
        market.unchanged(),
        temporary_api_key(
            market.table,
            "acme",
            name="Probe",
            scopes=[Scope.USAGE_READ],
            now=market.now,
            lifetime=for_a_minute,
        ) as key,
    ):
        assert enters(market, key)

    assert not enters(market, key)


# ------------------------------------------------------------------------ a key's end


def test_a_key_expires_at_its_instant(market: World) -> None:
    key = issued(market, expires_at="2026-04-05T10:00:10Z")["key"]
    market.warm = True

    admitted = {}
    for second in (0, 9, 10, 11):
        market.now = f"2026-04-05T10:00:{second:02}.000000000Z"
        admitted[second] = enters(market, key)

    assert admitted == {0: True, 9: True, 10: False, 11: False}


def test_revocation(market: World) -> None:
    new = issued(market)
    revoked = {"api_key_id": new["api_key_id"], "status": "revoked"}
    assert enters(market, new["key"])

    assert revoke(market, new["api_key_id"]) == answer(200, success(revoked))

    assert not enters(market, new["key"])
    (entry,) = audited(market, "api_key.revoked")
    assert (entry["target"], entry["tenant_id"]) == (new["api_key_id"], "acme")
    assert entry["details"] == {"name": "Dashboard"}
    with market.unchanged():
        assert revoke(market, new["api_key_id"]) == answer(200, success(revoked))
    shown = {k: v for k, v in new.items() if k != "key"} | {
        "status": "revoked",
        "last_used_at": "2026-04-05T10:00:00Z",
    }
    assert shown in listed(market).body["data"]["api_keys"]


def test_a_key_may_revoke_itself(market: World) -> None:
    new = issued(market)

    answered = market.request("DELETE", f"{KEYS}/{new['api_key_id']}", key=new["key"])

    assert answered.status == 200
    assert not enters(market, new["key"])


def test_a_revoked_key_stops_within_30_seconds_where_it_is_remembered(market: World) -> None:
    """And however busy it is meanwhile."""
    new = issued(market)
    market.warm = True
    calls: list[str] = []
    assert enters(market, new["key"])
    with market.on_call(calls.append):
        assert enters(market, new["key"])
    assert calls == ["GetItem"]  # it is remembered: all that was read is the dashboard
    revoke(market, new["api_key_id"])

    for _ in range(29):
        market.wait(seconds=1)
        enters(market, new["key"])
    market.wait(seconds=1)

    assert not enters(market, new["key"])


@pytest.mark.parametrize("seen_first", [(0,), (1,), (0, 1)])
def test_a_rival_revocation_that_is_half_visible(
    seen_first: tuple[int, ...], market: World
) -> None:
    """Of its two items, either may be read before the other."""
    new = issued(market)

    def rival(_: object) -> None:
        reasons = [
            {"Code": "ConditionalCheckFailed" if n in seen_first else "None"} for n in range(5)
        ]
        said: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": ""},
            "CancellationReasons": reasons,
        }
        raise ClientError(said, "TransactWriteItems")

    client: Any = FaultyClient(market.table.client)
    client.after(0, rival)
    market.table = replace(market.table, client=client)

    revoked = {"api_key_id": new["api_key_id"], "status": "revoked"}
    assert revoke(market, new["api_key_id"]) == answer(200, success(revoked))


@pytest.mark.parametrize(
    "api_key_id",
    ["key_aaaaaaaaaaaa", "key_", "aaaaaaaaaaaa", "key_AAAAAAAAAAAA", "key_aaaaaaaaaaaa%0A", "x"],
)
def test_revoking_what_is_no_key(api_key_id: str, market: World) -> None:
    with market.unchanged():
        answered = revoke(market, api_key_id)

    assert answered.status == 404
    assert answered == answer(404, failure("not_found", f"API key {api_key_id} does not exist."))
