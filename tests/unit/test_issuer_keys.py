"""When the issuer's keys are fetched, how long they are believed, and which of them are usable."""

from __future__ import annotations

import socket
import ssl
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Barrier, Event, Thread
from time import monotonic
from typing import Any

import pytest

from tally.access import jwks as module
from tally.access.issuer_keys import FRESH_S, PAUSE_S, IssuerKeys
from tally.access.jwks import MAX_BYTES, MAX_KEYS, KeySet, NoKeys, PublicKey, fetch_keys, keys_in
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant, plus
from tests.api.logs import lines_of, written_text
from tests.issuers import ED, RSA, Issuer, ec_key, ed_key, jwks, rsa_key
from tests.world import NOW


def after(seconds: float) -> Instant:
    return plus(NOW, timedelta(seconds=seconds))


def algorithm(key: PublicKey | None) -> str | None:
    return key and key.algorithm


# --------------------------------------------------------------------------- when to fetch


def test_keys_are_fetched_once_for_all_that_are_known() -> None:
    issuer = Issuer()
    keys = issuer.keys()

    found = [algorithm(keys.find(kid, NOW)) for kid in ("rsa-1", "ec-1", "ed-1")]

    assert (found, issuer.fetches) == (["RS256", "ES256", "EdDSA"], 1)


def test_a_new_key_is_found_a_minute_after_the_last_fetch() -> None:
    issuer = Issuer([RSA])
    keys = issuer.keys()
    keys.find("rsa-1", NOW)
    issuer.published = [RSA, ED]

    assert keys.find("ed-1", after(PAUSE_S - 1)) is None
    assert algorithm(keys.find("ed-1", after(PAUSE_S))) == "EdDSA"
    assert issuer.fetches == 2


def test_unknown_keys_cause_one_fetch_a_minute_however_many_they_are() -> None:
    issuer = Issuer()
    keys = issuer.keys()

    for second in range(600):
        for n in range(5):
            assert keys.find(f"{second}-{n}", after(second + n / 5)) is None

    assert issuer.fetches == 10


def test_a_withdrawn_key_is_refused_after_five_minutes() -> None:
    issuer = Issuer([RSA, ED])
    keys = issuer.keys()
    keys.find("ed-1", NOW)
    issuer.published = [RSA]

    assert keys.find("ed-1", after(FRESH_S - 1)) is not None
    assert keys.find("ed-1", after(FRESH_S)) is None
    assert keys.find("rsa-1", after(FRESH_S)) is not None
    assert issuer.fetches == 2


def test_an_issuer_that_withdraws_all_keys_is_obeyed() -> None:
    issuer = Issuer([RSA])
    keys = issuer.keys()
    keys.find("rsa-1", NOW)
    issuer.published = []

    assert keys.find("rsa-1", after(FRESH_S)) is None


@pytest.mark.parametrize("outage", ["no route to host", b"<html>", b'{"keys": {}}', b"\xff", b""])
def test_an_outage_logs_out_nobody_whose_key_is_known(outage: str | bytes) -> None:
    issuer = Issuer([RSA])
    keys = issuer.keys()
    keys.find("rsa-1", NOW)
    issuer.published = outage

    for hours in range(0, 24 * 30, 7):
        assert keys.find("rsa-1", after(3600 * hours)) is not None


def test_during_an_outage_there_is_one_fetch_a_minute() -> None:
    issuer = Issuer([RSA])
    keys = issuer.keys()
    keys.find("rsa-1", NOW)
    issuer.published = "down"

    for second in range(FRESH_S, FRESH_S + 600):
        keys.find("rsa-1", after(second))

    assert issuer.fetches == 1 + 10


def test_during_an_outage_a_key_that_may_be_new_is_neither_good_nor_bad() -> None:
    issuer = Issuer("down")
    keys = issuer.keys()

    for second in (0, PAUSE_S - 1):
        with pytest.raises(Unavailable, match="send the request again"):
            keys.find("rsa-1", after(second))
    issuer.published = [RSA]

    assert keys.find("rsa-1", after(PAUSE_S)) is not None
    assert issuer.fetches == 2


def test_the_log_says_why_keys_were_not_fetched() -> None:
    with written_text() as written, pytest.raises(Unavailable):
        Issuer("no route to host").keys().find("rsa-1", NOW)

    (line,) = lines_of(written)
    assert line == {
        "level": "WARNING",
        "message": "issuer's keys not fetched",
        "service": "tally",
        "cause": "no route to host",
    }


