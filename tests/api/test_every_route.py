"""What holds for every route, generated from the template: a new route cannot lack it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tally.domain import api_keys
from tally.domain.scopes import Scope
from tests.api.answers import (
    AMBIGUOUS,
    INTERNAL,
    PARTNER_CODES,
    UNAUTHORIZED,
    UNAVAILABLE,
    for_partners,
    lacks,
)
from tests.api.samples import (
    TENANT,
    caller_of,
    import_a_charge,
    make_portfolio,
    new_thing,
    visit,
)
from tests.template import Route, rights, route_for, routes
from tests.world import PLATFORM, Answer, Headers, World, proxy_event

STRANGER = "stranger"

# The contract's table: scope, and whether it must be the platform tenant's.
CONTRACT = {
    "GET /v1/provider/dashboard": (Scope.USAGE_READ, False),
    "GET /v1/provider/datasets/{id}/analytics": (Scope.USAGE_READ, False),
    "GET /v1/provider/payouts": (Scope.BILLING_READ, False),
    "GET /v1/provider/payouts/{id}": (Scope.BILLING_READ, False),
    "GET /v1/buyer/dashboard": (Scope.USAGE_READ, False),
    "GET /v1/agent/activity/searches": (Scope.USAGE_READ, False),
    "GET /v1/agent/activity/accesses": (Scope.USAGE_READ, False),
    "GET /v1/buyer/spend": (Scope.BILLING_READ, False),
    "GET /partner/analytics": (Scope.USAGE_READ, False),
    "GET /partner/usage": (Scope.USAGE_READ, False),
    "GET /partner/billing": (Scope.BILLING_READ, False),
    "GET /partner/billing/usage": (Scope.BILLING_READ, False),
    "GET /partner/organizations": (Scope.USAGE_READ, False),
    "POST /v1/events": (Scope.EVENTS_WRITE, False),
    "POST /v1/api-keys": (Scope.KEYS_WRITE, False),
    "GET /v1/api-keys": (Scope.KEYS_WRITE, False),
    "DELETE /v1/api-keys/{id}": (Scope.KEYS_WRITE, False),
    "POST /v1/admin/tenants": (Scope.ADMIN, True),
    "POST /v1/admin/tenants/{id}/api-keys": (Scope.ADMIN, True),
    "POST /v1/admin/payout-runs": (Scope.ADMIN, True),
    "POST /v1/admin/payouts/{id}/status": (Scope.ADMIN, True),
}

INGEST = route_for("POST", "/v1/events")[0]

each_route = pytest.mark.parametrize("route", routes(), ids=str)


def _routes_where(condition: Callable[[Route], bool]) -> pytest.MarkDecorator:
    chosen = [route for route in routes() if condition(route)]
    return pytest.mark.parametrize("route", chosen, ids=str)


def _is_platform_only(route: Route) -> bool:
    only: bool = route.module.endpoint.platform_only
    return only


each_platform_route = _routes_where(_is_platform_only)
each_tenant_route = _routes_where(lambda route: not _is_platform_only(route))
each_route_to_a_tenants_thing = _routes_where(
    lambda route: "{" in route.path and not _is_platform_only(route)
)


def _to(route: Route, error: Answer) -> Answer:
    """The error as the route's audience gets it."""
    return for_partners(error) if _is_partners(route) else error


def _is_partners(route: Route) -> bool:
    return route.path.startswith("/partner")


@pytest.fixture
def market(world: World) -> World:
    world.tenant(TENANT)
    world.tenant(STRANGER)
    return world


# ------------------------------------------------------------------ the contract


def test_routes_and_their_scopes_are_the_contracts() -> None:
    served = {
        str(route): (route.module.endpoint.scope, route.module.endpoint.platform_only)
        for route in routes()
    }

    assert served == CONTRACT


