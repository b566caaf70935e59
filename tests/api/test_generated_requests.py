"""Requests that nobody would write, to every route and beside them.

Texts, sizes, encodings and repetitions that something did not hold against once, in every part of
a request. `pytest tests/api/test_generated_requests.py --hypothesis-profile long` sends many more.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from dev.gateway import PLATFORM, Answer, proxy_event
from dev.template import Route, routes
from tally.access.model.scopes import Scope
from tests.api.answers import ALWAYS
from tests.api.logs import requests_in, written_text
from tests.api.samples import TENANT, caller_of, sample
from tests.api.test_spellings import parameters_of
from tests.builders import REQUIRED, charged_market, told
from tests.world import World, new_world

pytestmark = pytest.mark.slow

MOST_BYTES = 5 * 1024 * 1024
SECRET = "s3cret"
EACH = settings().max_examples // 2

several = settings(
    max_examples=EACH,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


@pytest.fixture(scope="module")
def market() -> Iterator[World]:
    """One for all requests: what they store is met by those that follow."""
    with new_world() as world:
        world.tenant(TENANT)
        charged_market(world)
        world.origins = frozenset({"https://app.example"})
        yield world


# ------------------------------------------------------------------------- parts of requests

CURIOUS = (
    *("", " ", "\t", ",", ";", "0", "-1", "1.0", "1_0", "1e9", "NaN", "null", "true", "[]", "{}"),
    *("\0", "\x01", "\x1c", "\x7f", "\x85", "\x9b", "\xa0", "\u0661", "\u200f", "\u2028", "\u202e"),
    *(
        "\u2066",
        "\ufeff",
        "\uffff",
        "\U0001f6a2",
        "e\u0301",
        "a/b",
        "a%2Fb",
        "..",
        "%",
        "%00",
        "=1+1",
    ),
    *("2026-04-05", "0999-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "2026-02-30", "9999-12", "-"),
    *("9" * 4000, "x" * 64, "x" * 65, "x" * 257, "x" * 1024, "x" * 2042, "x" * 10_001, SECRET),
    *("\x01" * 3000, "\u2028" * 2000, "\U0001f6a2" * 1000, '"' * 3000, "\\" * 3000),
    *("acme", "dset_1", "org_1", "evt-charge", "admin:*", "usage:read", "active", "USD", "2026-03"),
)


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 0


texts = st.sampled_from(CURIOUS) | st.text(max_size=20)
numbers = st.sampled_from((0, -1, 2**31, 2**63, 10**12, 10**40, 10**400, 0.1, 1e300, 1e-300))
halves = st.sampled_from(("\ud800", "a\udfff", "\udc00\ud800"))
leaves = texts | halves | numbers | st.none() | st.booleans()
values = st.one_of(
    leaves,
    st.builds(lambda one, n: [one] * n, leaves, st.sampled_from((1, 21, 101))),
    st.dictionaries(texts | halves, leaves, max_size=2),
    st.builds(lambda one: {"a": [one, {"b": one}]}, leaves),
    st.just(nested(17)),
    st.just(nested(400)),
)


@st.composite
def changed(draw: st.DrawFn, whole: Mapping[str, Any]) -> dict[str, Any]:
    """Fields, of which some are lacking and others hold something else."""
    fields = dict(whole)
    for name in draw(st.lists(st.sampled_from(sorted(whole) or ["x"]), max_size=2)):
        fields[name] = draw(values)
    if draw(st.integers(0, 4)) == 0:
        fields.pop(draw(st.sampled_from(sorted(whole) or ["x"])), None)
    return fields | draw(st.dictionaries(texts, leaves, max_size=1))


@st.composite
def as_text(draw: st.DrawFn, document: Any) -> bytes:
    """A document as JSON, or as what is nearly JSON."""
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    body = text.encode(errors="surrogatepass")
    match draw(st.integers(0, 12)):
        case 0:
            return body[: draw(st.integers(0, len(body)))]
        case 1:
            return body.replace(b"{", b'{"id": 1, "id": 2, ', 1)
        case 2:
            return body + b" " * 65_536
        case 3:
            return draw(
                st.sampled_from((b"\xff", b"\xef\xbb\xbf" + body, b"[" * 60_000, b"{}", b""))
            )
        case 4:
            return body.replace(b'"', b"'")
        case _:
            return body


@st.composite
def queries(draw: st.DrawFn, names: list[str]) -> str:
    parts = draw(
        st.lists(
            st.tuples(st.sampled_from([*names, "backfill", "cursor", "unknown"]), texts), max_size=3
        )
    )
    sent = "&".join(f"{name}={quote(value)}" for name, value in parts)
    return draw(
        st.sampled_from(("", sent, sent, f"{sent}&{sent}", "&", "=", "%", "%FF%ED%A0%80=%FF"))
    )


@st.composite
def headers(draw: st.DrawFn, key: str) -> dict[str, Any]:
    sent: dict[str, Any] = {"X-API-Key": key} if draw(st.integers(0, 9)) else {}
    for name in ("Accept", "Content-Type", "Content-Encoding", "Origin"):
        if draw(st.integers(0, 3)) == 0:
            sent[name] = draw(
                st.sampled_from(
                    ("text/csv", "text/csv;q=0", "gzip", "identity", "https://app.example", "*/*")
                )
                | st.sampled_from(("application/json", "application/cloudevents-batch+json"))
                | texts
                | st.lists(texts, min_size=1, max_size=3)
            )
    if draw(st.integers(0, 9)) == 0:
        sent["Authorization"] = draw(texts)
    if draw(st.integers(0, 9)) == 0:
        sent["x-api-key"] = [f"{key}{draw(texts)}", draw(texts)]
    return sent


# ----------------------------------------------------------------------------- what must hold


def assert_holds(world: World, sent: dict[str, Any]) -> Answer:
    """No fault, no long answer, errors in their audience's shape, and no secret in the log."""
    with written_text() as lines:
        answered = world.invoke(sent)

    event(str(answered.status))
    assert answered.status < 500, answered
    assert handed_over(answered) <= MOST_BYTES
    assert ALWAYS.items() <= answered.headers.items()
    request_id = answered.headers["X-Request-Id"]
    if answered.status >= 400 and answered.text and answered.status != 422:
        assert_is_error(answered, sent, request_id)
        assert len(answered.text) < 20_000
    assert len(requests_in(lines)) == 1
    for line in lines:
        assert "ipto_" not in line
        assert SECRET not in line
        assert request_id in line
    return answered