def test_a_clock_that_was_set_back_stops_nothing_for_long() -> None:
    issuer = Issuer([RSA])
    keys = issuer.keys()
    keys.find("rsa-1", after(86_400))
    issuer.published = [ED]

    assert algorithm(keys.find("ed-1", NOW)) == "EdDSA"
    assert issuer.fetches == 2


def in_threads(number: int, work: Callable[[int], object]) -> list[object]:
    """What each thread returned; all begin at once."""
    together, results = Barrier(number), [None] * number

    def run(n: int) -> None:
        together.wait()
        results[n] = work(n)  # type: ignore[call-overload]

    threads = [Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)


def test_threads_share_one_fetch() -> None:
    issuer = Issuer()
    keys = issuer.keys()

    found = in_threads(16, lambda n: keys.find("rsa-1" if n % 2 else f"unknown-{n}", NOW))

    assert [key is not None for key in found] == [False, True] * 8
    assert issuer.fetches == 1


def test_who_has_the_key_does_not_wait_for_a_slow_issuer() -> None:
    answers, asked, fetches = Event(), Event(), 0

    def fetch() -> KeySet:
        nonlocal fetches
        fetches += 1
        if fetches == 2:
            asked.set()
            answers.wait(timeout=10)
        return keys_in(jwks(RSA.jwk))

    keys = IssuerKeys(fetch)
    keys.find("rsa-1", NOW)
    slow = Thread(target=keys.find, args=("rsa-1", after(FRESH_S)))
    slow.start()
    assert asked.wait(timeout=10)

    assert keys.find("rsa-1", after(FRESH_S)) is not None
    assert slow.is_alive()
    answers.set()
    slow.join()


# ---------------------------------------------------------------------- which keys are usable


def changed(jwk: dict[str, Any], **members: Any) -> dict[str, Any]:
    """With these members; None takes one away."""
    return {name: value for name, value in {**jwk, **members}.items() if value is not None}