@each_route
def test_a_function_registers_the_templates_route_and_no_other(route: Route) -> None:
    """Else the gateway would call it, and it would answer 404."""
    schema = route.module.endpoint.resolver.get_openapi_schema()

    registered = {
        (method.upper(), re.sub(r"\{\w+\}", "{id}", path))
        for path, item in schema.paths.items()
        for method in item.model_dump(exclude_none=True)
    }

    assert registered == {(route.method, route.path)}


# ---------------------------------------------------------------- the credential


def _well_formed(_: World, __: str) -> str:
    return api_keys.generate()


def _mistyped(world: World, tenant_id: str) -> str:
    key = world.new_key(tenant_id, list(Scope))[0]
    return key[:-1] + ("a" if key[-1] != "a" else "b")


def _with_another_secret(world: World, tenant_id: str) -> str:
    return world.new_key(tenant_id, list(Scope), secret_hash=b"\0" * 32)[0]


def _revoked(world: World, tenant_id: str) -> str:
    return world.new_key(tenant_id, list(Scope), revoked_at=world.now)[0]


def _expired(world: World, tenant_id: str) -> str:
    return world.new_key(tenant_id, list(Scope), expires_at=world.now)[0]


def _good(world: World, tenant_id: str) -> str:
    return world.key(tenant_id, *Scope)


BAD_KEYS: Mapping[str, Callable[[World, str], str]] = {
    "empty": lambda *_: "",
    "malformed": lambda *_: "ipto_nonsense",
    "in capitals": lambda world, tenant_id: _good(world, tenant_id).upper(),
    "with a wrong checksum": _mistyped,
    "unknown": _well_formed,
    "with another secret": _with_another_secret,
    "revoked": _revoked,
    "expired": _expired,
}


OTHER_SCHEMES = ["Basic {key}", "{key}", "Bearer", "Bearer{key}", "Token {key}"]


@each_route
def test_without_a_credential(route: Route, market: World) -> None:
    assert visit(market, route, thing="any") == _to(route, UNAUTHORIZED)


@each_route
def test_with_a_key_that_is_not_valid(route: Route, market: World) -> None:
    keys = {kind: make(market, caller_of(route)) for kind, make in BAD_KEYS.items()}

    as_key = {kind: visit(market, route, key, thing="any") for kind, key in keys.items()}
    as_bearer = {
        kind: visit(market, route, headers={"Authorization": f"Bearer {key}"}, thing="any")
        for kind, key in keys.items()
    }

    assert as_key == as_bearer == dict.fromkeys(BAD_KEYS, _to(route, UNAUTHORIZED))


@each_route
def test_with_an_authorization_of_another_kind(route: Route, market: World) -> None:
    key = _good(market, caller_of(route))

    answers = {
        scheme: visit(market, route, headers={"Authorization": scheme.format(key=key)}, thing="any")
        for scheme in OTHER_SCHEMES
    }

    assert answers == dict.fromkeys(OTHER_SCHEMES, _to(route, UNAUTHORIZED))


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

    ways = {**TWO_CREDENTIALS, **(TWO_PARTNER_CREDENTIALS if _is_partners(route) else {})}

    answers = {
        kind: visit(market, route, headers=headers(*keys), thing="any")
        for kind, headers in ways.items()
    }

    assert answers == dict.fromkeys(ways, _to(route, AMBIGUOUS))


ONE_CREDENTIAL: Mapping[str, Callable[[str], Headers]] = {
    "X-API-Key": lambda key: {"X-API-Key": key},
    "x-api-key": lambda key: {"x-api-key": key},
    "X-Api-KEY, spaced": lambda key: {"X-Api-KEY": f"  {key} "},
    "Authorization": lambda key: {"Authorization": f"Bearer {key}"},
    "authorization: bearer": lambda key: {"authorization": f"bearer {key}"},
    "AUTHORIZATION: BEARER": lambda key: {"AUTHORIZATION": f"BEARER  {key}"},
    "beside an empty header": lambda key: {"X-API-Key": "", "Authorization": f"Bearer {key}"},
}


