"""What the claims of an access token must say, whoever signed it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tally.access.model.access_tokens import Grant, Signer, Trust, granted, signer_named
from tally.access.model.scopes import Scope
from tests.issuers import AUDIENCE, CLAIMS, NOW_S, TRUST, without
from tests.world import NOW

READS = (Scope.USAGE_READ, Scope.BILLING_READ)
GRANT = Grant("acme", "dashboard", "user_auth0|alice", READS, "2026-04-05T11:00:00.000000000Z")
COGNITO = {
    **without(CLAIMS, "aud", "azp", "tenant_id"),
    "sub": "machine",
    "client_id": "machine",
    "token_use": "access",
}
OF_COGNITO = replace(TRUST, audiences=frozenset({"machine"}))
ID_TOKEN = without(CLAIMS, "scope")


def grant(claims: dict[str, Any], typ: Any = "at+jwt", trust: Trust = TRUST) -> Grant | None:
    header = {} if typ is None else {"typ": typ}
    return granted(trust, header, claims, NOW)


def changed(**claims: Any) -> dict[str, Any]:
    return {**CLAIMS, **claims}


# ------------------------------------------------------------------------- kinds of tokens


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", None])
def test_a_good_token_of_each_type(typ: str | None) -> None:
    assert grant(changed(), typ) == GRANT


@pytest.mark.parametrize(
    "typ", ["", "id+jwt", "dpop+jwt", "logout+jwt", "secevent+jwt", 1, ["JWT"]]
)
def test_tokens_of_other_types_are_refused(typ: Any) -> None:
    assert grant(changed(), typ) is None


@pytest.mark.parametrize(
    "marks",
    [
        {"token_use": "id"},
        {"token_use": "refresh"},
        {"token_use": None},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"nonce": "n"},
        {"at_hash": "h"},
        {"c_hash": "h"},
    ],
)
def test_id_and_refresh_tokens_are_refused(marks: dict[str, Any]) -> None:
    assert grant(changed(**marks), "JWT") is None


@pytest.mark.parametrize("typ", ["JWT", None])
def test_a_token_that_nothing_marks_as_an_access_token_is_refused(typ: str | None) -> None:
    assert grant(ID_TOKEN, typ) is None
    assert grant({**ID_TOKEN, "token_use": "access"}, typ) == GRANT._replace(scopes=())


@pytest.mark.parametrize("typ", ["at+jwt", "JWT"])
def test_a_token_that_is_bound_to_a_key_is_no_bearer_token(typ: str) -> None:
    assert grant(changed(cnf={"jkt": "thumbprint"}), typ) is None


def test_cognitos_id_token_is_refused_though_its_type_is_right() -> None:
    assert grant(changed(token_use="id")) is None


# ------------------------------------------------------------------------ issuer, audience


@pytest.mark.parametrize(
    "issuer",
    ["https://issuer.example", "https://issuer.example/tally/", "https://evil.example", None, 1],
)
def test_another_issuer(issuer: Any) -> None:
    assert grant(changed(iss=issuer)) is None
    assert grant(changed(iss=[CLAIMS["iss"]])) is None
    assert grant(without(CLAIMS, "iss")) is None


@pytest.mark.parametrize("audience", [AUDIENCE, ["https://other.example", AUDIENCE]])
def test_an_audience_may_be_one_of_several(audience: Any) -> None:
    assert grant(changed(aud=audience)) == GRANT


@pytest.mark.parametrize(
    "audience",
    [
        *("https://other.example", f"{AUDIENCE}/", f"{AUDIENCE},https://other.example"),
        *([], ["https://other.example"], [AUDIENCE, 1], None, {"any": AUDIENCE}),
    ],
)
def test_another_audience(audience: Any) -> None:
    assert grant(changed(aud=audience)) is None


def test_a_token_without_audience_is_for_its_client() -> None:
    machine = Grant(None, "machine", "client_machine", READS, GRANT.expires_at)

    assert grant(COGNITO, None, OF_COGNITO) == machine
    assert grant({**COGNITO, "client_id": "another"}, None, OF_COGNITO) is None
    assert grant({**COGNITO, "azp": "machine", "client_id": "x"}, None, OF_COGNITO) is None
    assert grant(without(COGNITO, "client_id"), None, OF_COGNITO) is None


def test_a_foreign_audience_is_not_made_good_by_the_client() -> None:
    assert grant({**COGNITO, "aud": "https://other.example"}, None, OF_COGNITO) is None


def test_without_audiences_nobody_is_believed() -> None:
    nobody = replace(TRUST, audiences=frozenset())

    assert grant(changed(), trust=nobody) is None
    assert grant(COGNITO, None, nobody) is None


# ---------------------------------------------------------------------------------- times


@pytest.mark.parametrize(
    "times",
    [
        {"exp": NOW_S + 1},
        {"exp": Decimal(NOW_S + 1) + Decimal("0.5")},
        {"iat": NOW_S + 30},
        {"nbf": NOW_S + 30},
        {"nbf": 0, "iat": 0},
    ],
)
def test_times_within_the_skew(times: dict[str, Any]) -> None:
    assert grant(changed(**times)) is not None
    assert grant(without(CLAIMS, "iat")) == GRANT


@pytest.mark.parametrize(
    "times",
    [
        {"exp": NOW_S},
        {"exp": NOW_S - 1},
        {"exp": Decimal(NOW_S) + Decimal("0.9")},
        {"exp": 0},
        {"exp": -1},
        {"exp": None},
        {"exp": True},
        {"exp": str(NOW_S + 60)},
        {"exp": [NOW_S + 60]},
        {"exp": 253_402_300_800},
        {"exp": 10**400},
        {"nbf": NOW_S + 31},
        {"nbf": None},
        {"nbf": "0"},
        {"nbf": -1},
        {"iat": NOW_S + 31},
        {"iat": True},
        {"iat": NOW_S + 20, "exp": NOW_S + 10},
        {"nbf": NOW_S + 20, "exp": NOW_S + 10},
    ],
)
def test_times_that_make_no_sense_or_are_not_now(times: dict[str, Any]) -> None:
    assert grant(changed(**times)) is None
    assert grant(without(CLAIMS, "exp")) is None


# --------------------------------------------------------------------- tenants and clients


@pytest.mark.parametrize(
    "tenant_id", ["", " acme", "acme\n", "a/b", "é", "a" * 65, None, 1, True, ["acme"], {"acme": 1}]
)
def test_a_claim_that_can_be_no_tenant_is_refused_and_no_link_is_looked_for(tenant_id: Any) -> None:
    assert grant(changed(tenant_id=tenant_id)) is None


def test_a_token_without_the_claim_stands_for_its_clients_tenant() -> None:
    linked = GRANT._replace(tenant_id=None)

    assert grant(without(CLAIMS, "tenant_id")) == linked
    assert grant(changed(), trust=replace(TRUST, tenant_claim="")) == linked
    assert grant(changed(), trust=replace(TRUST, tenant_claim="custom:tenant")) == linked


@pytest.mark.parametrize(
    ("named", "client_id", "subject"),
    [
        ({"client_id": "c", "azp": "d", "sub": "c"}, "c", "client_c"),
        ({"azp": "d"}, "d", "client_d"),
        ({"azp": "d", "sub": "d@clients"}, "d", "client_d"),
        ({"azp": "d", "sub": ""}, "d", "client_d"),
        ({"azp": "d", "sub": "bob"}, "d", "user_bob"),
        ({"sub": "key_k3j5k3j5k3j5"}, None, "user_key_k3j5k3j5k3j5"),
        (
            {"azp": "d", "sub": "bob\n{}"},
            "d",
            "user_a972315d3698ebe16e1302c92e298b9b30e21f2dd43bb286c9b7ee146cdb2462",
        ),
        ({"azp": "a b", "sub": "bob"}, None, "user_bob"),
    ],
)
def test_who_acts(named: dict[str, Any], client_id: str | None, subject: str) -> None:
    found = grant({**without(CLAIMS, "azp", "sub"), **named})

    assert found is not None
    assert (found.client_id, found.subject) == (client_id, subject)


@pytest.mark.parametrize(
    "named", [{}, {"sub": ""}, {"sub": 1}, {"client_id": 1, "sub": "bob"}, {"azp": ["d"]}]
)
def test_a_token_of_nobody_is_refused(named: dict[str, Any]) -> None:
    assert grant({**without(CLAIMS, "azp", "sub"), **named}) is None


def test_a_subject_is_short_and_plain_whatever_it_is() -> None:
    found = grant(changed(sub="x" * 5000))

    assert found is not None
    assert len(found.subject) == len("user_") + 64


# --------------------------------------------------------------------------------- scopes


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("tally/usage:read", (Scope.USAGE_READ,)),
        ("tally/usage:read tally/usage:read  tally/admin:*", (Scope.USAGE_READ, Scope.ADMIN)),
        (["tally/usage:read", "tally/fly"], (Scope.USAGE_READ,)),
        ("usage:read", ()),
        ("other/usage:read", ()),
        ("tally/tally/usage:read", ()),
        ("tally/USAGE:READ", ()),
        ("tally/usage:read,tally/admin:*", ()),
        ("tally/usage:read\ttally/admin:*", ()),
        ("", ()),
        ([], ()),
    ],
)
def test_scopes_have_the_prefix_and_are_known(scope: Any, scopes: tuple[Scope, ...]) -> None:
    assert grant(changed(scope=scope)) == GRANT._replace(scopes=scopes)


@pytest.mark.parametrize("scope", [None, 1, {"tally/admin:*": 1}, [["tally/admin:*"]], [None]])
def test_scopes_that_are_neither_text_nor_a_list(scope: Any) -> None:
    assert grant(changed(scope=scope)) is None


def test_scopes_may_be_in_another_claim_and_without_a_prefix() -> None:
    trust = replace(TRUST, scope_claim="scp", scope_prefix="")
    claims = {**without(CLAIMS, "scope"), "scp": ["usage:read", "billing:read", "tally/keys:write"]}

    assert grant(claims, "JWT", trust) == GRANT


# --------------------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "oct"}},
        {"x5c": ["cert"]},
    ],
)
def test_a_token_names_its_key_by_id_alone(others: dict[str, Any]) -> None:
    assert signer_named({"alg": "RS256", "kid": "k", **others}) == Signer("k", "RS256")


@pytest.mark.parametrize(
    "header",
    [
        *({"alg": alg, "kid": "k"} for alg in ("none", "None", "HS256", "HS512", "PS256", "RS512")),
        *({"alg": alg, "kid": "k"} for alg in ("ES384", "ES256K", "rs256", "", None, ["RS256"])),
        *({"alg": "RS256", "kid": kid} for kid in ("", None, 1, ["k"], "k" * 257)),
        {"alg": "RS256"},
        {"kid": "k"},
        {"alg": "RS256", "kid": "k", "crit": ["exp"], "exp": 1},
        {"alg": "RS256", "kid": "k", "crit": []},
        {"alg": "RS256", "kid": "k", "b64": False},
        {"alg": "RS256", "kid": "k", "b64": True},
    ],
)
def test_headers_that_no_key_can_have_signed(header: dict[str, Any]) -> None:
    assert signer_named(header) is None
