"""How much a request may hold, and how little of it an error repeats."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from dev.gateway import Answer, Headers
from dev.template import Route
from tally.http.envelopes import partner_error
from tally.http.failures import InvalidFields, answer_to
from tally.intake.registry import EVENT_TYPES
from tests import builders
from tests.api.answers import failure
from tests.api.posting import post
from tests.api.routes import each_route, for_audience, good_key, routes_where
from tests.api.samples import TENANT, caller_of, new_thing, sample, visit
from tests.api.test_spellings import parameters_of
from tests.builders import event, told
from tests.world import World

pytestmark = pytest.mark.slow

MOST = 64 * 1024
LONG = "z9" * 2000
REPEATED = LONG[:66]
TOO_LARGE = Answer(413, {}, failure("payload_too_large", "The body may be at most 64 KiB."))
COMPRESSED = Answer(
    415,
    {},
    failure("unsupported_media_type", "Send the body without a Content-Encoding."),
)

takes_a_body = routes_where(lambda route: route.method in ("POST", "PUT", "PATCH"))
takes_json = routes_where(
    lambda route: route.method in ("POST", "PUT", "PATCH") and not route.module.endpoint.raw_body
)
takes_no_body = routes_where(lambda route: route.method in ("GET", "DELETE"))
not_events = routes_where(lambda route: not route.module.endpoint.raw_body)


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, TENANT)


def ask(
    world: World, route: Route, body: str | bytes, headers: Headers | None = None
) -> tuple[int, Any]:
    """Status and body of the route's answer to this body, about a thing that exists."""
    path = route.path.replace("{id}", new_thing(world, route, TENANT))
    query = urlencode(sample(route.function)["queryStringParameters"] or {})
    key = good_key(world, caller_of(route))
    sent = {"Content-Type": "application/json", **(headers or {})}
    answered = world.request(route.method, f"{path}?{query}", key=key, headers=sent, body=body)
    return answered.status, answered.body


def refused(route: Route, error: Answer) -> tuple[int, Any]:
    expected = for_audience(route, error)
    return expected.status, expected.body


# ------------------------------------------------------------------------------ bodies


@not_events
def test_a_body_over_64_kib(route: Route, market: World) -> None:
    """Whatever is in it, and also where nobody reads it."""
    for body in (b" " * (MOST + 1), b"{" * (MOST + 1), b"\xff" * (MOST + 1), b"0" * 10**6):
        assert ask(market, route, body) == refused(route, TOO_LARGE)


