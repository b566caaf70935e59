"""Forged sessions, and sessions of keys that are gone: all refused, in the same words."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from string import ascii_letters, digits
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.access.model.sessions import Session, parse_token, write_token
from tests import builders
from tests.api.answers import UNAUTHORIZED
from tests.api.keys import KEYS
from tests.api.sessions import UNTIL, admits, bearing, opened, signed
from tests.world import World

SPELLED_WITH = f"{ascii_letters}{digits}-_"
NOW = "2026-04-05T10:00:00.000000000Z"
VERSION = "11112222-3333-4444-5555-666677778888"
GRANTED = Session("abcdefghijkl", "acme", (Scope.USAGE_READ,), UNTIL)


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, "acme", "rival")


def forged(token: str, **said: Any) -> str:
    """The token with another payload under the old signature."""
    head, payload, signature = token.split(".")
    names = ("prefix", "tenant_id", "scopes", "expires_at")
    old = dict(zip(names, json.loads(_decoded(payload)), strict=True))
    return f"{head}.{_encoded(json.dumps(list((old | said).values())).encode())}.{signature}"


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _flipped(text: str, at: int) -> str:
    """Another character in its place, which stands for one other bit."""
    other = SPELLED_WITH[SPELLED_WITH.index(text[at]) ^ 1] if text[at] in SPELLED_WITH else "A"
    return text[:at] + other + text[at + 1 :]


def _other_spelling(token: str) -> str:
    """The last character of a signature holds two bits that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    assert _decoded(other.rpartition(".")[2]) == _decoded(token.rpartition(".")[2])
    return other


FORGERIES: dict[str, Callable[[str], str]] = {
    "more scopes": lambda token: forged(token, scopes=["usage:read", "admin:*"]),
    "another tenant": lambda token: forged(token, tenant_id="rival"),
    "another key": lambda token: forged(token, prefix="abcdefghijkl"),
    "a longer life": lambda token: forged(token, expires_at="2027-04-05T10:15:00.000000000Z"),
    "the same said with spaces": forged,
    "another spelling of the signature": _other_spelling,
    "padding": lambda token: f"{token}=",
    "padding of the payload": lambda token: "=.".join(token.rsplit(".", 1)),
    "no signature": lambda token: token.rpartition(".")[0],
    "an empty signature": lambda token: f"{token.rpartition('.')[0]}.",
    "a short signature": lambda token: token[:-1],
    "a longer signature": lambda token: f"{token}A",
    "a second signature": lambda token: f"{token}.{token.rpartition('.')[2]}",
    "in capitals": lambda token: token[:5].upper() + token[5:],
    "without its prefix": lambda token: token.removeprefix("sess_"),
    "with its prefix twice": lambda token: f"sess_{token}",
    "as a JWT without an algorithm": lambda token: f"eyJhbGciOiJub25lIn0.{token.split('.')[1]}.",
    "a line feed": lambda token: f"{token}\n",
    "other digits": lambda token: token.replace("-", "\N{FULLWIDTH HYPHEN-MINUS}", 1),
    "all of nothing": lambda _: "sess_",
    "a long one": lambda token: token + "A" * 8000,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_session(forgery: str, market: World) -> None:
    token = opened(market, market.key("acme", Scope.USAGE_READ))
    calls: list[str] = []

    with market.on_call(calls.append):
        assert bearing(market, FORGERIES[forgery](token)) == UNAUTHORIZED

    assert calls == []  # nothing is read for it
    assert admits(market, token)


def test_a_session_that_another_secret_signed(market: World) -> None:
    key, stored = market.new_key("acme", [Scope.ADMIN])
    version = market.secrets.versions[-1].version_id
    session = Session(stored.prefix, "acme", (Scope.ADMIN,), UNTIL)

    for secret in (b"", b"secret", b"guess", key.encode(), stored.secret_hash):
        assert bearing(market, write_token(session, version, secret), KEYS) == UNAUTHORIZED
    good = write_token(session, version, market.secrets.versions[-1].value.encode())
    assert bearing(market, good, KEYS).status == 200


@given(st.data())
def test_no_token_with_a_character_changed_is_proven(data: st.DataObject) -> None:
    token = write_token(GRANTED, VERSION, b"secret")
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(f"{SPELLED_WITH}.= \n"))
    changed = token[:at] + other + token[at + 1 :]

    parsed = parse_token(changed)

    proven = parsed and parsed.proven(b"secret")
    assert proven == (GRANTED if changed == token else None)


@given(st.data())
def test_no_token_that_is_cut_or_lengthened_is_proven(data: st.DataObject) -> None:
    token = write_token(GRANTED, VERSION, b"secret")
    at = data.draw(st.integers(0, len(token)))
    added = data.draw(st.text(f"{SPELLED_WITH}.", max_size=3))
    changed = token[:at] + added + token[at + data.draw(st.integers(0, 2)) :]

    parsed = parse_token(changed)

    assert (parsed and parsed.proven(b"secret")) == (GRANTED if changed == token else None)


def test_every_flipped_bit_of_a_signature(market: World) -> None:
    token = opened(market, market.key("acme", Scope.USAGE_READ))
    start = token.rindex(".") + 1

    flipped = [_flipped(token, at) for at in range(start, len(token))]

    assert {bearing(market, each).status for each in flipped} == {401}


# ----------------------------------------------------------------- keys that are gone


def test_a_key_that_is_revoked_expired_or_was_never_there(market: World) -> None:
    _, good = market.new_key("acme", [Scope.USAGE_READ])
    _, revoked = market.new_key("acme", [Scope.USAGE_READ], revoked_at=NOW)
    _, expired = market.new_key("acme", [Scope.USAGE_READ], expires_at=NOW)
    unknown = replace(good, prefix="abcdefghijkl")

    admitted = [admits(market, signed(market, key)) for key in (good, revoked, expired, unknown)]

    assert admitted == [True, False, False, False]


def test_a_stolen_secret_lends_no_more_than_the_key_has(market: World) -> None:
    _, own = market.new_key("acme", [Scope.USAGE_READ])
    _, admin = market.new_key("acme", [Scope.ADMIN])
    _, platform = market.new_key(PLATFORM, [Scope.USAGE_READ])

    refused = [
        signed(market, own, scopes=(Scope.USAGE_READ, Scope.BILLING_READ)),
        signed(market, own, scopes=(Scope.ADMIN,)),
        signed(market, own, tenant_id="rival"),
        signed(market, admin, tenant_id="rival"),
        signed(market, admin, tenant_id=PLATFORM),
        signed(market, platform, tenant_id="acme"),
        signed(market, admin, tenant_id="rival", scopes=(Scope.ADMIN,)),
        signed(market, own, expires_at=NOW),
    ]

    assert [bearing(market, token) for token in refused] == [UNAUTHORIZED] * len(refused)


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[]", b"null", b'["a","b",["usage:all"],"c"]', b"\xff", b'["a",1,2,3]']
)
def test_a_payload_of_another_release(payload: bytes) -> None:
    """It is signed, but says something else."""
    token = write_token(GRANTED, VERSION, b"secret")
    parsed = parse_token(token)
    assert parsed
    other = replace(parsed, payload=_encoded(payload))

    assert other.proven(b"secret") is None
