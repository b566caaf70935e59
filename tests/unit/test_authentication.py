"""A credential is proved by what it looks like."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tally.access.authentication import authenticator_for
from tally.access.model.callers import Caller, Proof
from tally.access.model.scopes import Scope
from tally.kernel.errors import Unauthorized

NOW = "2026-04-05T10:00:00.000000000Z"
JWT = "eyJhbGciOiJub25lIn0.e30."
KNOWN = Caller("acme", (Scope.USAGE_READ,), "client_1", None, Proof.ACCESS_TOKEN)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What is asked of the issuer's module."""
    seen: list[tuple[str, bool]] = []

    def prove(token: str, _table: Any, _now: str, *, remembers: bool) -> Caller:
        seen.append((token, remembers))
        return KNOWN

    module: Any = SimpleNamespace(prove_access_token=prove)
    monkeypatch.setitem(sys.modules, "tally.access.oidc", module)
    return seen


def prove(credential: str, scope: Scope | None = Scope.USAGE_READ) -> Caller:
    """Without a table: nothing is to be read."""
    table: Any = None
    return authenticator_for(scope).authenticate(credential, table, NOW)


def test_a_jwt_goes_to_the_issuer(
    asked: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "https://issuer.example")

    callers = [prove(JWT), prove(JWT, Scope.KEYS_WRITE), prove(JWT, None)]

    assert callers == [KNOWN] * 3
    assert asked == [(JWT, True), (JWT, False), (JWT, False)]


@pytest.mark.parametrize("credential", ["ipto_a_b", "sess_a.b.c", "a.b", "a.b.c.d", ""])
def test_nothing_else_does(
    credential: str, asked: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "https://issuer.example")

    with pytest.raises(Unauthorized):
        prove(credential)
    assert asked == []


@pytest.mark.parametrize("issuer", ["", None])
def test_without_an_issuer_a_jwt_is_nothing(
    issuer: str | None, asked: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OIDC_ISSUER", raising=False)
    if issuer is not None:
        monkeypatch.setenv("OIDC_ISSUER", issuer)

    with pytest.raises(Unauthorized):
        prove(JWT)
    assert asked == []


def test_the_issuers_module_is_not_loaded_before() -> None:
    code = (
        "import sys, tally.access.authentication; "
        "print([m for m in ('tally.access.oidc', 'jwt') if m in sys.modules])"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own code

    assert said.stdout == "[]\n"
