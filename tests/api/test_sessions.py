"""Sessions: who opens them, for whom, for how long, and when they end."""

from __future__ import annotations

from typing import Any

import pytest

from dev.gateway import PLATFORM
from tally.access.model.callers import Caller, Proof
from tally.access.model.scopes import Scope
from tests import builders
from tests.api.answers import UNAUTHORIZED, answer, failure, invalid, success
from tests.api.keys import DOOR, KEYS, TENANTS, audited, revoke
from tests.api.sessions import SESSIONS, admits, ask, bearing, opened
from tests.world import World

OWN = (Scope.USAGE_READ, Scope.KEYS_WRITE)


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, "acme", "rival")


def forbidden(message: str) -> Any:
    return answer(403, failure("insufficient_scope", message))


# ------------------------------------------------------------------------ opening one


@pytest.mark.parametrize(
    ("ttl", "expires_at"),
    [
        (None, "2026-04-05T10:15:00Z"),
        (60, "2026-04-05T10:01:00Z"),
        (43_200, "2026-04-05T22:00:00Z"),
    ],
)
def test_a_session_of_the_own_tenant(ttl: int | None, expires_at: str, market: World) -> None:
    key = market.key("acme", *OWN)

    with market.unchanged():
        answered = ask(market, key, **({"ttl_seconds": ttl} if ttl else {}))

    token = answered.body["data"]["session_token"]
    assert token.startswith("sess_")
    assert answered == answer(
        201,
        success(
            {
                "session_token": token,
                "tenant_id": "acme",
                "scopes": ["usage:read"],
                "expires_at": expires_at,
            }
        ),
    )
    by_key = market.request("GET", DOOR, key=key)
    assert bearing(market, token) == by_key
    assert market.request("GET", DOOR, key=token) == by_key  # whichever header it is in


def test_the_own_tenant_may_be_named(market: World) -> None:
    assert admits(market, opened(market, market.key("acme", *OWN), tenant_id="acme"))


def test_scopes_are_granted_once_each(market: World) -> None:
    scopes = ["keys:write", "usage:read", "keys:write"]

    answered = ask(market, market.key("acme", *OWN), scopes=scopes)

    assert answered.body["data"]["scopes"] == ["keys:write", "usage:read"]


def test_a_key_of_any_scope_may_open_one(market: World) -> None:
    for scope in Scope:
        assert ask(market, market.key("acme", scope), scopes=[scope]).status == 201


def test_a_session_has_its_own_scopes_and_not_its_keys(market: World) -> None:
    token = opened(market, market.key("acme", Scope.ADMIN), scopes=["billing:read"])

    assert bearing(market, token) == forbidden("This request needs the scope usage:read.")


WRONG: dict[str, tuple[Any, ...]] = {
    "scopes": ([], None, "usage:read", 5, {}, ["usage:read"] * 10),
    "scopes.0": (["usage:*"], [""], [5], [None]),
    "ttl_seconds": (59, 43_201, 0, -60, "900", 900.5, True, None),
    "tenant_id": ("", "a b", "x" * 65, 5),
}


@pytest.mark.parametrize("field", WRONG)
def test_wrong_values(field: str, market: World) -> None:
    key = market.key("acme", Scope.ADMIN)
    name = field.partition(".")[0]

    for value in WRONG[field]:
        answered = ask(market, key, **{name: value})
        (detail,) = answered.body["error"]["details"]
        assert answered == answer(400, invalid((field, detail["message"]))), value


def test_scopes_are_required(market: World) -> None:
    answered = market.request("POST", SESSIONS, key=market.key("acme", *OWN), json_body={})

    assert answered == answer(400, invalid(("scopes", "is required")))


# ------------------------------------------------------------------- of another tenant