def assert_is_error(answered: Answer, sent: Mapping[str, Any], request_id: str) -> None:
    if f"{sent['path']}/".startswith("/partner/"):
        assert set(answered.body) == {"code", "message", "details"}
        assert len(answered.body["details"]) <= 20
    else:
        assert set(answered.body) == {"error", "request_id", "timestamp"}
        assert set(answered.body["error"]) == {"code", "message", "details"}
        assert answered.body["request_id"] == request_id
        assert len(answered.body["error"]["details"]) <= 20


def handed_over(answered: Answer) -> int:
    return len(json.dumps(answered.text, ensure_ascii=False).encode())


def with_body(sent: dict[str, Any], body: bytes | None) -> dict[str, Any]:
    return sent | {
        "body": None if body is None else b64encode(body).decode(),
        "isBase64Encoded": body is not None,
    }


def decoded(sent: dict[str, Any]) -> dict[str, Any]:
    """As a gateway would hand it over that decodes paths."""
    parameters = sent["pathParameters"] or {}
    return sent | {
        "path": unquote(sent["path"]),
        "pathParameters": {name: unquote(value) for name, value in parameters.items()} or None,
    }


@pytest.mark.parametrize("route", routes(), ids=str)
def test_any_request_to_a_route(route: Route, market: World) -> None:
    key = market.key(caller_of(route), *Scope)
    names = [name for name, _ in parameters_of(route)]
    whole = json.loads(sample(route.function)["body"] or "{}")
    whole = whole if isinstance(whole, dict) else {}

    @several
    @given(st.data())
    def requests(data: st.DataObject) -> None:
        some_id = data.draw(st.sampled_from(("acme", "dset_1", "pst_1")) | texts)
        path = route.path.replace("{id}", quote(some_id, safe="") or "-")
        query, sent_headers = data.draw(queries(names)), data.draw(headers(key))
        sent = proxy_event(route.method, f"{path}?{query}", sent_headers)
        document = data.draw(changed(whole) | values)
        sent = with_body(sent, data.draw(st.none() | as_text(document)))
        assert_holds(market, decoded(sent) if data.draw(st.booleans()) else sent)

    requests()


@pytest.mark.parametrize("event_type", REQUIRED)
def test_any_event(event_type: str, market: World) -> None:
    """One or many, of one type or of another beside it."""
    key = market.key(PLATFORM, *Scope)
    # Ids of their own would differ from one run of an example to the next.
    whole, beside = told(event_type, id=event_type), told("dataset.updated", id="beside")

    @several
    @given(st.data())
    def requests(data: st.DataObject) -> None:
        envelope = data.draw(st.just(whole) | changed(whole))
        fields = envelope.get("data")
        if isinstance(fields, dict):
            envelope = envelope | {"data": data.draw(changed(fields))}
        times = data.draw(st.sampled_from((1, 1, 1, 2, 100, 101)))
        document = envelope if times == 1 else [beside, *[envelope] * times]
        sent = proxy_event("POST", "/v1/events", {"X-API-Key": key})
        assert_holds(market, with_body(sent, data.draw(as_text(document))))

    requests()


@several
@given(
    st.sampled_from(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")),
    st.lists(texts | st.sampled_from(("v1", "partner", "events", "usage")), max_size=4),
    st.data(),
)
def test_any_request_beside_the_routes(
    market: World, method: str, segments: list[str], data: st.DataObject
) -> None:
    path = "/" + "/".join(quote(each, safe="") for each in segments)
    sent = proxy_event(method, f"{path}?{data.draw(queries([]))}", data.draw(headers("ipto_x")))
    body = data.draw(st.none() | as_text({"a": 1}))

    answered = assert_holds(market, with_body(sent, body))

    assert answered.status in (204, 400, 401, 404, 405, 413), answered