def big(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(-(-number.bit_length() // 8))).rstrip(b"=").decode()


SECRET = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct-1", "alg": "HS256"}
ODD: tuple[Any, ...] = ("", "!", 1, [], big(3))
UNUSABLE = [
    SECRET,
    changed(SECRET, alg=None),
    changed(RSA.jwk, kty="oct", k="c2VjcmV0"),
    *(changed(RSA.jwk, alg=alg) for alg in ("HS256", "none", "PS256", "RS512", "ES256", 1)),
    *(changed(ec_key("ec-1").jwk, crv=crv) for crv in ("P-384", "secp256k1", ["P-256"])),
    changed(ec_key("ec-1").jwk, x="AAAA"),
    changed(ec_key("ec-1").jwk, y=ec_key("ec-2").jwk["y"]),  # not on the curve
    *(changed(ED.jwk, crv=crv) for crv in ("Ed448", "X25519", "P-256")),
    changed(ED.jwk, x="AAAA"),
    changed(ED.jwk, d="c2VjcmV0"),
    *(changed(RSA.jwk, use=use) for use in ("enc", "", 1)),
    *(changed(RSA.jwk, key_ops=ops) for ops in (["sign"], [], "verify")),
    *(changed(RSA.jwk, n=n) for n in ODD),
    *(changed(RSA.jwk, e=e) for e in (*ODD[:4], "AA", "AQ", 65537)),
    changed(RSA.jwk, n=big((1 << 16_383) + 1)),
    rsa_key("weak", 1024).jwk,
    *(changed(RSA.jwk, kid=kid) for kid in (1, ["rsa-1"])),
    {name: value for name, value in RSA.jwk.items() if name != "kid"},
    {},
    *(None, 1, "key", ["key"], [RSA.jwk]),
]


@pytest.mark.parametrize("unusable", UNUSABLE, ids=map(str, range(len(UNUSABLE))))
def test_a_key_that_is_not_usable_is_skipped(unusable: Any) -> None:
    keys = keys_in(jwks(unusable, ED.jwk))

    assert list(keys) == ["ed-1"]


@pytest.mark.parametrize("key", [RSA, ec_key("ec-1"), ED], ids=lambda key: key.algorithm)
def test_a_key_needs_to_say_no_more_than_what_it_is(key: Any) -> None:
    terse = changed(key.jwk, alg=None, use=None, key_ops=None)

    assert keys_in(jwks(terse))[key.key_id].algorithm == key.algorithm


def test_the_first_of_two_keys_with_one_id_counts() -> None:
    keys = keys_in(jwks(ed_key("same").jwk, rsa_key("same").jwk))

    assert keys["same"].algorithm == "EdDSA"


def test_no_more_than_so_many_keys_are_looked_at() -> None:
    keys = keys_in(jwks(*(changed(ED.jwk, kid=str(n)) for n in range(MAX_KEYS + 10))))

    assert list(keys) == [str(n) for n in range(MAX_KEYS)]


@pytest.mark.parametrize(
    "document",
    [
        *(b"", b"null", b"[]", b"{}", b'{"keys": null}', b'{"keys": {}}', b"\xff\xfe"),
        *(b"[" * 100_000, b'{"keys": [NaN]}', b'{"keys": [' + b"9" * 5000 + b"]}"),
    ],
    ids=lambda document: document[:20],
)
def test_what_is_no_jwks(document: bytes) -> None:
    with pytest.raises(NoKeys):
        keys_in(document)


# ------------------------------------------------------------------------------- fetching

type Respond = Callable[[BaseHTTPRequestHandler], object]


@contextmanager
def server(respond: Respond) -> Iterator[str]:
    """Where it listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            respond(self)

        def log_message(self, *_: object) -> None:  # nobody reads it
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}/jwks.json?v=1"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def answering(status: int, body: bytes, **headers: str) -> Respond:
    def respond(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return respond


def test_keys_come_from_exactly_that_address() -> None:
    asked: list[str] = []

    def respond(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        answering(200, jwks(ED.jwk))(request)

    with server(respond) as url:
        assert list(fetch_keys(url)) == ["ed-1"]

    assert asked == ["/jwks.json?v=1"]


@pytest.mark.parametrize("status", [204, 400, 404, 500, 503])
def test_an_answer_with_another_status_has_no_keys(status: int) -> None:
    with (
        server(answering(status, jwks(ED.jwk))) as url,
        pytest.raises(NoKeys, match=f"^The answer's status is {status}.$"),
    ):
        fetch_keys(url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with server(answering(200, jwks(ED.jwk))) as elsewhere:  # noqa: SIM117  in this order
        with (
            server(answering(status, b"", Location=elsewhere)) as url,
            pytest.raises(NoKeys, match=f"^The answer's status is {status}.$"),
        ):
            fetch_keys(url)


def test_a_large_answer_is_not_read_to_its_end() -> None:
    def respond(request: BaseHTTPRequestHandler) -> None:
        answering(200, b'{"keys": [')(request)
        try:
            while True:
                request.wfile.write(b" " * 65_536)
        except OSError:
            pass

    with (
        server(respond) as url,
        pytest.raises(NoKeys, match=f"more than {MAX_BYTES} bytes"),
    ):
        fetch_keys(url)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n{"])
def test_a_slow_answer_is_not_waited_for(before: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither if nothing comes nor if something does, drop by drop."""
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    done = Event()

    def respond(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(before)
        try:
            while before and not done.wait(0.02):
                request.wfile.write(b" ")
        except OSError:
            pass
        done.wait(10)

    with server(respond) as url:
        begun = monotonic()
        with pytest.raises(NoKeys, match=r"^There was no answer within 0.2 s\.$|timed out"):
            fetch_keys(url)
        took = monotonic() - begun
        done.set()

    assert took < 2


def test_who_does_not_answer_has_no_keys() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"

        with pytest.raises(NoKeys, match="ConnectionRefusedError"):
            fetch_keys(url)


@pytest.mark.parametrize("url", ["https://", "jwks.json", "http://127.0.0.1:port/", "https://[/"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(NoKeys):
        fetch_keys(url)


def test_https_is_not_believed_without_a_certificate() -> None:
    """Here a server that speaks plain HTTP answers the handshake."""
    with server(answering(200, jwks(ED.jwk))) as url, pytest.raises(NoKeys, match="SSL"):
        fetch_keys(url.replace("http:", "https:"))


def test_certificates_and_names_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []

    def note() -> ssl.SSLContext:
        made.append(ssl.create_default_context())
        return made[-1]

    monkeypatch.setattr(module, "create_default_context", note)
    with pytest.raises(NoKeys):
        fetch_keys("https://127.0.0.1:1/")

    (context,) = made
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
