"""What surrounds every request: the ids on its log lines, its headers, and who may read it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from dev.gateway import Answer, proxy_event
from dev.template import Route
from tests import builders
from tests.api.answers import ALWAYS
from tests.api.logs import lines_of, written_text
from tests.api.routes import each_route, remembered_key
from tests.api.samples import TENANT, visit
from tests.world import World

pytestmark = pytest.mark.slow

OURS, OTHERS = "https://app.example", "https://other.example"
READABLE = {
    "Access-Control-Allow-Origin": OURS,
    "Access-Control-Expose-Headers": (
        "Link, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-RateLimit-Limit, "
        "X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
    ),
}


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, TENANT)


def _raise(fault: Exception) -> Callable[[str], None]:
    def hook(_: str) -> None:
        raise fault

    return hook


# ---------------------------------------------------------------------------- log lines


def ask_as(world: World, route: Route, request_id: str, lambdas_id: str) -> Answer:
    event = proxy_event(route.method, route.path.replace("{id}", "x"))
    event["requestContext"]["requestId"] = request_id
    return world.invoke(event, SimpleNamespace(aws_request_id=lambdas_id))


@each_route
def test_every_line_has_both_request_ids(route: Route, market: World) -> None:
    """Ours and Lambda's, also of an error, and none of the request before."""
    market.warm = True
    credential = {"X-API-Key": remembered_key(market, route)[0]}
    event = proxy_event(route.method, route.path.replace("{id}", "x"), credential)

    with written_text() as written:
        with market.on_call(_raise(RuntimeError("secret detail"))):
            failed = market.invoke(event, SimpleNamespace(aws_request_id="lambda-1"))
        ask_as(market, route, "gateway-2", "lambda-2")
        market.invoke(event)

    ids = [(line["request_id"], line.get("function_request_id")) for line in lines_of(written)]
    errors = [line["message"] for line in lines_of(written) if line["level"] == "ERROR"]
    assert ids == [
        *[("req_00000000", "lambda-1")] * (len(errors) + 1),
        ("req_gateway-2", "lambda-2"),
        ("req_00000000", None),
    ]
    assert errors == ["request failed"] * (failed.status == 500)


def test_a_fault_is_logged_with_the_id_that_the_client_saw(market: World) -> None:
    key = market.key(TENANT)

    with written_text() as written, market.on_call(_raise(RuntimeError("what happened"))):
        answered = market.request("GET", "/v1/provider/dashboard", key=key)

    (error, outcome) = lines_of(written)
    assert answered.status == outcome["status"] == 500
    assert error["exception_name"] == "RuntimeError"
    assert error["request_id"] == outcome["request_id"] == answered.headers["X-Request-Id"]


# ------------------------------------------------------------------------------ headers


@each_route
def test_every_answer_has_the_common_headers(route: Route, market: World) -> None:
    key, thing = remembered_key(market, route)

    with_key = visit(market, route, key, thing=thing)
    without_key = visit(market, route, thing=thing)

    assert ALWAYS.items() <= with_key.headers.items()
    assert ALWAYS.items() <= without_key.headers.items()


def access_control(answered: Answer) -> dict[str, str]:
    return {
        name: value
        for name, value in answered.headers.items()
        if name.startswith("Access-Control-")
    }


@each_route
def test_pages_of_an_allowed_origin_may_read_every_answer(route: Route, market: World) -> None:
    market.origins = frozenset({OURS, "http://localhost:3000"})
    key, thing = remembered_key(market, route)
    endpoint = route.module.endpoint

    for sent in (key, "nobody's"):
        answered = visit(market, route, sent, headers={"Origin": OURS}, thing=thing)
        assert access_control(answered) == READABLE
        by_format = ["Accept"] if endpoint.rows and answered.status == 200 else []
        assert answered.headers["Vary"] == ", ".join([*endpoint.varies_by, *by_format, "Origin"])


@each_route
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OTHERS},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "*"},
        {"Origin": f"{OURS}/"},
        {"Origin": OURS.upper()},
        {"Origin": f"{OURS}.evil.example"},
        {"Origin": f"{OURS},{OURS}"},
        {"Origin": [OURS, OURS]},
    ],
    ids=str,
)
def test_other_pages_may_not(route: Route, headers: dict[str, Any], market: World) -> None:
    """But a cache may not take this answer for theirs."""
    market.origins = frozenset({OURS})

    answered = visit(market, route, headers=headers, thing="any")

    assert access_control(answered) == {}
    assert answered.headers["Vary"].endswith("Origin")


@each_route
def test_without_allowed_origins_no_page_may(route: Route, market: World) -> None:
    answered = visit(market, route, headers={"Origin": OURS}, thing="any")

    assert access_control(answered) == {}
    assert answered.headers.get("Vary", "") == ", ".join(route.module.endpoint.varies_by)
