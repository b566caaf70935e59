"""Tenants, their keys, and how a key lives and dies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest

from tally.domain.scopes import Scope
from tally.http.cursors import Cursors
from tally.store.tenants import get_tenant
from tests.api.answers import (
    INVALID_CURSOR,
    NOT_JSON,
    NOT_UTF8,
    UNAUTHORIZED,
    answer,
    failure,
    invalid,
    invalid_body,
    success,
)
from tests.world import PLATFORM, Answer, World

TENANTS = "/v1/admin/tenants"
KEYS = "/v1/api-keys"
ACMES_KEYS = f"{TENANTS}/acme/api-keys"
# An endpoint that says nothing but that the key is good.
DOOR = "/v1/buyer/dashboard"

DEFAULTS = {"billing_currency": "USD", "fee_rate": "0.30", "reserve_rate": "0.10"}
WANTED = {"name": "Dashboard", "scopes": ["usage:read", "keys:write"]}
TO_ANY = [TENANTS, ACMES_KEYS, KEYS]


@pytest.fixture
def market(world: World) -> World:
    """Tenants acme and rival. Acme's only key, and the platform's, is its administrator's."""
    for tenant_id in ("acme", "rival"):
        world.tenant(tenant_id)
    for tenant_id in ("acme", PLATFORM):
        world.key(tenant_id, Scope.ADMIN)
    return world


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


def enters(world: World, key: str) -> bool:
    status = world.request("GET", DOOR, key=key).status
    assert status in (200, 401)
    return status == 200


def listed(world: World, query: str = "", tenant_id: str = "acme") -> Answer:
    return world.request("GET", f"{KEYS}{query}", key=world.key(tenant_id, Scope.ADMIN))


def revoke(world: World, api_key_id: str, tenant_id: str = "acme") -> Answer:
    url = f"{KEYS}/{api_key_id}"
    return world.request("DELETE", url, key=world.key(tenant_id, Scope.ADMIN))


# --------------------------------------------------------------------------- tenants


def test_a_tenant_with_defaults(market: World) -> None:
    answered = post(market, TENANTS, {"tenant_id": "new", "display_name": "New Übersee GmbH"})

    tenant = {"tenant_id": "new", "display_name": "New Übersee GmbH"} | DEFAULTS
    assert answered == answer(201, success(tenant | {"created_at": "2026-04-05T10:00:00Z"}))
    assert get_tenant(market.table, "new") is not None


def test_a_tenant_with_everything(market: World) -> None:
    given = {
        "tenant_id": "-_" + "x" * 62,
        "display_name": "N" * 256,
        "billing_currency": "EUR",
        "fee_rate": "0.123456",
        "reserve_rate": 0.876544,
    }

    answered = post(market, TENANTS, given | {"unknown": 1})

    shown = given | {"reserve_rate": "0.876544", "created_at": "2026-04-05T10:00:00Z"}
    assert answered == answer(201, success(shown))


def test_a_tenant_gets_an_id_if_it_brings_none(market: World) -> None:
    answers = [post(market, TENANTS, {"display_name": "New"}) for _ in range(2)]

    ids = [answered.body["data"]["tenant_id"] for answered in answers]
    assert len(set(ids)) == 2
    for tenant_id, answered in zip(ids, answers, strict=True):
        assert re.fullmatch(r"tnt_[0-9a-f]{16}", tenant_id)
        tenant = {"tenant_id": tenant_id, "display_name": "New"} | DEFAULTS
        assert answered == answer(201, success(tenant | {"created_at": "2026-04-05T10:00:00Z"}))


def test_a_tenants_id_is_taken_once(market: World) -> None:
    with market.unchanged():
        answered = post(market, TENANTS, {"tenant_id": "acme", "display_name": "Other"})

    message = "There is a tenant acme already."
    assert answered == answer(409, failure("already_exists", message, ("tenant_id", message)))


