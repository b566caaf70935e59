"""The API's description, as everybody gets it: GET /v1/openapi.json and GET /v1/reference."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

from dev import ROOT
from dev.gateway import Answer, proxy_event
from dev.template import api_pages, functions
from functions.api.reference import app
from tally.http.headers import allowed_origins
from tally.http.static import File, Static
from tests.api.answers import ALWAYS, INTERNAL, answer, failure
from tests.api.logs import requests_in, written_text
from tests.api.test_base_path import behind
from tests.world import World

FOLDER = ROOT / "functions/api/reference"
KEPT = ALWAYS | {"Cache-Control": "no-cache", "X-Request-Id": "req_00000000"}
FRESH = ALWAYS | {"X-Request-Id": "req_00000000"}
JAVASCRIPT = "text/javascript; charset=utf-8"
FILES = {
    "/v1/openapi.json": ("openapi.json", "application/json"),
    "/v1/reference": ("page.html", "text/html; charset=utf-8"),
    "/v1/reference/page.css": ("page.css", "text/css; charset=utf-8"),
    "/v1/reference/page.js": ("page.js", JAVASCRIPT),
    "/v1/reference/rapidoc.js": ("rapidoc/rapidoc-min.js", JAVASCRIPT),
}
OF_THE_PAGE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
RAPIDOC = "affbd173a65e870e18f392cca963113bcdafb6e50e88cd2f6a834a65b22db94d"
NOWHERE = answer(404, failure("not_found", "No such path."))

each_file = pytest.mark.parametrize("path", FILES)


def tag_of(path: str) -> str:
    name, _ = FILES[path]
    return f'W/"{sha256((FOLDER / name).read_bytes()).hexdigest()[:32]}"'


def headers_of(path: str) -> dict[str, str]:
    """Beside the content's type."""
    ours = FRESH if path == "/v1/openapi.json" else KEPT
    return ours | {"ETag": tag_of(path)} | (OF_THE_PAGE if path == "/v1/reference" else {})


def test_what_needs_no_credential_is_the_contracts() -> None:
    assert {str(page) for page in api_pages()} == {
        "GET /v1/openapi.json",
        "GET /v1/reference",
        "GET /v1/reference/{file}",
    }


@each_file
def test_a_file_is_served_as_it_is(path: str, world: World) -> None:
    name, content_type = FILES[path]

    found = world.request("GET", path)

    assert found.headers == headers_of(path) | {"Content-Type": content_type}
    assert found.status == 200
    assert found.text.encode() == (FOLDER / name).read_bytes()


@each_file
def test_a_client_that_has_it_gets_it_no_second_time(path: str, world: World) -> None:
    tag = tag_of(path)

    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        found = world.request("GET", path, headers={"If-None-Match": known})
        assert found == Answer(304, headers_of(path), None)
        assert found.text == ""
    assert world.request("GET", path, headers={"If-None-Match": '"other"'}).status == 200


@each_file
def test_it_is_found_behind_a_base_path(path: str, world: World) -> None:
    event = proxy_event("GET", path)

    assert world.invoke(behind("tally", event)).text == world.invoke(event).text


def test_a_request_for_the_headers_gets_no_body() -> None:
    event = proxy_event("GET", "/v1/reference") | {"httpMethod": "HEAD"}

    response = app.handler(event, None)

    assert (response["statusCode"], response["body"]) == (200, "")


@pytest.mark.parametrize(
    "name", ["app.py", "openapi.json", "..%2Fapp.py", "../app.py", "", "rapidoc-min.js", "{file}"]
)
def test_no_other_file_is_served(name: str) -> None:
    event = proxy_event("GET", "/v1/reference/x")
    event["pathParameters"] = {"file": name}

    response = app.handler(event, None)

    assert response["statusCode"] == 404


def test_an_unknown_file_is_answered_like_an_unknown_path(world: World) -> None:
    found = world.request("GET", "/v1/reference/nope.js")

    assert found.status == 404
    assert set(found.body) == {"error", "request_id", "timestamp"}
    assert found.body["error"] == NOWHERE.body["error"]
    assert found.headers == NOWHERE.headers


def test_a_file_that_is_gone_is_a_fault_that_says_nothing() -> None:
    static = Static({"/v1/reference": File(FOLDER / "gone.html", "text/html", {})})
    static.dependency_overrides[allowed_origins] = frozenset

    with written_text() as lines:
        response = static.handler(proxy_event("GET", "/v1/reference"), None)

    assert response["statusCode"] == INTERNAL.status
    assert "gone.html" not in response["body"]
    assert "gone.html" not in "".join(lines)
    assert [line["message"] for line in requests_in(lines)] == ["request failed", "request"]


def test_the_function_may_do_nothing() -> None:
    assert not {"Policies", "Role"} & functions()["Reference"].keys()


def test_the_page_loads_only_what_it_is_served_with() -> None:
    page = (FOLDER / "page.html").read_text()

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)

    ours = {f"reference/{path.rpartition('/')[2]}" for path in FILES}
    assert set(loaded) <= ours | {"openapi.json", "data:,"}
    assert "<style" not in page
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"\son\w+=", page) == []


def test_rapidoc_is_the_one_that_was_published() -> None:
    """NOTICE says which; its licenses lie beside it."""
    script = FOLDER / "rapidoc/rapidoc-min.js"

    assert sha256(script.read_bytes()).hexdigest() == RAPIDOC
    assert "RapiDoc 9.3.8" in (ROOT / "NOTICE").read_text()
    assert "Mrinmoy Majumdar" in (FOLDER / "rapidoc/LICENSE.txt").read_text()
