"""A function loads what proves access tokens when one arrives, and not before."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dev import ROOT

pytestmark = pytest.mark.slow

PROOF = ("cryptography", "jwt", "tally.access.jwks", "tally.access.oidc")
# Prints which modules of PROOF are loaded after the function's start, then after each credential.
SCRIPT = """
import sys
sys.modules["OpenSSL"] = None  # botocore loads it where it is installed, and it cryptography

from functions.api.provider.dashboard.app import endpoint

print(*(name for name in {proof} if name in sys.modules), sep=",")
for credential in {credentials}:
    try:
        endpoint.authenticator.authenticate(credential, None, "2026-04-05T10:00:00.000000000Z")
    except Exception as error:
        assert type(error).__name__ == "Unauthorized", repr(error)
    print(*(name for name in {proof} if name in sys.modules), sep=",")
"""
SETTINGS = {
    "OIDC_ISSUER": "https://issuer.example",
    "OIDC_AUDIENCE": "tally",
    "OIDC_JWKS_URI": "",
    "OIDC_TENANT_CLAIM": "",
    "OIDC_SCOPE_CLAIM": "scope",
    "OIDC_SCOPE_PREFIX": "",
}
NO_KEY = "ipto_aaaaaaaaaaaa_" + "a" * 39


def loaded(*credentials: str, **settings: str) -> list[str]:
    """The modules of PROOF that a new process has, at its start and after each credential."""
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", SCRIPT.format(proof=PROOF, credentials=credentials)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | settings,
    )
    return done.stdout.splitlines()


def test_a_jwt_loads_it_and_no_other_credential_does() -> None:
    nothing, everything = "", ",".join(PROOF)

    assert loaded("", NO_KEY, f"{NO_KEY}.x", "a.b.c", **SETTINGS) == [*[nothing] * 4, everything]


def test_without_an_issuer_not_even_a_jwt_loads_it() -> None:
    assert loaded("a.b.c", OIDC_ISSUER="") == ["", ""]
