"""Secrets and personal data, sent in every part of a request to every route: none of it is found
in a log line or an error.

An error may name what the caller sent it about, an id in a path, a field or an event's type, and
no credential even there.
"""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from dev.gateway import PLATFORM, Headers, proxy_event
from dev.template import Route, fallbacks, pages, routes
from tally import logs
from tally.access.model.scopes import Scope
from tally.http import endpoint as endpoints
from tally.http import frame
from tally.http.credentials import credential_in
from tally.http.errors import ErrorAnswer
from tests import builders
from tests.api.leaks import assert_kept, changed, fields_of, raise_at, sent_by, values
from tests.api.routes import each_route, good_key, remembered_key, routes_where
from tests.api.samples import TENANT, caller_of, sample
from tests.api.secrets import (
    ALL,
    BROWSER,
    BUSY,
    CREDENTIALS,
    EXTERNAL_ID,
    FAULTS,
    IPV4,
    IPV6,
    JWT,
    KEY,
    ORGANIZATION,
    PASSPORT,
    PERSON,
    QUERY_TEXT,
    SESSION,
    TEXT,
)
from tests.api.test_spellings import parameters_of
from tests.builders import REQUIRED, event, told
from tests.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def market(world: World) -> World:
    """The tenant's own data are personal, too."""
    world.tenant(TENANT, display_name=PERSON)
    builders.market(world, acme=["dset_1"])
    builders.accept(
        world,
        told("search.performed", query_text=QUERY_TEXT),
        event("organization.created", name=ORGANIZATION, external_id=EXTERNAL_ID),
        event("organization.updated", metadata={"passport": PASSPORT}),
    )
    return world


# ---------------------------------------------------------------------------- credentials


def _bad_credentials() -> Iterator[Headers]:
    for text in (*CREDENTIALS, KEY[:-1], KEY.upper(), KEY[5:]):
        yield {"X-API-Key": text}
        yield {"X-API-Key": "", "X-Partner-API-Key": text}
        for scheme in ("Bearer ", "bearer\t", "Basic ", "Token ", "Digest username=", ""):
            yield {"X-API-Key": "", "Authorization": f"{scheme}{text}"}
        yield {"X-API-Key": [text, text]}
        yield {"X-API-Key": f"{text},{KEY}", "Authorization": f"Bearer {SESSION}"}
    yield {"X-API-Key": "", "Authorization": f"Basic {b64encode(f'x:{KEY}'.encode()).decode()}"}


@each_route
def test_credentials_that_are_refused(route: Route, market: World) -> None:
    for headers in _bad_credentials():
        sent = sent_by(market, route, headers)
        assert assert_kept(market, sent).status in (400, 401)


@each_route
def test_a_key_that_is_no_longer_good(route: Route, market: World) -> None:
    ends: list[dict[str, Any]] = [{"revoked_at": market.now}, {"expires_at": market.now}]
    for end in ends:
        key, _ = market.new_key(caller_of(route), list(Scope), **end)
        sent = sent_by(market, route, {"X-API-Key": key})
        assert assert_kept(market, sent, own=key).status == 401


# --------------------------------------------------------------------- headers, path and query

HEADERS: Mapping[str, str] = {
    "X-Forwarded-For": f"{IPV4}, {IPV6}",
    "Forwarded": f'for="[{IPV6}]";host={IPV4}',
    "User-Agent": BROWSER,
    "Referer": f"https://fstone.example/?key={KEY}&q={quote(QUERY_TEXT)}",
    "Cookie": f"session={SESSION}; id={JWT}",
    "From": PERSON,
    "X-Request-Id": KEY,
    "X-Amzn-Trace-Id": SESSION,
    "If-None-Match": JWT,
    "X-Unknown": TEXT,
}
READ_HEADERS = (
    "Accept",
    "Content-Type",
    "Content-Encoding",
    "Origin",
    "Access-Control-Request-Method",
)