@takes_json
def test_a_body_of_64_kib(route: Route, market: World) -> None:
    """Counted in bytes, not characters."""
    whole = sample(route.function)["body"]
    padded = whole + " " * (MOST - len(whole.encode()))

    assert ask(market, route, padded)[0] in (200, 201, 202)
    assert ask(market, route, "\u00e4" * (MOST // 2 + 1)) == refused(route, TOO_LARGE)


@takes_json
def test_no_body_at_all(route: Route, market: World) -> None:
    """Of whatever type it is not. A rotation can do without: it looks for its key."""
    key = good_key(market, caller_of(route))
    path = route.path.replace("{id}", "any")

    statuses = {
        content_type: market.request(
            route.method, path, key=key, headers={"Content-Type": content_type}, body=body
        ).status
        for content_type in (
            "",
            "application/json",
            "text/csv",
            "application/x-www-form-urlencoded",
        )
        for body in (None, b"")
    }

    without = 404 if route.function == "RotateApiKey" else 400
    assert statuses == {
        "": without,
        "application/json": without,
        "text/csv": 415,
        "application/x-www-form-urlencoded": 415,
    }


def test_events_may_be_longer(market: World) -> None:
    padded = json.dumps(event("dataset.created", tenant_id=TENANT)) + " " * MOST

    assert post(market, padded).status == 202


@takes_a_body
@pytest.mark.parametrize(
    "encoding", ["gzip", "br", "deflate", "x-gzip", "GZIP", "identity, gzip", "gzip, identity", "x"]
)
def test_a_body_with_a_content_encoding(route: Route, encoding: str, market: World) -> None:
    """Refused for what the header says, whether or not the body is what it says."""
    whole = sample(route.function)["body"].encode()

    answers = [
        ask(market, route, body, {"Content-Encoding": encoding})
        for body in (whole, gzip.compress(whole))
    ]

    assert answers == [refused(route, COMPRESSED)] * 2


@takes_a_body
@pytest.mark.parametrize("encoding", ["identity", "Identity", "", " "])
def test_a_content_encoding_that_says_nothing(route: Route, encoding: str, market: World) -> None:
    status, _ = ask(market, route, sample(route.function)["body"], {"Content-Encoding": encoding})

    assert status in (200, 201, 202)


@takes_no_body
def test_a_content_encoding_of_a_body_that_nobody_reads(route: Route, market: World) -> None:
    status, _ = ask(market, route, b"\x1f\x8b", {"Content-Encoding": "gzip"})

    assert status in (200, 202)


# ------------------------------------------------------------------- what errors say

ERRORS = [(f"field_{n}", "is required") for n in range(1234)]


def test_an_error_names_at_most_20_fields() -> None:
    """As both APIs tell it."""
    all_of_20 = answer_to(InvalidFields(ERRORS[:20]))
    many = answer_to(InvalidFields(ERRORS))

    names = [f"field_{n}" for n in range(20)]
    said = "; ".join(f"{name}: is required" for name in names)
    details = [{"field": name, "message": "is required"} for name in names]
    assert all_of_20.body == {
        "code": "invalid_request",
        "message": f"The request is not valid: {said}.",
        "details": details,
    }
    assert many.body == {
        "code": "invalid_request",
        "message": f"The request is not valid: {said}; and 1,214 more.",
        "details": details,
    }
    assert partner_error(many.body, 400) == {
        "code": "BadRequest",
        "message": f"The request is not valid: {said}; and 1,214 more.",
        "details": dict.fromkeys(names, "is required"),
    }


@takes_json
def test_a_body_full_of_mistakes_has_a_short_answer(route: Route, market: World) -> None:
    whole = json.loads(sample(route.function)["body"])
    key = good_key(market, caller_of(route))
    path = route.path.replace("{id}", new_thing(market, route, TENANT))
    wrong: dict[str, list[Any]] = {
        name: [LONG, [LONG] * 15, ["x"] * 12_000, {LONG: LONG}, int("9" * 4000)] for name in whole
    }

    for name, values in wrong.items():
        for value in values:
            body = whole | {name: value}
            answered = market.request(route.method, path, key=key, json_body=body)
            assert_short(answered, 400)
    assert_short(
        market.request(route.method, path, key=key, body=f'{{"{LONG}": 1, "{LONG}": 1}}'), 400
    )
    assert_short(market.request(route.method, path, key=key, body=f'{{"{LONG}": "\\ud800"}}'), 400)


@each_route
def test_a_query_full_of_digits_has_a_short_answer(route: Route, market: World) -> None:
    """Also 4,000 digits, where a number is expected."""
    key = good_key(market, caller_of(route))
    path = route.path.replace("{id}", "any")

    for name, _ in parameters_of(route):
        for value in ("9" * 4000, "-" + "9" * 4000, "9" * 5000, LONG, "\u0661" * 1000):
            answered = market.request(route.method, f"{path}?{name}={quote(value)}", key=key)
            assert_short(answered)
            assert "9" * 65 not in answered.text


@routes_where(lambda route: "{" in route.path)
def test_a_long_path_is_not_repeated(route: Route, market: World) -> None:
    key = good_key(market, caller_of(route))

    assert_short(visit(market, route, key, thing=LONG), 404)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_rejected_event_has_a_short_reason(event_type: str, market: World) -> None:
    """Whichever of its fields is too long; its own `id` and `source` are repeated, as names."""
    whole = told(event_type)
    wrong = [LONG, {LONG: LONG}, [LONG] * 3, int("9" * 4000)]
    events = [whole | {"data": whole["data"] | {f: v}} for f in whole["data"] for v in wrong]
    events += [whole | {f: v} for f in ("specversion", "type", "time") for v in (LONG, LONG[:200])]
    events += [whole | {LONG: "\ud800"}]

    for sent in events:
        (result,) = market.send(sent).body["data"]["results"]
        if result["status"] == "rejected":
            assert len(result["error"]["message"]) < 600
            assert REPEATED not in result["error"]["message"]
            assert "9" * 65 not in result["error"]["message"]


def assert_short(answered: Answer, status: int | None = None) -> None:
    assert status in (None, answered.status), answered.text[:500]
    if answered.status >= 400:
        assert len(answered.text) < 2500
        assert REPEATED not in answered.text