def test_the_platform_opens_one_of_any_tenant_and_that_is_audited(market: World) -> None:
    key, stored = market.new_key(PLATFORM, [Scope.ADMIN])

    token = opened(market, key, scopes=["usage:read", "billing:read"], tenant_id="acme")

    by_key = market.request("GET", DOOR, key=market.key("acme", *OWN))
    assert bearing(market, token) == by_key
    (entry,) = audited(market, "session.opened")
    assert entry == {
        "audit_id": entry["audit_id"],
        "occurred_at": "2026-04-05T10:00:00Z",
        "actor": {
            "type": "api_key",
            "id": stored.api_key_id,
            "tenant_id": PLATFORM,
            "ip_address": None,
        },
        "action": "session.opened",
        "target": "acme",
        "tenant_id": "acme",
        "details": {
            "scopes": "usage:read billing:read",
            "expires_at": "2026-04-05T10:15:00Z",
        },
    }
    assert token not in str(market.items())


def test_a_session_of_another_tenant_is_no_platforms(market: World) -> None:
    scopes = [scope for scope in Scope if scope is not Scope.ADMIN]
    token = opened(market, market.key(PLATFORM, Scope.ADMIN), scopes=scopes, tenant_id="acme")

    refused = "This request needs the scope admin:*."
    assert bearing(market, token, TENANTS) == forbidden(refused)


@pytest.mark.parametrize(
    ("tenant_id", "scopes"),
    [
        (PLATFORM, [scope for scope in Scope if scope is not Scope.ADMIN]),
        ("rival", [Scope.ADMIN]),
        ("rival", list(Scope)),
    ],
)
@pytest.mark.parametrize("wanted", ["acme", "nobody"])
def test_nobody_else_does(tenant_id: str, scopes: list[Scope], wanted: str, market: World) -> None:
    """And nobody else learns whether there is such a tenant."""
    key = market.key(tenant_id, *scopes)

    with market.unchanged():
        answered = ask(market, key, tenant_id=wanted)

    message = "A session of another tenant needs the scope admin:* of the platform tenant."
    assert answered == forbidden(message)


def test_nobody_administers_another_tenant_by_a_session(market: World) -> None:
    key = market.key(PLATFORM, *Scope)

    with market.unchanged():
        answered = ask(market, key, scopes=["usage:read", "admin:*"], tenant_id="acme")

    message = "A session of another tenant cannot have the scope admin:*; ask for others."
    assert answered == forbidden(message)


def test_a_tenant_that_is_not_there(market: World) -> None:
    key = market.key(PLATFORM, Scope.ADMIN)

    with market.unchanged():
        answered = ask(market, key, tenant_id="nobody")

    assert answered == answer(404, failure("not_found", "Tenant nobody does not exist."))


# --------------------------------------------------------------------- more than it may


@pytest.mark.parametrize("lacking", [scope for scope in Scope if scope is not Scope.ADMIN])
def test_no_session_has_a_scope_that_its_key_lacks(lacking: Scope, market: World) -> None:
    others = [scope for scope in Scope if scope not in (lacking, Scope.ADMIN)]

    answered = ask(market, market.key("acme", *others), scopes=[others[0], lacking])

    assert answered == forbidden(f"Only a key with the scope {lacking} can lend it to a session.")


def test_only_an_administrator_opens_an_administrators(market: World) -> None:
    answered = ask(market, market.key("acme"), scopes=["admin:*"])
    assert answered == forbidden("Only a key with the scope admin:* can lend it to a session.")

    token = opened(market, market.key("acme", Scope.ADMIN), scopes=["admin:*"])
    assert bearing(market, token, KEYS).status == 200


@pytest.mark.parametrize("proof", [Proof.SESSION, Proof.ACCESS_TOKEN])
def test_only_a_key_opens_one(proof: Proof, market: World) -> None:
    key, stored = market.new_key(PLATFORM, [Scope.ADMIN])
    refused = forbidden("Only an API key can open a session; send the request with one.")
    if proof is Proof.SESSION:
        token = opened(market, key, scopes=["admin:*"])
        answers = [
            bearing(market, token, SESSIONS, "POST", scopes=["usage:read"]),
            bearing(market, token, SESSIONS, "POST", scopes=["usage:read"], tenant_id="acme"),
        ]
        assert answers == [refused] * 2
        return
    caller = Caller(PLATFORM, (Scope.ADMIN,), "client_reporting", None, proof)
    assert stored.api_key_id not in caller.subject
    with market.as_caller(SESSIONS, caller):
        assert bearing(market, "whatever", SESSIONS, "POST", scopes=["usage:read"]) == refused