@each_route
def test_headers(route: Route, market: World) -> None:
    market.origins = frozenset({"https://app.example"})
    key = good_key(market, caller_of(route))
    each = [{name: text} for name in READ_HEADERS for text in (KEY, TEXT, f"a/b; {TEXT}")]

    for headers in (HEADERS, *each):
        sent = sent_by(market, route, headers)
        sent["requestContext"]["identity"] = {"sourceIp": IPV4, "userAgent": BROWSER}
        assert_kept(market, sent, own=key)


@routes_where(lambda route: "{" in route.path)
def test_ids_in_paths(route: Route, market: World) -> None:
    """An id is named in the error, but no credential."""
    for text in (*ALL, *CREDENTIALS, f"key_{KEY}", TEXT, quote(KEY, safe="") * 2):
        but = "" if text in CREDENTIALS or KEY in text else text
        for thing in (text, quote(text)):
            sent = sent_by(market, route, thing=thing)
            decoded = sent | {"path": route.path.replace("{id}", text)}
            decoded["pathParameters"] = {"id": text}
            for each in (sent, decoded):
                assert assert_kept(market, each, but=but).status in (400, 404)


@each_route
def test_query_parameters(route: Route, market: World) -> None:
    names = {name for name, _ in parameters_of(route)} | {"cursor", "limit", "backfill", "unknown"}
    key = good_key(market, caller_of(route))

    for name in names:
        for text in (*CREDENTIALS, QUERY_TEXT, PERSON, TEXT * 20):
            query = f"{name}={quote(text)}&{quote(text)}={name}"
            assert_kept(market, sent_by(market, route, query=query), own=key)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_paths_that_no_route_has(method: str, market: World) -> None:
    for prefix in ("", "v1/", "partner/", "v1/api-keys/x/", "v1/reference/"):
        for text in (*ALL, TEXT):
            sent = proxy_event(method, f"/{prefix}{quote(text)}?{quote(text)}", HEADERS, TEXT)
            assert sent["resource"] in {route.path for route in (*fallbacks(), *pages())}
            answered = assert_kept(market, sent | {"path": f"/{prefix}{text}"})
            assert answered.status in (404, 405)


# -------------------------------------------------------------------------------------- bodies


def _broken(whole: bytes, text: str) -> Iterator[bytes]:
    """What is no JSON, or not in UTF-8, or too long, with a secret in it."""
    said = text.encode()
    yield from (
        said,
        b'"' + said,
        b'{"name": ' + said,
        b'{"name": "' + said + b'"',
        b"[" * 40 + said,
    )
    yield from (b'{"name": "' + said + b"\\u", b'{"a": NaN, "b": "' + said + b'"}', b"\xff" + said)
    yield from (b'{"a": 1e99999999, "b": "' + said + b'"}', b"[" * 60_000 + said, whole + said)
    yield b'{"name": "' + said + b'", "x": "\\ud800", "data": {"x": "\\ud800"}}'
    yield b'{"name": "' + said + b'", "name": "' + said + b'"}'
    yield whole + said + b" " * 65_536
    yield b"name=" + quote(text).encode() + b"&key=" + said


@routes_where(lambda route: route.method in ("POST", "PATCH", "PUT"))
def test_bodies(route: Route, market: World) -> None:
    key = good_key(market, caller_of(route))
    whole = sample(route.function)["body"].encode()
    document = json.loads(whole)

    # Those of events have a test of their own.
    for path in fields_of(document) if isinstance(document, dict) else ():
        for text in (KEY, QUERY_TEXT):
            for value in values(text):
                body = json.dumps(changed(document, path, value)).encode()
                assert_kept(market, sent_by(market, route, body=body), own=key)
    for text in (*ALL, TEXT):
        for body in _broken(whole, text):
            for media_type in ("application/json", "text/plain"):
                sent = sent_by(market, route, {"Content-Type": media_type}, body=body)
                assert assert_kept(market, sent, own=key).status in (400, 413, 415, 422)