@each_route
def test_with_one_credential_however_it_is_sent(route: Route, market: World) -> None:
    key, thing = _remembered_key(market, route)

    statuses = {
        kind: visit(market, route, headers=headers(key), thing=thing).status
        for kind, headers in ONE_CREDENTIAL.items()
    }

    # 409: the first visit made what the sample makes.
    assert set(statuses.values()) <= {200, 201, 202, 409}, statuses


@each_route
def test_partners_keys_have_another_name_too(route: Route, market: World) -> None:
    """On their own paths; elsewhere it is no credential."""
    headers = {"x-partner-API-key": _good(market, caller_of(route))}

    answer = visit(market, route, headers=headers)

    assert answer.status == 200 if _is_partners(route) else answer == UNAUTHORIZED


# --------------------------------------------------------------------- the scope


@each_route
def test_the_needed_scope_is_enough(route: Route, market: World) -> None:
    scope = CONTRACT[str(route)][0]

    answer = visit(market, route, market.key(caller_of(route), scope))

    assert answer.status in (200, 201, 202), answer


@each_route
def test_all_scopes_but_the_needed_one_are_not_enough(route: Route, market: World) -> None:
    needed = CONTRACT[str(route)][0]
    others = [scope for scope in Scope if scope not in (needed, Scope.ADMIN)]

    answer = visit(market, route, market.key(caller_of(route), *others))

    assert answer == _to(route, lacks(f"a key with the scope {needed}"))


@each_tenant_route
def test_admin_is_enough_for_the_own_tenant(route: Route, market: World) -> None:
    answer = visit(market, route, market.key(TENANT, Scope.ADMIN))

    assert answer.status in (200, 201, 202), answer


@each_platform_route
def test_admin_of_another_tenant_is_not_enough(route: Route, market: World) -> None:
    answer = visit(market, route, market.key(TENANT, *Scope))

    assert answer == lacks("admin:* of the platform tenant")


# ------------------------------------------------------------ the function's own rights

# A transaction needs the right to each of its actions.
NEEDS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


@each_route
def test_a_function_has_the_rights_that_it_uses_and_no_more(route: Route, market: World) -> None:
    key, thing = _good(market, caller_of(route)), new_thing(market, route, TENANT)
    for scope in (Scope.ADMIN, Scope.EVENTS_WRITE):
        market.key(PLATFORM, scope)
    used: set[str] = set()

    def note(params: Any, model: Any, **_: Any) -> None:
        actions = [action for item in params.get("TransactItems", ()) for action in item]
        used.update(NEEDS[action] for action in actions)
        used.update([] if actions else [model.name])

    if _is_partners(route):
        make_portfolio(market, TENANT)
    market.table.client.meta.events.register("provide-client-params.dynamodb", note)
    if str(route) == "POST /v1/events":
        import_a_charge(market, TENANT)  # history of an ended month is more than a sample can show
    answer = visit(market, route, key, thing=thing)

    assert answer.status in (200, 201, 202), answer
    to_the_table = [right for right in rights(route.function) if right.startswith("dynamodb:")]
    assert sorted(to_the_table) == sorted(f"dynamodb:{right}" for right in used)


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


each_collection = _routes_where(lambda route: route.method == "GET" and "{" not in route.path)


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


# -------------------------------------------------------------------- the answer