def test_what_a_session_issues_ends_with_it(market: World) -> None:
    """In its own tenant, and where the platform opened it for another."""
    platforms = opened(
        market,
        market.key(PLATFORM, Scope.ADMIN),
        scopes=["keys:write", "usage:read"],
        tenant_id="acme",
    )
    own = opened(market, market.key("acme", *OWN), scopes=["keys:write", "usage:read"])
    for token in (platforms, own):
        for wanted in ({}, {"expires_at": "2027-01-01T00:00:00Z"}):
            body = {"name": "heir", "scopes": ["usage:read"]} | wanted
            made = bearing(market, token, KEYS, "POST", **body)
            assert made.body["data"]["expires_at"] == "2026-04-05T10:15:00Z"

        message = "Only a key with the scope billing:read can grant it."
        more = {"name": "more", "scopes": ["billing:read"]}
        assert bearing(market, token, KEYS, "POST", **more) == forbidden(message)


# --------------------------------------------------------------------------- its end


def test_a_session_expires_at_its_instant(market: World) -> None:
    token = opened(market, market.key("acme", *OWN), ttl_seconds=60)
    assert admits(market, token)
    market.warm = True

    admitted = {}
    for second in (0, 59, 60, 61):
        market.now = f"2026-04-05T10:0{second // 60}:{second % 60:02}.000000000Z"
        admitted[second] = admits(market, token)

    assert admitted == {0: True, 59: True, 60: False, 61: False}


def test_a_session_never_outlives_its_key(market: World) -> None:
    key, _ = market.new_key("acme", OWN, expires_at="2026-04-05T10:00:30.500000000Z")

    answered = ask(market, key, ttl_seconds=43_200)

    assert answered.body["data"]["expires_at"] == "2026-04-05T10:00:30Z"
    token = answered.body["data"]["session_token"]
    market.now = "2026-04-05T10:00:30.499999999Z"
    assert admits(market, token)
    market.now = "2026-04-05T10:00:30.500000000Z"
    assert not admits(market, token)


@pytest.mark.parametrize("tenant_id", ["acme", PLATFORM])
def test_a_session_ends_with_its_key_within_30_seconds(tenant_id: str, market: World) -> None:
    """However busy it is meanwhile."""
    key, stored = market.new_key(tenant_id, [Scope.ADMIN])
    token = opened(market, key, tenant_id="acme")
    assert admits(market, token)
    market.key(tenant_id, Scope.ADMIN)
    market.warm = True
    assert admits(market, token)
    revoke(market, stored.api_key_id, tenant_id)

    for _ in range(29):
        market.wait(seconds=1)
        bearing(market, token)
    market.wait(seconds=1)

    assert not admits(market, token)


def test_where_keys_are_issued_it_ends_at_once(market: World) -> None:
    key, stored = market.new_key("acme", [Scope.KEYS_WRITE])
    token = opened(market, key, scopes=["keys:write"])
    market.key("acme", Scope.ADMIN)
    for market.warm in (False, True):
        assert bearing(market, token, KEYS).status == 200

    revoke(market, stored.api_key_id)

    assert bearing(market, token, KEYS) == UNAUTHORIZED


def test_a_revoked_key_opens_none(market: World) -> None:
    key, stored = market.new_key("acme", OWN)
    market.key("acme", Scope.ADMIN)
    opened(market, key)
    market.warm = True
    revoke(market, stored.api_key_id)

    assert ask(market, key) == UNAUTHORIZED
