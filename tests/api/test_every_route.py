"""What holds for every route, generated from the template: a new route cannot lack it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import is_dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from botocore.exceptions import ClientError

from dev.gateway import PLATFORM, proxy_event
from dev.template import Route, rights, routes
from tally.access.model.callers import Caller
from tally.access.model.scopes import Scope
from tally.aws.table import Table
from tally.http.answers import Answer as AnyStatus
from tally.http.errors import STATUSES
from tally.kernel.errors import (
    AmbiguousCredentials,
    InsufficientScope,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from tally.kernel.instants import Instant
from tests import builders
from tests.api.answers import (
    INTERNAL,
    PARTNER_CODES,
    UNAVAILABLE,
    lacks,
)
from tests.api.logs import requests_in, written_text
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
    url_of,
    visit,
)
from tests.world import World


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, TENANT, STRANGER)


# ------------------------------------------------------------------ the contract


def test_routes_and_their_scopes_are_the_contracts() -> None:
    served = {
        str(route): (route.module.endpoint.scope, route.module.endpoint.platform_only)
        for route in routes()
    }

    assert served == CONTRACT


@each_route
def test_a_function_declares_the_templates_route_and_what_it_answers(route: Route) -> None:
    """From which the API's description is made."""
    declared = route.module.endpoint.route

    assert (declared.method, declared.path) == (route.method, route.path)
    assert getattr(route.module, declared.function.__name__) is declared.function
    types = [_model_of(each) for each in _alternatives(declared.answer_type)]
    assert types
    assert all(is_dataclass(each) for each in types), types


def _alternatives(answer_type: Any) -> tuple[Any, ...]:
    return (
        get_args(answer_type) if get_origin(answer_type) in (Union, UnionType) else (answer_type,)
    )


def _model_of(answer_type: Any) -> Any:
    """The model in an Answer, and what is annotated; others are what they are."""
    if get_origin(answer_type) in (AnyStatus, Annotated):
        return _model_of(get_args(answer_type)[0])
    return answer_type


@each_route
def test_declared_errors_are_those_of_the_api(route: Route) -> None:
    declared = route.module.endpoint.errors

    assert declared <= STATUSES.keys()
    assert declared >= {
        *(AmbiguousCredentials, Unauthorized, RateLimited, InsufficientScope, Unavailable)
    }
    by_parameter = {"POST /v1/sessions", "GET /v1/provider/series"}
    names_a_thing = "{" in route.path or str(route) in by_parameter
    assert (NotFound in declared) == names_a_thing


@each_route_with_a_scope
def test_another_authenticator_may_be_put_in(route: Route, market: World) -> None:
    """It gets the credential as it was sent, and what it answers is who calls."""
    sent: list[str] = []

    class Lenient:
        def authenticate(self, credential: str, _table: Table, _now: Instant) -> Caller:
            sent.append(credential)
            return Caller("nobody", (), "session_1")

    market.warm = True  # or the authenticator would be a new one
    endpoint = route.module.endpoint
    usual, endpoint.authenticator = endpoint.authenticator, Lenient()
    try:
        answer = visit(market, route, headers={"Authorization": "Bearer abc"}, thing="any")
    finally:
        endpoint.authenticator = usual

    assert sent == ["abc"]
    assert answer == for_audience(route, lacks(needed_scope(route)))


# ------------------------------------------------------------ the function's own rights


# A transaction needs the right to each of its actions.
NEEDS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


