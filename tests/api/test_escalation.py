"""Every kind of credential on every route: none reaches the platform's routes, another tenant's
things, or what its scopes do not allow. Keys that it makes can do no more, and live no longer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pytest

from dev.gateway import PLATFORM, Answer
from dev.template import Route
from tally.access import oidc
from tally.access.model.scopes import Scope
from tests import builders
from tests.api.answers import lacks
from tests.api.routes import (
    STRANGER,
    each_route,
    each_route_with_a_scope,
    for_audience,
    needed_scope,
    routes_where,
)
from tests.api.samples import TENANT, caller_of, new_thing, visit
from tests.api.sessions import opened
from tests.issuers import ISSUER, Issuer, token
from tests.world import World

pytestmark = pytest.mark.slow

ENDS = "2026-04-05T10:30:00.000000000Z"  # in half an hour, as sessions and tokens do here


def _key(world: World, tenant_id: str, scopes: Sequence[Scope]) -> str:
    return world.new_key(tenant_id, scopes, expires_at=ENDS)[0]


def _session(world: World, tenant_id: str, scopes: Sequence[Scope]) -> str:
    """Of a key that may do everything for ever, so that what it lacks the session lacks."""
    key, _ = world.new_key(tenant_id, list(Scope))
    return opened(world, key, scopes=[*scopes], ttl_seconds=1800)


def _platforms_session(world: World, tenant_id: str, scopes: Sequence[Scope]) -> str:
    """Of the tenant, but opened by the platform's own administrator."""
    key, _ = world.new_key(PLATFORM, list(Scope))
    granted = [scope for scope in scopes if scope is not Scope.ADMIN]
    return opened(world, key, scopes=granted, ttl_seconds=1800, tenant_id=tenant_id)


def _access_token(_: World, tenant_id: str, scopes: Sequence[Scope]) -> str:
    return token(tenant_id=tenant_id, scope=" ".join(f"tally/{scope}" for scope in scopes))


KINDS: Mapping[str, Callable[[World, str, Sequence[Scope]], str]] = {
    "API key": _key,
    "session": _session,
    "session from the platform": _platforms_session,
    "access token": _access_token,
}
WITHOUT_ADMIN = [scope for scope in Scope if scope is not Scope.ADMIN]

each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def market(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    tokens = Issuer().access_tokens()
    monkeypatch.setenv("OIDC_ISSUER", ISSUER)
    monkeypatch.setattr(oidc, "access_tokens", lambda: tokens)
    return builders.market(world, TENANT, STRANGER)


def bear(world: World, route: Route, credential: str, thing: str | None = None) -> Answer:
    return visit(world, route, headers={"Authorization": f"Bearer {credential}"}, thing=thing)


# ---------------------------------------------------------------------------------- scopes


@each_kind
@each_route_with_a_scope
def test_the_needed_scope_is_enough_and_all_others_are_not(
    route: Route, kind: str, market: World
) -> None:
    if kind == "session from the platform" and caller_of(route) == PLATFORM:
        pytest.skip("that is its own session")
    needed = needed_scope(route)
    others = [scope for scope in WITHOUT_ADMIN if scope is not needed]

    with_it = bear(market, route, KINDS[kind](market, caller_of(route), [needed]))
    without = bear(market, route, KINDS[kind](market, caller_of(route), others), thing="any")

    assert with_it.status in (200, 201, 202), with_it
    assert without == for_audience(route, lacks(needed))


# ---------------------------------------------------------------------------------- tenants


@each_kind
@routes_where(lambda route: route.module.endpoint.platform_only)
def test_no_tenants_credential_reaches_a_route_of_the_platform(
    route: Route, kind: str, market: World
) -> None:
    credential = KINDS[kind](market, TENANT, list(Scope))
    thing = new_thing(market, route, TENANT)

    with market.unchanged():
        answered = bear(market, route, credential, thing)

    scope = "admin:* of the platform tenant" if kind != "session from the platform" else "admin:*"
    assert answered == lacks(scope)


@each_kind
@routes_where(lambda route: "{" in route.path and not route.module.endpoint.platform_only)
def test_a_foreign_id_is_as_one_that_does_not_exist(route: Route, kind: str, market: World) -> None:
    theirs = new_thing(market, route, TENANT)
    nobodys = theirs[:-1] + ("a" if theirs[-1] != "a" else "b")

    for caller in (STRANGER, PLATFORM):
        credential = KINDS[kind](market, caller, list(Scope))
        with market.unchanged():
            foreign, unknown = (bear(market, route, credential, id_) for id_ in (theirs, nobodys))

        assert foreign.status == 404
        assert foreign.headers == unknown.headers
        assert foreign.text.replace(theirs, nobodys) == unknown.text


# -------------------------------------------------------------------------- making more of it


def _post(world: World, url: str, credential: str, body: object) -> Answer:
    headers = {"Authorization": f"Bearer {credential}"}
    return world.request("POST", url, headers=headers, json_body=body)


@each_kind
@pytest.mark.parametrize("wanted", [scope for scope in Scope if scope is not Scope.KEYS_WRITE])
def test_a_key_that_it_makes_can_do_no_more(wanted: Scope, kind: str, market: World) -> None:
    credential = KINDS[kind](market, TENANT, [Scope.KEYS_WRITE])

    with market.unchanged():
        answered = _post(market, "/v1/api-keys", credential, {"name": "More", "scopes": [wanted]})

    assert answered.status == 403
    assert answered.body["error"]["code"] == "insufficient_scope"
    assert f"scope {wanted} " in answered.body["error"]["message"]


@each_kind
def test_a_key_that_it_makes_lives_no_longer(kind: str, market: World) -> None:
    """Nor one that this key makes, nor a rotation, nor a session."""
    credential = KINDS[kind](market, TENANT, [Scope.KEYS_WRITE])
    body = {"name": "Longer", "scopes": ["keys:write"], "expires_at": "2030-01-01T00:00:00Z"}
    ends = []
    for _ in range(3):
        made = _post(market, "/v1/api-keys", credential, body)
        assert made.status == 201, made
        ends.append(made.body["data"]["expires_at"])
        credential = made.body["data"]["key"]
    rotated = _post(
        market, f"/v1/api-keys/{made.body['data']['api_key_id']}/rotate", credential, {}
    )
    ends.append(rotated.body["data"]["expires_at"])
    lent = {"scopes": ["keys:write"], "ttl_seconds": 43_200}
    session = _post(market, "/v1/sessions", rotated.body["data"]["key"], lent)
    ends.append(session.body["data"]["expires_at"])

    latest = "2026-04-05T11:00:00Z" if kind == "access token" else "2026-04-05T10:30:00Z"
    assert ends == [latest] * 5


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "API key"])
@pytest.mark.parametrize("tenant_id", [None, TENANT, STRANGER, PLATFORM])
def test_only_a_key_opens_a_session(tenant_id: str | None, kind: str, market: World) -> None:
    for owner in (TENANT, PLATFORM):
        credential = KINDS[kind](market, owner, list(Scope))
        body = {"scopes": ["usage:read"]} | ({"tenant_id": tenant_id} if tenant_id else {})
        with market.unchanged():
            assert _post(market, "/v1/sessions", credential, body).status == 403


@each_route
def test_a_token_of_a_tenant_that_does_not_exist_is_none(route: Route, market: World) -> None:
    for tenant_id in ("nobody", "", "../platform", "platform\0", ["platform"], None):
        credential = token(tenant_id=tenant_id, scope="tally/admin:*")
        answered = bear(market, route, credential, thing="any")
        assert answered.status == 401, json.dumps(tenant_id)
