"""What no route answers: unknown paths, methods that a path lacks, and preflight requests."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

import pytest

from dev.gateway import Answer, proxy_event
from dev.template import pages, routes
from tests.api.answers import ALWAYS, answer, failure, partner_failure
from tests.api.logs import lines_of, written_text
from tests.world import World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
OURS = "https://app.example"
SERVED = {
    path: sorted(route.method for route in each)
    for path, each in groupby(
        sorted((*routes(), *pages()), key=lambda r: r.path), key=lambda r: r.path
    )
}
NOWHERE = answer(404, failure("not_found", "No such path."))
PARTNERS_NOWHERE = partner_failure(404, "No such path.")
UNKNOWN = (
    *(
        "/",
        "/v1",
        "/v1/",
        "/v2/events",
        "/v1/events/",
        "/v1/events/1",
        "/v1//events",
        "//v1/events",
    ),
    *("/v1/Events", "/v1/provider", "/v1/provider/datasets/analytics", "/v1/api-keys/", "/v1/%00"),
    *("/v1/api-keys/a/b", "/partnership", "/partners/usage", "/PARTNER/usage", "/v1/partner/usage"),
    *(
        "/favicon.ico",
        "/robots.txt",
        "/.env",
        "/live/v1/events",
        "/v1/provider/datasets//analytics",
    ),
    *(
        "/v1/../partner",
        "/%70artner/usage",
        "/x" * 3000,
        "/" + "x" * 8000,
        "/v1/\u00e4",
        "/{proxy+}",
    ),
)
UNKNOWN_OF_PARTNERS = (
    "/partner",
    "/partner/",
    "/partner/nope",
    "/partner/usage/",
    "/partner/%2e%2e",
)


def with_text(expected: Answer, method: str) -> Answer:
    """A client of HEAD gets the headers only."""
    return Answer(expected.status, expected.headers, None if method == "HEAD" else expected.body)


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_path(method: str, world: World) -> None:
    for path in UNKNOWN:
        assert world.request(method, path) == with_text(NOWHERE, method), path
    for path in UNKNOWN_OF_PARTNERS:
        assert world.request(method, path) == with_text(PARTNERS_NOWHERE, method), path


@pytest.mark.parametrize("path", SERVED)
def test_a_method_that_a_path_lacks(path: str, world: World) -> None:
    """Whatever the id, and whoever asks."""
    allow = ", ".join(SERVED[path])
    message = f"This path has only {allow}."
    expected = (
        partner_failure(405, message)
        if path.startswith("/partner")
        else answer(405, failure("method_not_allowed", message))
    )
    expected = Answer(405, {**expected.headers, "Allow": allow}, expected.body)

    for method in set(METHODS) - set(SERVED[path]):
        for some_id in ("x", "x" * 3000, "%00"):
            url = path.replace("{id}", some_id)
            answered = world.request(method, url, body=b"\xff", headers={"X-API-Key": "a, b"})
            assert answered == with_text(expected, method)
            assert (answered.text == "") == (method == "HEAD")


def test_nothing_stored_is_needed(world: World) -> None:
    def hook(name: str) -> None:
        raise AssertionError(name)

    with world.on_call(hook):
        assert world.request("GET", "/v1/nope", key="ipto_x").status == 404


def test_the_path_is_not_logged(world: World) -> None:
    """Somebody may have put a key into it."""
    with written_text() as written:
        world.request("GET", "/v1/ipto_secret?key=ipto_secret", key="ipto_secret")

    assert lines_of(written) == [
        {
            "level": "INFO",
            "message": "request",
            "service": "tally",
            "request_id": "req_00000000",
            "route": "GET /{proxy+}",
            "status": 404,
        }
    ]


def test_where_a_domain_puts_a_path_in_front(world: World) -> None:
    event = proxy_event("GET", "/partner/nope")
    event["path"] = "/tally/partner/nope"

    assert world.invoke(event) == PARTNERS_NOWHERE


# ---------------------------------------------------------------------------- preflight


def preflight(world: World, path: str, headers: Mapping[str, str]) -> Answer:
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
    return world.request("OPTIONS", path, headers=asked | dict(headers))


@pytest.mark.parametrize("path", SERVED)
def test_a_preflight_request_of_an_allowed_origin(path: str, world: World) -> None:
    world.origins = frozenset({OURS})
    methods = ", ".join(SERVED[path])

    answered = preflight(world, path.replace("{id}", "x"), {"Origin": OURS})

    headers = {
        **ALWAYS,
        "X-Request-Id": "req_00000000",
        "Allow": methods,
        "Vary": "Origin",
        "Access-Control-Allow-Origin": OURS,
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": "Authorization, Content-Type, X-API-Key, X-Partner-API-Key",
        "Access-Control-Expose-Headers": (
            "Link, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-RateLimit-Limit, "
            "X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
        ),
        "Access-Control-Max-Age": "7200",
    }
    assert answered == Answer(204, headers, None)
    assert answered.text == ""


@pytest.mark.parametrize("origin", ["https://other.example", "null", "", f"{OURS}/"])
def test_a_preflight_request_of_another_origin(origin: str, world: World) -> None:
    """It is a method that the path lacks."""
    world.origins = frozenset({OURS})

    answered = preflight(world, "/v1/events", {"Origin": origin})

    assert (answered.status, answered.headers["Allow"]) == (405, "POST")
    assert not [name for name in answered.headers if name.startswith("Access-Control-")]


def test_a_preflight_request_where_no_origin_is_allowed(world: World) -> None:
    assert preflight(world, "/v1/events", {"Origin": OURS}).status == 405


def test_what_is_no_preflight_request(world: World) -> None:
    """Its answer may be read all the same."""
    world.origins = frozenset({OURS})

    plain = world.request("OPTIONS", "/v1/events", headers={"Origin": OURS})
    unknown = preflight(world, "/v1/nope", {"Origin": OURS})

    assert (plain.status, unknown.status) == (405, 404)
    for answered in (plain, unknown):
        assert answered.headers["Access-Control-Allow-Origin"] == OURS