@pytest.mark.slow
@each_route
def test_a_function_has_the_rights_that_it_uses_and_no_more(route: Route, market: World) -> None:
    key, thing = good_key(market, caller_of(route)), new_thing(market, route, TENANT)
    for scope in (Scope.ADMIN, Scope.EVENTS_WRITE):
        market.key(PLATFORM, scope)
    used: set[str] = set()

    def note(params: Any, model: Any, **_: Any) -> None:
        actions = [action for item in params.get("TransactItems", ()) for action in item]
        used.update(NEEDS[action] for action in actions)
        used.update([] if actions else [model.name])

    if is_partners(route):
        make_portfolio(market, TENANT)
        market.deliver()
    if route.path in ("/v1/provider/datasets", "/v1/provider/payouts/upcoming"):
        import_a_charge(market, TENANT)
    if str(route) == "GET /v1/admin/payouts":
        import_a_charge(market, TENANT)
        market.run_payouts("2026-03")
    market.table.client.meta.events.register("provide-client-params.dynamodb", note)
    if str(route) == "POST /v1/events":
        import_a_charge(market, TENANT)  # history of an ended month is more than a sample can show
    if str(route) == "POST /v1/sessions":  # only what it does for other tenants is written down
        body = {"scopes": ["usage:read"], "tenant_id": TENANT}
        of_platform = market.key(PLATFORM, Scope.ADMIN)
        market.request("POST", route.path, key=of_platform, json_body=body)
    answer = visit(market, route, key, thing=thing)

    assert answer.status in (200, 201, 202), answer
    to_the_table = [right for right in rights(route.function) if right.startswith("dynamodb:")]
    assert sorted(to_the_table) == sorted(f"dynamodb:{right}" for right in used)


# -------------------------------------------------------------------- the answer


@each_route
@pytest.mark.parametrize("gateways_id", ["c6af9ac6-7b61-11e6-9a41-93e8deadbeef", None])
def test_every_answer_is_signed(route: Route, gateways_id: str | None, market: World) -> None:
    """With the gateway's own request id, or a new one where there is none."""
    admitted = good_key(market, caller_of(route))
    lacking = market.key(caller_of(route), Scope.SEARCH_QUERY)

    for key in (admitted, lacking, "nobody's"):
        event = proxy_event(route.method, route.path.replace("{id}", "x"), {"X-API-Key": key})
        event["requestContext"]["requestId"] = gateways_id
        answer = market.invoke(event)

        assert answer.headers["Content-Type"] == "application/json"
        request_id = answer.headers["X-Request-Id"]
        assert re.fullmatch(r"req_[0-9a-f-]{36}", request_id)
        assert request_id.endswith(gateways_id or "")
        if is_partners(route):
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
def test_one_line_is_logged_of_every_request(route: Route, market: World) -> None:
    """And nothing of what was sent: no key, no body."""
    key, thing = remembered_key(market, route)

    with written_text() as written:
        answer = visit(market, route, key, thing=thing)
        visit(market, route, "nobody's", thing=thing)

    assert requests_in(written) == [
        _outcome(route, answer.status) | {"tenant": caller_of(route)},
        _outcome(route, 401),
    ]


def _outcome(route: Route, status: int) -> dict[str, Any]:
    return {
        "level": "INFO",
        "message": "request",
        "service": "tally",
        "request_id": "req_00000000",
        "route": str(route),
        "status": status,
    }


@routes_where(lambda route: route.method not in ("POST", "PATCH"))
def test_a_body_that_nobody_asked_for_is_ignored(route: Route, market: World) -> None:
    key, thing = remembered_key(market, route)
    path = url_of(route, thing)

    plain = market.request(route.method, path, key=key)
    headers = {"Content-Type": "image/png"}
    with_body = market.request(route.method, path, key=key, headers=headers, body=b"\x89PNG\xff")

    assert plain.status in (200, 202)
    assert with_body == plain


# ------------------------------------------------------------------ our own faults


_DENIED: Any = {"Error": {"Code": "AccessDeniedException", "Message": "role/secret-detail may not"}}
FAULTS = (RuntimeError("secret detail"), ClientError(_DENIED, "GetItem"))


@pytest.mark.slow
@each_route
def test_a_fault_says_nothing_of_itself(route: Route, market: World) -> None:
    key, thing = remembered_key(market, route)

    for market.warm in (True, False):  # in the handler, and while authenticating
        for fault in FAULTS:
            with market.on_call(_raise(fault)):
                assert visit(market, route, key, thing=thing) == for_audience(route, INTERNAL)


@each_route
def test_a_busy_database_is_worth_another_try(route: Route, market: World) -> None:
    busy: Any = {"Error": {"Code": "ThrottlingException", "Message": "secret detail"}}
    key, thing = remembered_key(market, route)
    market.warm = True

    with market.on_call(_raise(ClientError(busy, "GetItem"))):
        assert visit(market, route, key, thing=thing) == for_audience(route, UNAVAILABLE)


def _raise(fault: Exception) -> Callable[[str], None]:
    def hook(_: str) -> None:
        raise fault

    return hook