WRONG_TENANTS: Mapping[str, tuple[Any, ...]] = {
    "tenant_id": (5, "", "x" * 65, "a b", "a#b", "a\n", "ä", [], "\ud800"),
    "display_name": (5, None, "", "   ", "x" * 257, "a\0b", "a\nb", [], "\ud800"),
    "billing_currency": (5, None, "", "usd", "US", "USDD", "USD\n", "ÄÖÜ", "\ud800"),
    "fee_rate": (
        *("abc", "", None, True, [], {}, "NaN", "-NaN", "Infinity", -0.01, "-0.01"),
        *(1.000001, "1.000001", 2, "0.1234567", 0.1234567, "0.3000000"),
        *("1e-7", "1e999999999", "1e-999999999", "0e-999999999", "0e999999999"),
    ),
}


@pytest.mark.parametrize("field", WRONG_TENANTS)
def test_wrong_values_of_a_tenant(field: str, market: World) -> None:
    # The other rate leaves room for any.
    valid = {"display_name": "New", "reserve_rate": 0}

    bodies = [valid | {field: value} for value in WRONG_TENANTS[field]]

    assert_each_invalid(market, TENANTS, bodies, field)


def test_rates_at_their_bounds(market: World) -> None:
    shown = {
        "0": "0",
        "1": "1",
        "0.000001": "0.000001",
        "0.999999": "0.999999",
        "1.000000": "1.000000",
        "1e-6": "0.000001",
        "-0.0": "0.0",
    }
    bodies = [{"display_name": "N", "fee_rate": rate, "reserve_rate": 0} for rate in shown]

    answers = [post(market, TENANTS, body) for body in bodies]

    assert [answered.status for answered in answers] == [201] * len(shown)
    assert [answered.body["data"]["fee_rate"] for answered in answers] == list(shown.values())


def test_rates_take_no_more_than_all(market: World) -> None:
    rates: list[dict[str, Any]] = [
        {"fee_rate": "0.9", "reserve_rate": "0.100001"},
        {"fee_rate": 1, "reserve_rate": 1},
        {"fee_rate": "0.91"},
        {"reserve_rate": "0.71"},
    ]

    assert_each_invalid(market, TENANTS, [{"display_name": "New"} | each for each in rates], "body")


def test_every_fault_of_a_request_is_named(market: World) -> None:
    answered = post(market, TENANTS, {"tenant_id": "?", "fee_rate": 3})

    details = answered.body["error"]["details"]
    assert [detail["field"] for detail in details] == ["tenant_id", "display_name", "fee_rate"]
    faults = [(detail["field"], detail["message"]) for detail in details]
    assert answered == answer(400, invalid(*faults))


# ----------------------------------------------------------------- bodies of any kind


NO_JSON: Mapping[str | bytes, str] = {
    "{": "The body is not valid JSON: Expecting property name",
    '{"name": NaN}': "The body is not valid JSON: NaN is no number.",
    b'{"name": "\xff"}': "The body is not valid UTF-8.",
    "[" * 100_000: "The body is nested too deeply.",
    f'{{"name": {"9" * 5000}}}': "The body holds a number that is too long.",
    '{"name": 1e999999999999999999999}': "The body holds a number that is too long.",
    '{"fee_rate": 1e-999999999}': "The body holds a number that is too long.",
}


@pytest.mark.parametrize("url", TO_ANY)
def test_a_body_that_is_no_json_is_refused(url: str, market: World) -> None:
    with market.unchanged():
        answers = {body: post_raw(market, url, body, "application/json") for body in NO_JSON}

    for body, answered in answers.items():
        message = answered.body["error"]["message"]
        assert message.startswith(NO_JSON[body])
        assert answered == answer(400, invalid_body(message))


@pytest.mark.parametrize("url", TO_ANY)
def test_a_body_that_is_no_object_is_refused(url: str, market: World) -> None:
    with market.unchanged():
        answers = [
            post_raw(market, url, body, "application/json")
            for body in ("", "null", "5", "[]", '"x"')
        ]

    missing = answer(400, invalid(("body", "Field required")))
    other = "Input should be a valid dictionary or object to extract fields from"
    assert answers == [missing] * 2 + [answer(400, invalid(("body", other)))] * 3