@each_route
@pytest.mark.parametrize("gateways_id", ["c6af9ac6-7b61-11e6-9a41-93e8deadbeef", None])
def test_every_answer_is_signed(route: Route, gateways_id: str | None, market: World) -> None:
    """With the gateway's own request id, or a new one where there is none."""
    admitted = _good(market, caller_of(route))
    lacking = market.key(caller_of(route), Scope.SEARCH_QUERY)

    for key in (admitted, lacking, "nobody's"):
        event = proxy_event(route.method, route.path.replace("{id}", "x"), {"X-API-Key": key})
        event["requestContext"]["requestId"] = gateways_id
        answer = market.invoke(event)

        assert answer.headers["Content-Type"] == "application/json"
        request_id = answer.headers["X-Request-Id"]
        assert re.fullmatch(r"req_[0-9a-f-]{36}", request_id)
        assert request_id.endswith(gateways_id or "")
        if _is_partners(route):
            if answer.status != 200:
                assert set(answer.body) == {"code", "message", "details"}
                assert answer.body["code"] == PARTNER_CODES[answer.status]
            continue
        assert answer.body["request_id"] == request_id
        assert answer.body["timestamp"] == "2026-04-05T10:00:00Z"
        assert set(answer.body) == {
            "data" if answer.status == 200 else "error",
            "request_id",
            "timestamp",
        }


@each_route
def test_one_line_is_logged_of_every_request(
    route: Route, market: World, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing of what was sent: no key, no body."""
    key, thing = _remembered_key(market, route)
    caplog.clear()

    answer = visit(market, route, key, thing=thing)
    visit(market, route, "nobody's", thing=thing)

    assert [_as_written(record) for record in caplog.records] == [
        _outcome(route, answer.status) | {"tenant": caller_of(route)},
        _outcome(route, 401),
    ]


def _as_written(record: logging.LogRecord) -> dict[str, Any]:
    """A log line, without what differs from one run to the next."""
    (handler,) = (h for h in logging.getLogger(record.name).handlers if h.formatter)
    line: dict[str, Any] = json.loads(handler.format(record))
    return {k: v for k, v in line.items() if k not in ("timestamp", "duration_ms", "location")}


def _outcome(route: Route, status: int) -> dict[str, Any]:
    return {
        "level": "INFO",
        "message": "request",
        "service": "tally",
        "request_id": "req_00000000",
        "route": str(route),
        "status": status,
    }


@_routes_where(lambda route: route.method != "POST")
def test_a_body_that_nobody_asked_for_is_ignored(route: Route, market: World) -> None:
    key, thing = _remembered_key(market, route)
    path = route.path.replace("{id}", thing)

    plain = market.request(route.method, path, key=key)
    headers = {"Content-Type": "image/png"}
    with_body = market.request(route.method, path, key=key, headers=headers, body=b"\x89PNG\xff")

    assert plain.status == 200
    assert with_body == plain


# ------------------------------------------------------------------ our own faults

_DENIED: Any = {"Error": {"Code": "AccessDeniedException", "Message": "role/secret-detail may not"}}
FAULTS = (RuntimeError("secret detail"), ClientError(_DENIED, "GetItem"))


@each_route
def test_a_fault_says_nothing_of_itself(route: Route, market: World) -> None:
    key, thing = _remembered_key(market, route)

    for market.warm in (True, False):  # in the handler, and while authenticating
        for fault in FAULTS:
            with market.on_call(_raise(fault)):
                assert visit(market, route, key, thing=thing) == _to(route, INTERNAL)


@each_route
def test_a_busy_database_is_worth_another_try(route: Route, market: World) -> None:
    busy: Any = {"Error": {"Code": "ThrottlingException", "Message": "secret detail"}}
    key, thing = _remembered_key(market, route)
    market.warm = True

    with market.on_call(_raise(ClientError(busy, "GetItem"))):
        assert visit(market, route, key, thing=thing) == _to(route, UNAVAILABLE)


def _remembered_key(world: World, route: Route) -> tuple[str, str]:
    """A key that the function knows by now, so that it is the handler who needs the table first."""
    key = _good(world, caller_of(route))
    thing = new_thing(world, route, TENANT)
    visit(world, route, key, thing=thing)
    return key, thing


def _raise(fault: Exception) -> Callable[[str], None]:
    def hook(_: str) -> None:
        raise fault

    return hook
