"""Calls of the API by the standard library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tally.operations.calls import Call, Reply, https_calls


class Echo(BaseHTTPRequestHandler):
    """Answers with what it got; under /text with text, under /cut with half an answer."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        sent = {
            "method": self.command,
            "path": self.path,
            "key": self.headers["X-API-Key"],
            "type": self.headers["Content-Type"],
            "body": json.loads(body) if body else None,
        }
        content = b"<html>" if self.path == "/live/text" else json.dumps(sent).encode()
        self.send_response(503 if self.path == "/live/busy" else 202)
        missing = 10 if self.path == "/live/cut" else 0
        self.send_header("Content-Length", str(len(content) + missing))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815  as http.server names it

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def call(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")  # not for this machine
    return https_calls(f"http://127.0.0.1:{server.server_port}/live", timeout_s=5)


def test_a_request_is_sent_whole(call: Call) -> None:
    sent = {"key": "ipto_key", "type": "application/json"}

    assert call("POST", "/v1/events", "ipto_key", {"a": 1}) == Reply(
        202, {"method": "POST", "path": "/live/v1/events", **sent, "body": {"a": 1}}
    )
    assert call("GET", "/v1/x?y=1", "ipto_key", None) == Reply(
        202, {"method": "GET", "path": "/live/v1/x?y=1", **sent, "body": None}
    )


def test_an_error_is_a_reply(call: Call) -> None:
    assert call("GET", "/busy", "k", None).status == 503


def test_text_is_a_reply(call: Call) -> None:
    assert call("GET", "/text", "k", None) == Reply(202, "<html>")


def test_half_an_answer_is_none(call: Call) -> None:
    with pytest.raises(OSError, match="IncompleteRead"):
        call("GET", "/cut", "k", None)


def test_nobody_answers() -> None:
    with pytest.raises(OSError, match="refused"):
        https_calls("http://127.0.0.1:9")("GET", "/", "k", None)


@pytest.mark.parametrize(
    "url", ["http://api.example.com", "ftp://127.0.0.1", "file:///etc/passwd", "api.example.com"]
)
def test_keys_are_sent_over_tls_alone(url: str) -> None:
    with pytest.raises(ValueError, match=r"must begin with https://"):
        https_calls(url)
