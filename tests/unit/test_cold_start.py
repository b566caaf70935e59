"""A function loads what it uses, when it uses it: a cold start pays for each import."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dev import ROOT
from dev.template import routes

pytestmark = pytest.mark.slow

# ------------------------------------------------------------------- what reads requests

IMPORTS = """
import sys
from importlib import import_module

for name in sys.argv[1:]:
    import_module(name)
    print(*(name for name in ("boto3", "pydantic") if name in sys.modules))
"""
READS_NO_BODY = [route for route in routes() if route.method in ("GET", "DELETE")]


def imported(*modules: str) -> list[str]:
    """Which of boto3 and pydantic a new process has after each import."""
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", IMPORTS, *modules],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PLATFORM_TENANT_ID": "platform"},
    )
    return done.stdout.splitlines()


def test_what_reads_no_body_loads_no_pydantic() -> None:
    modules = [route.module.__name__ for route in READS_NO_BODY]
    assert len(modules) > 15

    assert dict(zip(modules, imported(*modules), strict=True)) == dict.fromkeys(modules, "")


def test_what_reads_events_loads_it_and_no_type_of_event() -> None:
    modules = ("functions.api.events.ingest.app", "functions.api.admin.create_tenant.app")

    assert imported(*modules) == ["pydantic", "pydantic"]


# --------------------------------------------------------------- what proves access tokens

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