@pytest.mark.parametrize("url", TO_ANY)
def test_other_media_types_are_refused(url: str, market: World) -> None:
    expected = {
        "text/plain": NOT_JSON,
        "application/x-www-form-urlencoded": NOT_JSON,
        "multipart/form-data": NOT_JSON,
        "multipart/form-data; boundary=x": NOT_JSON,
        "application/jsonx": NOT_JSON,
        "application/json; charset=utf-16": NOT_UTF8,
    }

    with market.unchanged():
        answers = {kind: post_raw(market, url, '{"name": "N"}', kind) for kind in expected}

    assert answers == {kind: answer(415, body) for kind, body in expected.items()}


@pytest.mark.parametrize(
    "content_type", [None, "Application/JSON", "application/json;charset=UTF8"]
)
def test_json_may_be_sent_as(content_type: str | None, market: World) -> None:
    assert post_raw(market, TENANTS, '{"display_name": "N"}', content_type).status == 201


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
    assert {k: v for k, v in shown.items() if k != "key"} in in_list


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


def _with_another(key: str, at: int) -> str:
    return key[:at] + ("a" if key[at] != "a" else "b") + key[at + 1 :]


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

    message = "expires_at must lie in the future."
    assert answered == answer(400, failure("invalid_request", message, ("expires_at", message)))


@pytest.mark.parametrize("missing", ["name", "scopes"])
def test_a_key_has_a_name_and_scopes(missing: str, market: World) -> None:
    answered = post(market, ACMES_KEYS, {k: v for k, v in WANTED.items() if k != missing})

    assert answered == answer(400, invalid((missing, "Field required")))


def test_a_key_for_a_tenant_that_is_not_there(market: World) -> None:
    with market.unchanged():
        answered = post(market, f"{TENANTS}/nobody/api-keys", WANTED)

    assert answered == answer(404, failure("not_found", "There is no tenant nobody."))


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
    with market.unchanged():
        assert revoke(market, new["api_key_id"]) == answer(200, success(revoked))
    shown = {k: v for k, v in new.items() if k != "key"} | {"status": "revoked"}
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


@pytest.mark.parametrize(
    "api_key_id",
    ["key_aaaaaaaaaaaa", "key_", "aaaaaaaaaaaa", "key_AAAAAAAAAAAA", "key_aaaaaaaaaaaa%0A", "x"],
)
def test_revoking_what_is_no_key(api_key_id: str, market: World) -> None:
    with market.unchanged():
        answered = revoke(market, api_key_id)

    assert answered.status == 404
    assert answered == answer(404, failure("not_found", f"There is no API key {api_key_id}."))


# ------------------------------------------------------------------------- the list


def aged(world: World, count: int) -> list[str]:
    """The ids of that many new keys of acme, newest first, some of the same instant."""
    ids = []
    for n in range(count):
        new = world.new_key("acme", [Scope.USAGE_READ], name=f"Key {n}")[1]
        ids.append((new.created_at, new.api_key_id))
        world.wait(microseconds=n % 2)
    return [api_key_id for _, api_key_id in sorted(ids, reverse=True)]


def walk(world: World, limit: int) -> list[dict[str, Any]]:
    """The pages of acme's keys, while a key is made between each two of them."""
    pages = [listed(world, f"?limit={limit}").body["data"]]
    while cursor := pages[-1]["next_cursor"]:
        world.wait(seconds=1)
        world.new_key("acme", [Scope.USAGE_READ])
        pages.append(listed(world, f"?limit={limit}&cursor={cursor}").body["data"])
    return pages


def test_a_list_of_one(market: World) -> None:
    answered = listed(market)

    (only,) = answered.body["data"]["api_keys"]
    assert only["scopes"] == ["admin:*"]
    assert answered == answer(200, success({"api_keys": [only], "total": 1, "next_cursor": None}))


def test_keys_are_listed_newest_first(market: World) -> None:
    names = ["First", "Second", "Third"]
    for name in names:
        market.wait(seconds=1)
        market.new_key("acme", [Scope.USAGE_READ], name=name)
    market.new_key("rival", [Scope.USAGE_READ], name="Foreign")

    data = listed(market).body["data"]

    assert [key["name"] for key in data["api_keys"]] == ["Third", "Second", "First", "test"]
    created = [datetime.fromisoformat(key["created_at"]) for key in data["api_keys"]]
    assert created == sorted(created, reverse=True)
    assert (data["total"], data["next_cursor"]) == (4, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 9])
