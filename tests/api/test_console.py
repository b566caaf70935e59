"""The console's files, as everybody gets them: GET /console/."""

from __future__ import annotations

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from dev import ROOT
from dev.gateway import proxy_event
from dev.template import functions, template
from functions.console import app
from tests.api.answers import ALWAYS, answer, failure
from tests.api.test_base_path import behind
from tests.world import World

SITE = ROOT / "functions/console/site"
VERSION = app.endpoint.version
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
FILES = sorted(path for path in SITE.rglob("*") if path.suffix in TYPES)
MOST_SENT = 250 * 1024

each_file = pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)


def url_of(file: Path, version: str = VERSION) -> str:
    return f"/console/{version}/{file.relative_to(SITE).as_posix()}"


# ----------------------------------------------------------------------------- the page


def test_the_page_is_served_with_a_strict_policy(world: World) -> None:
    found = world.request("GET", "/console/")

    assert found.status == 200
    assert found.headers == ALWAYS | {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "Content-Type": "text/html; charset=utf-8",
        "ETag": f'W/"{sha256(found.text.encode()).hexdigest()[:32]}"',
        "Referrer-Policy": "no-referrer",
        "X-Request-Id": "req_00000000",
    }
    assert "unsafe" not in POLICY


def test_it_loads_its_own_files_only(world: World) -> None:
    page = world.request("GET", "/console/").text

    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    served = {url_of(file).removeprefix("/console/") for file in FILES}
    assert set(loaded) - served == {"../v1/reference"}
    assert "<style" not in page
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"\son\w+=", page) == []


def test_without_its_slash_it_is_somewhere_else(world: World) -> None:
    found = world.request("GET", "/console")

    assert (found.status, found.headers["Location"], found.text) == (308, "console/", "")


def test_it_is_found_behind_a_base_path(world: World) -> None:
    for path in ("/console", "/console/", url_of(FILES[0])):
        event = proxy_event("GET", path)
        assert world.invoke(behind("tally", event)).text == world.invoke(event).text


def test_a_client_that_has_it_gets_it_no_second_time(world: World) -> None:
    tag = world.request("GET", "/console/").headers["ETag"]

    found = world.request("GET", "/console/", headers={"If-None-Match": tag})

    assert (found.status, found.text) == (304, "")
    assert found.headers["Content-Security-Policy"] == POLICY


# ---------------------------------------------------------------------------- its files


@each_file
def test_a_file_is_served_as_it_is_and_kept(file: Path, world: World) -> None:
    found = world.request("GET", url_of(file))

    assert (found.status, found.text) == (200, file.read_text())
    assert found.headers["Content-Type"] == TYPES[file.suffix]
    assert found.headers["Cache-Control"] == FOR_EVER


def test_the_version_is_of_all_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in (*FILES, SITE / "page.html"):
        copy = tmp_path / file.relative_to(SITE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())
    monkeypatch.setattr(app, "_SITE", tmp_path)
    assert app.Console().version == VERSION

    (tmp_path / "src/money.js").write_text("// changed")

    assert app.Console().version != VERSION


def test_another_versions_file_is_served_but_not_kept(world: World) -> None:
    """As long as a release goes out, a page of the one may ask the other."""
    found = world.request("GET", url_of(SITE / "src/main.js", "0123456789abcdef"))

    assert found.text == (SITE / "src/main.js").read_text()
    assert found.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/console/nope.js",
        "/console/app.py",
        "/console/page.html",
        "/console/src/main.js",
        f"/console/{VERSION}",
        f"/console/{VERSION}/",
        f"/console/{VERSION}/page.html",
        f"/console/{VERSION}/vendor/README.md",
        f"/console/{VERSION}/../app.py",
        f"/console/{VERSION}/..%2f..%2fapp.py",
        "/console/0123456789abcdef/../app.py",
        "/console/0123456789abcdef/../../../template.yaml",
        "/console//etc/passwd",
    ],
)
def test_no_other_file_is_served(path: str, world: World) -> None:
    found = world.request("GET", path)

    nowhere = answer(404, failure("not_found", "No such path."))
    assert found.status == 404
    assert found.body["error"] == nowhere.body["error"]
    assert set(found.body) == {"error", "request_id", "timestamp"}
    assert found.headers == nowhere.headers


def test_other_methods_are_refused(world: World) -> None:
    for path in ("/console", url_of(FILES[0])):
        found = world.request("POST", path)
        assert (found.status, found.headers["Allow"]) == (405, "GET")


def test_all_that_is_sent_is_small() -> None:
    sent = [SITE / "page.html", *FILES]

    assert sum(len(gzip.compress(file.read_bytes())) for file in sent) <= MOST_SENT / 2


# ------------------------------------------------------------------- what the stack decides


def test_whoever_may_frame_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_FRAME_ANCESTORS", "self https://shop.example")

    page = app.Console().files["/console/"]

    policy = page.headers["Content-Security-Policy"]
    assert policy.endswith("; frame-ancestors 'self' https://shop.example")


def config_of(console: app.Console) -> object:
    return json.loads(console.files["/console/config.json"].text())


def test_there_is_no_issuer_unless_the_stack_has_one(world: World) -> None:
    found = world.request("GET", "/console/config.json")

    assert (found.status, found.body) == (200, {"oidc": None})


def test_the_issuer_is_told_and_its_token_endpoint_may_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONSOLE_CLIENT_ID", "console")
    monkeypatch.setenv("CONSOLE_AUTHORIZE_URL", "https://id.example/authorize")
    monkeypatch.setenv("CONSOLE_TOKEN_URL", "https://id.example/oauth/token")
    monkeypatch.setenv("CONSOLE_SCOPE", "openid tally/usage:read")

    console = app.Console()

    assert config_of(console) == {
        "oidc": {
            "authorize_url": "https://id.example/authorize",
            "token_url": "https://id.example/oauth/token",
            "client_id": "console",
            "scope": "openid tally/usage:read",
        }
    }
    policy = console.files["/console/"].headers["Content-Security-Policy"]
    assert "connect-src 'self' https://id.example;" in policy


@pytest.mark.parametrize(
    ("ancestors", "allowed"),
    [
        ("", True),
        ("self", True),
        ("https://app.example", True),
        ("self https://app.example:8443 http://localhost:3000", True),
        ("*", False),
        ("'self'", False),
        ("none https://app.example", False),
        ("https://app.example; script-src *", False),
        ("https://app.example,https://b.example", False),
        ("https://app.example/page", False),
    ],
)
def test_the_template_takes_origins_only(ancestors: str, allowed: bool) -> None:  # noqa: FBT001
    pattern = template()["Parameters"]["ConsoleFrameAncestors"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, ancestors)) == allowed


def test_the_function_may_do_nothing() -> None:
    assert not {"Policies", "Role"} & functions()["Console"].keys()


# ---------------------------------------------------------------------------- vendored


def test_what_is_vendored_is_what_was_published() -> None:
    """vendor/README.md says how it was made, and NOTICE whose it is."""
    told = (SITE / "vendor/README.md").read_text()
    notice = (ROOT / "NOTICE").read_text()

    vendored = sorted((SITE / "vendor").glob("*.js"))
    assert [file.name for file in vendored] == ["d3.js", "view.js"]
    for file in vendored:
        assert sha256(file.read_bytes()).hexdigest() in told
    for package in re.findall(r"^\| `([a-z0-9-]+@[\d.]+)` ", told, re.MULTILINE):
        assert package in notice