@routes_where(lambda route: route.method in ("POST", "PATCH", "PUT"))
def test_a_field_is_named_but_no_credential(route: Route, market: World) -> None:
    """A key that is sent twice is named, because nobody would find it otherwise."""
    for text in (*CREDENTIALS, QUERY_TEXT):
        body = f'{{"{text}": 1, "{text}": 2, "{text}": "\\ud800"}}'.encode()
        but = "" if text in CREDENTIALS else text
        assert_kept(market, sent_by(market, route, body=body), but=but)


# What the error names: a type that is unknown, and the identity of a charge that is.
NAMED_IN_EVENTS = (("type",), ("data", "charge_event", "id"), ("data", "charge_event", "source"))


@pytest.mark.parametrize("event_type", REQUIRED)
def test_events(event_type: str, market: World) -> None:
    headers = {"X-API-Key": (sender := market.key(PLATFORM, Scope.EVENTS_WRITE))}
    whole = told(event_type)

    for path in fields_of(whole):
        for text in (KEY, JWT, QUERY_TEXT, PERSON):
            events = [
                changed(whole | {"id": f"{path}{n}"}, path, value)
                for n, value in enumerate(values(text))
            ]
            sent = proxy_event("POST", "/v1/events", headers, json.dumps(events).encode())
            but = text if path in NAMED_IN_EVENTS and text not in CREDENTIALS else ""
            assert_kept(market, sent, own=sender, but=but)


# ---------------------------------------------------------------------------------- our faults


def _fails(world: World, route: Route, faults: Mapping[str, Exception], status: int) -> None:
    key, thing = remembered_key(world, route)
    seen = set()
    for world.warm in (True, False):  # in the handler, and while authenticating
        for number in (1, 2):
            for fault in faults.values():
                sent = sent_by(world, route, {"X-API-Key": key} | dict(HEADERS), thing=thing)
                with world.on_call(raise_at(number, fault)):
                    seen.add(assert_kept(world, sent, own=key).status)
    assert status in seen


@each_route
def test_faults(route: Route, market: World) -> None:
    """The table fails, with an item and its key in what it says."""
    _fails(market, route, FAULTS, 500)


@each_route
def test_a_busy_table(route: Route, market: World) -> None:
    _fails(market, route, BUSY, 503)


# ------------------------------------------------------------------------ that this can fail


def _whole_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    formatter = logging.Formatter()
    monkeypatch.setattr(logs.formatter, "format", formatter.format)


def _the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    def noting(event: Mapping[str, Any]) -> str:
        logs.logger.info("asked", query=event["multiValueQueryStringParameters"])
        return "req_1"

    monkeypatch.setattr(frame, "request_id_of", noting)


def _the_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    def printing(*arguments: Any) -> str:
        credential = credential_in(*arguments)
        print(f"half a key: {credential[30:]}")  # noqa: T201  the leak that must be found
        return credential

    monkeypatch.setattr(endpoints, "credential_in", printing)


def _what_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def telling(error: Exception) -> ErrorAnswer:
        return ErrorAnswer(500, {"code": "x", "message": str(error), "details": []})

    monkeypatch.setattr(endpoints, "answer_to", telling)


@pytest.mark.parametrize("leak", [_whole_exceptions, _the_event, _the_credential, _what_was_wrong])
def test_a_leak_is_found(
    leak: Callable[[pytest.MonkeyPatch], None], market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (route,) = (each for each in routes() if str(each) == "GET /v1/api-keys")
    key = good_key(market, caller_of(route))
    sent = sent_by(market, route, {"X-API-Key": key}, query=f"unknown={quote(QUERY_TEXT)}")
    leak(monkeypatch)

    with (
        market.on_call(raise_at(2, FAULTS["pydantic"])),
        pytest.raises(AssertionError, match="leaked"),
    ):
        assert_kept(market, sent, own=key)