def test_a_walk_meets_each_key_once_while_new_ones_arrive(limit: int, market: World) -> None:
    market.wait(seconds=1)
    ids = aged(market, 7)

    pages = walk(market, limit)

    met = [key["api_key_id"] for page in pages for key in page["api_keys"]]
    assert met[:7] == ids
    assert len(met) == 8  # and the one that asks, which is the oldest
    assert all(len(page["api_keys"]) == limit for page in pages[:-1])
    assert [page["total"] for page in pages] == [8 + n for n in range(len(pages))]


def test_a_page_holds_20_unless_told(market: World) -> None:
    aged(market, 20)

    page = listed(market).body["data"]

    assert (len(page["api_keys"]), page["total"]) == (20, 21)
    assert page["next_cursor"]


@pytest.mark.parametrize("limit", ["1", "100", "007"])
def test_limits_in_bounds(limit: str, market: World) -> None:
    assert listed(market, f"?limit={limit}&unknown=x").status == 200


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "abc", "", "1.5", "1.0", "1_0", "%201", "1e1", "9" * 30, "null"]
)
def test_limits_out_of_bounds(limit: str, market: World) -> None:
    answered = listed(market, f"?limit={limit}")

    (detail,) = answered.body["error"]["details"]
    assert answered == answer(400, invalid(("limit", detail["message"])))


def test_a_cursor_is_good_for_its_list_only(market: World) -> None:
    aged(market, 3)
    position = ["2026-04-05T10:00:00.000000000Z", "key_aaaaaaaaaaaa"]

    def of(*scope: str, secret: bytes = b"secret", at: list[str] = position) -> str:
        return str(Cursors(secret, scope).write(at))

    own = of("acme", "api-keys", "created_at")
    foreign = {
        "tenant": of("rival", "api-keys", "created_at"),
        "endpoint": of("acme", "payouts", "created_at"),
        "sort": of("acme", "api-keys", "name"),
        "secret": of("acme", "api-keys", "created_at", secret=b"guess"),
        "length": of("acme", "api-keys", "created_at", at=[*position, "x"]),
        "boundary": of("acmeapi-keys", "created_at"),
    }

    answers = {name: listed(market, f"?cursor={cursor}") for name, cursor in foreign.items()}

    assert listed(market, f"?cursor={own}").status == 200
    assert answers == dict.fromkeys(foreign, answer(400, INVALID_CURSOR))


def test_a_forged_cursor_is_refused_wherever_it_was_changed(market: World) -> None:
    aged(market, 2)
    cursor = listed(market, "?limit=1").body["data"]["next_cursor"]
    assert listed(market, f"?cursor={cursor}").status == 200
    forged = [_with_another(cursor, at) for at in range(len(cursor))]
    forged += [cursor[:-1], cursor + "A", cursor + "=", cursor + "\n", " " + cursor, cursor * 2]
    forged += ["", "abc", "null", "ä", "\0", "%", "A" * 10_000, "[]"]

    answers = {each: listed(market, f"?cursor={quote(each)}") for each in forged}

    assert answers == dict.fromkeys(forged, answer(400, INVALID_CURSOR))


# ------------------------------------------------------------------- the buyer's view


def test_the_buyers_dashboard_counts_keys(market: World) -> None:
    """One that has expired is still not revoked."""
    expired, revoked = issued(market, expires_at="2026-04-05T10:00:01Z"), issued(market)
    market.new_key("rival", [Scope.USAGE_READ])
    revoke(market, revoked["api_key_id"])
    revoke(market, revoked["api_key_id"])
    market.wait(minutes=1)
    assert not enters(market, expired["key"])

    # Those two and the administrator's.
    counts = {"api_key_count": 3, "active_api_key_count": 2}
    assert market.get(DOOR, "acme", Scope.ADMIN) == counts
