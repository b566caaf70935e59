"""Who may call a route, generated from the template: credentials, scopes, other tenants."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from dev.gateway import PLATFORM, Headers
from dev.template import Route, route_for
from tally.access.model.key_hashing import generate_key
from tally.access.model.scopes import Scope
from tests import builders
from tests.api.answers import (
    AMBIGUOUS,
    UNAUTHORIZED,
    lacks,
)
from tests.api.routes import (
    CONTRACT,
    STRANGER,
    each_route,
    each_route_with_a_scope,
    for_audience,
    good_key,
    is_partners,
    needed_scope,
    remembered_key,
    routes_where,
)
from tests.api.samples import (
    TENANT,
    caller_of,
    import_a_charge,
    make_portfolio,
    new_thing,
    visit,
)
from tests.api.sessions import signed
from tests.world import World

INGEST = route_for("POST", "/v1/events")[0]


def is_platform_only(route: Route) -> bool:
    only: bool = route.module.endpoint.platform_only
    return only


each_platform_route = routes_where(is_platform_only)
each_tenant_route = routes_where(lambda route: not is_platform_only(route))
each_route_to_a_tenants_thing = routes_where(
    lambda route: "{" in route.path and not is_platform_only(route)
)


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, TENANT, STRANGER)


# ---------------------------------------------------------------- the credential


def _well_formed(_: World, __: str) -> str:
    return generate_key()


def _mistyped(world: World, tenant_id: str) -> str:
    key = world.new_key(tenant_id, list(Scope))[0]
    return key[:-1] + ("a" if key[-1] != "a" else "b")


def _with_another_secret(world: World, tenant_id: str) -> str:
    return world.new_key(tenant_id, list(Scope), secret_hash=b"\0" * 32)[0]


def _revoked(world: World, tenant_id: str) -> str:
    return world.new_key(tenant_id, list(Scope), revoked_at=world.now)[0]


def _expired(world: World, tenant_id: str) -> str:
    return world.new_key(tenant_id, list(Scope), expires_at=world.now)[0]


def _session_signed_by_another(world: World, tenant_id: str) -> str:
    token = signed(world, world.new_key(tenant_id, list(Scope))[1], scopes=tuple(Scope))
    return token[:-2] + ("AA" if token[-2:] != "AA" else "BA")


def _expired_session(world: World, tenant_id: str) -> str:
    key = world.new_key(tenant_id, list(Scope))[1]
    return signed(world, key, scopes=tuple(Scope), expires_at=world.now)


def _session_of_a_revoked_key(world: World, tenant_id: str) -> str:
    key = world.new_key(tenant_id, list(Scope), revoked_at=world.now)[1]
    return signed(world, key, scopes=tuple(Scope))


def _session_of_an_expired_key(world: World, tenant_id: str) -> str:
    key = world.new_key(tenant_id, list(Scope), expires_at=world.now)[1]
    return signed(world, key, scopes=tuple(Scope))


BAD_KEYS: Mapping[str, Callable[[World, str], str]] = {
    "empty": lambda *_: "",
    "malformed": lambda *_: "ipto_nonsense",
    "in capitals": lambda world, tenant_id: good_key(world, tenant_id).upper(),
    "with a wrong checksum": _mistyped,
    "unknown": _well_formed,
    "with another secret": _with_another_secret,
    "revoked": _revoked,
    "expired": _expired,
    "a session that another secret signed": _session_signed_by_another,
    "an expired session": _expired_session,
    "a session of a revoked key": _session_of_a_revoked_key,
    "a session of an expired key": _session_of_an_expired_key,
    "a JWT, and nobody issues any": lambda *_: "eyJhbGciOiJub25lIn0.eyJzY29wZSI6ImFkbWluOioifQ.",
}


OTHER_SCHEMES = ["Basic {key}", "{key}", "Bearer", "Bearer{key}", "Token {key}"]


@each_route
def test_without_a_credential(route: Route, market: World) -> None:
    assert visit(market, route, thing="any") == for_audience(route, UNAUTHORIZED)


@each_route
def test_with_a_key_that_is_not_valid(route: Route, market: World) -> None:
    keys = {kind: make(market, caller_of(route)) for kind, make in BAD_KEYS.items()}

    as_key = {kind: visit(market, route, key, thing="any") for kind, key in keys.items()}
    as_bearer = {
        kind: visit(market, route, headers={"Authorization": f"Bearer {key}"}, thing="any")
        for kind, key in keys.items()
    }

    assert as_key == as_bearer == dict.fromkeys(BAD_KEYS, for_audience(route, UNAUTHORIZED))


@each_route
def test_with_an_authorization_of_another_kind(route: Route, market: World) -> None:
    key = good_key(market, caller_of(route))

    answers = {
        scheme: visit(market, route, headers={"Authorization": scheme.format(key=key)}, thing="any")
        for scheme in OTHER_SCHEMES
    }

    assert answers == dict.fromkeys(OTHER_SCHEMES, for_audience(route, UNAUTHORIZED))


TWO_CREDENTIALS: Mapping[str, Callable[[str, str], Headers]] = {
    "both headers": lambda a, b: {"X-API-Key": a, "Authorization": f"Bearer {b}"},
    "both headers, one key": lambda a, _: {"X-API-Key": a, "Authorization": f"Bearer {a}"},
    "both headers, one of no use": lambda a, _: {"X-API-Key": a, "Authorization": "Basic eDp5"},
    "a header twice": lambda a, b: {"X-API-Key": [a, b]},
    "a header twice, one key": lambda a, _: {"X-API-Key": [a, a]},
    "a header twice, in two spellings": lambda a, b: {"X-API-Key": a, "x-api-key": b},
    "joined by a comma": lambda a, b: {"X-API-Key": f"{a}, {b}"},
    "two bearers": lambda a, b: {"Authorization": [f"Bearer {a}", f"Bearer {b}"]},
    "two bearers joined": lambda a, b: {"Authorization": f"Bearer {a},Bearer {b}"},
}


TWO_PARTNER_CREDENTIALS: Mapping[str, Callable[[str, str], Headers]] = {
    "both names": lambda a, b: {"X-API-Key": a, "X-Partner-API-Key": b},
    "both names, one key": lambda a, _: {"X-API-Key": a, "X-Partner-API-Key": a},
    "the other name and a bearer": lambda a, b: {
        "X-Partner-API-Key": a,
        "Authorization": f"Bearer {b}",
    },
    "the other name twice": lambda a, b: {"X-Partner-API-Key": [a, b]},
}


@each_route
def test_with_two_credentials(route: Route, market: World) -> None:
    keys = [market.new_key(caller_of(route), list(Scope))[0] for _ in range(2)]

    ways = {**TWO_CREDENTIALS, **(TWO_PARTNER_CREDENTIALS if is_partners(route) else {})}

    answers = {
        kind: visit(market, route, headers=headers(*keys), thing="any")
        for kind, headers in ways.items()
    }

    assert answers == dict.fromkeys(ways, for_audience(route, AMBIGUOUS))


ONE_CREDENTIAL: Mapping[str, Callable[[str], Headers]] = {
    "X-API-Key": lambda key: {"X-API-Key": key},
    "x-api-key": lambda key: {"x-api-key": key},
    "X-Api-KEY, spaced": lambda key: {"X-Api-KEY": f"  {key} "},
    "X-API-Key, between tabs": lambda key: {"X-API-Key": f"\t{key} \t"},
    "Authorization": lambda key: {"Authorization": f"Bearer {key}"},
    "authorization: bearer": lambda key: {"authorization": f"bearer {key}"},
    "AUTHORIZATION: BEARER": lambda key: {"AUTHORIZATION": f"BEARER  {key}"},
    "beside an empty header": lambda key: {"X-API-Key": "", "Authorization": f"Bearer {key}"},
}


@pytest.mark.slow
@each_route
def test_with_one_credential_however_it_is_sent(route: Route, market: World) -> None:
    key, thing = remembered_key(market, route)

    statuses = {
        kind: visit(market, route, headers=headers(key), thing=thing).status
        for kind, headers in ONE_CREDENTIAL.items()
    }

    # 409: the first visit made what the sample makes.
    assert set(statuses.values()) <= {200, 201, 202, 409}, statuses


@routes_where(lambda route: str(route) != "POST /v1/sessions")
def test_a_session_is_as_good_as_its_key(route: Route, market: World) -> None:
    tenant_id = caller_of(route)
    token = signed(market, market.new_key(tenant_id, list(Scope))[1], scopes=tuple(Scope))

    answer = visit(market, route, headers={"Authorization": f"Bearer {token}"})

    assert answer.status in (200, 201, 202), answer


@each_route
def test_partners_keys_have_another_name_too(route: Route, market: World) -> None:
    """On their own paths; elsewhere it is no credential."""
    headers = {"x-partner-API-key": good_key(market, caller_of(route))}

    answer = visit(market, route, headers=headers)

    refused = for_audience(route, UNAUTHORIZED)
    assert answer.status == 200 if is_partners(route) else answer == refused


# --------------------------------------------------------------------- the scope


@each_route
def test_the_needed_scope_is_enough(route: Route, market: World) -> None:
    scope = CONTRACT[str(route)][0]
    key = market.key(caller_of(route), *([scope] if scope else Scope))

    answer = visit(market, route, key)

    assert answer.status in (200, 201, 202), answer


@each_route_with_a_scope
def test_all_scopes_but_the_needed_one_are_not_enough(route: Route, market: World) -> None:
    needed = needed_scope(route)
    others = [scope for scope in Scope if scope not in (needed, Scope.ADMIN)]

    answer = visit(market, route, market.key(caller_of(route), *others))

    assert answer == for_audience(route, lacks(needed))


@each_tenant_route
def test_admin_is_enough_for_the_own_tenant(route: Route, market: World) -> None:
    answer = visit(market, route, market.key(caller_of(route), Scope.ADMIN))

    assert answer.status in (200, 201, 202), answer


@each_platform_route
def test_admin_of_another_tenant_is_not_enough(route: Route, market: World) -> None:
    answer = visit(market, route, market.key(TENANT, *Scope))

    assert answer == lacks("admin:* of the platform tenant")


# ----------------------------------------------------------------- other tenants


@each_route_to_a_tenants_thing
@pytest.mark.parametrize("caller", [STRANGER, PLATFORM])
def test_a_foreign_thing_is_as_one_that_does_not_exist(
    route: Route, caller: str, market: World
) -> None:
    theirs = new_thing(market, route, TENANT)
    nobodys = theirs[:-1] + ("a" if theirs[-1] != "a" else "b")
    key = market.key(caller, *Scope)

    with market.unchanged():
        foreign = visit(market, route, key, thing=theirs)
        unknown = visit(market, route, key, thing=nobodys)

    assert foreign.status == unknown.status == 404
    assert json.dumps(foreign.body).replace(theirs, nobodys) == json.dumps(unknown.body)
    assert foreign.headers == unknown.headers


each_collection = routes_where(
    lambda route: route.method == "GET" and "{" not in route.path and not is_platform_only(route)
)


@pytest.mark.slow
@each_collection
def test_what_others_do_is_not_seen(route: Route, market: World) -> None:
    key = market.key(STRANGER, *Scope)
    before = market.request("GET", route.path, key=key)

    visit(market, INGEST, market.key(PLATFORM, *Scope))
    import_a_charge(market, TENANT)
    make_portfolio(market, TENANT)
    market.new_key(TENANT, [Scope.USAGE_READ])
    market.run_payouts("2026-03")
    market.deliver()

    assert market.request("GET", route.path, key=market.key(TENANT, *Scope)).body != before.body
    assert market.request("GET", route.path, key=key) == before
