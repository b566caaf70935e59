"""Access tokens of the OIDC issuer: what the API lets in, and all that it refuses."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dev.gateway import Answer
from tally.access import clients, oidc
from tally.access.model.access_tokens import Trust
from tally.access.model.callers import Caller, Proof
from tally.access.model.scopes import Scope
from tally.access.oidc import AccessTokens, access_tokens, jwks_url, prove_access_token, trust_of
from tally.audit.model import Actor, ActorType
from tally.kernel.errors import AlreadyExists, InvalidRequest, NotFound, Unauthorized
from tests.api.answers import UNAUTHORIZED, answer, failure, lacks
from tests.issuers import (
    CLAIMS,
    EC,
    ED,
    ISSUER,
    NOW_S,
    RSA,
    Issuer,
    SigningKey,
    as_json,
    base64url,
    ec_key,
    header_of,
    jwt,
    rsa_key,
    token,
    without,
)
from tests.world import World, new_world

OPERATOR = Actor(ActorType.OPERATOR, "arn:aws:iam::1:user/op")
SPEND = "/v1/buyer/spend"
LINKED = without(CLAIMS, "tenant_id")


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def market(world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world that trusts the issuer, with two tenants."""
    world.tenant("acme")
    world.tenant("globex")
    trust(monkeypatch, issuer.access_tokens())
    return world


def trust(monkeypatch: pytest.MonkeyPatch, tokens: AccessTokens) -> None:
    monkeypatch.setenv("OIDC_ISSUER", ISSUER)
    monkeypatch.setattr(oidc, "access_tokens", lambda: tokens)


def bearer(world: World, text: str, path: str = SPEND) -> Answer:
    return world.request("GET", path, headers={"Authorization": f"Bearer {text}"})


def link(world: World, client_id: str, tenant_id: str) -> None:
    clients.link_client(world.table, client_id, tenant_id, actor=OPERATOR, now=world.now)


def unlink(world: World, client_id: str) -> None:
    clients.unlink_client(world.table, client_id, actor=OPERATOR, now=world.now)


# ------------------------------------------------------------------------------ let in


@pytest.mark.parametrize("key", [RSA, EC, ED], ids=lambda key: key.algorithm)
def test_a_token_is_a_credential(key: SigningKey, market: World) -> None:
    with_a_key = market.request("GET", SPEND, key=market.key("acme"))

    assert with_a_key.status == 200
    assert bearer(market, token(key)) == with_a_key


def test_whose_a_token_is_and_until_when(market: World) -> None:
    caller = prove_access_token(token(), market.table, market.now)

    assert caller == Caller(
        "acme",
        (Scope.USAGE_READ, Scope.BILLING_READ),
        "user_auth0|alice",
        "2026-04-05T11:00:00.000000000Z",
        Proof.ACCESS_TOKEN,
    )


def test_a_scope_that_the_token_lacks(market: World) -> None:
    assert bearer(market, token(scope="tally/usage:read")) == lacks("billing:read")


def test_what_a_header_says_of_keys_is_ignored(market: World) -> None:
    mine = rsa_key("mine")
    others = {"jku": "https://evil.example", "x5u": "https://evil.example", "jwk": mine.jwk}

    assert bearer(market, jwt(header_of(RSA, **others), CLAIMS, RSA)).status == 200
    assert bearer(market, jwt(header_of(RSA, **others), CLAIMS, mine)) == UNAUTHORIZED


def test_without_an_issuer_no_token_is_let_in(
    market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "")

    assert bearer(market, token()) == UNAUTHORIZED


# ------------------------------------------------------------------------------ refused


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any] = CLAIMS) -> str:
    return f"{base64url(as_json(header))}.{base64url(as_json(claims))}."


def with_hmac(secret: bytes) -> str:
    """HS256 with what everybody knows of the issuer's RSA key."""
    signed = unsigned({"alg": "HS256", "kid": RSA.key_id, "typ": "at+jwt"})[:-1]
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64url(mac)}"


def public_pem(key: SigningKey) -> bytes:
    public: bytes = key.private.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return public


def twice(part: Mapping[str, Any], name: str, value: Any) -> str:
    """JSON with a member twice, of which some readers see the first and some the last."""
    return f'{{"{name}": {json.dumps(value)}, {json.dumps(part)[1:]}'


def tampered(text: str, **claims: Any) -> str:
    """The signature of a token under other claims."""
    header, _, signature = text.split(".")
    return f"{header}.{base64url(as_json({**CLAIMS, **claims}))}.{signature}"


def last_bits(text: str) -> str:
    """Spelt differently, but the same bytes for a lenient reader of base64."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def claimed(**claims: Any) -> Callable[[], str]:
    return lambda: token(**claims)


def headed(**header: Any) -> Callable[[], str]:
    return lambda: jwt(header_of(RSA, **header), CLAIMS, RSA)


FORGED: Mapping[str, Callable[[], str]] = {
    "alg none": lambda: unsigned({"alg": "none", "kid": "rsa-1", "typ": "at+jwt"}),
    "alg NONE": lambda: unsigned({"alg": "NONE", "kid": "rsa-1", "typ": "at+jwt"}),
    "alg none, signed": headed(alg="none"),
    "no signature": lambda: unsigned(header_of(RSA)),
    "an empty signature": lambda: unsigned(header_of(RSA)) + "AA",
    "HS256 with the public key as PEM": lambda: with_hmac(public_pem(RSA)),
    "HS256 with the public key as JWK": lambda: with_hmac(as_json(RSA.jwk)),
    "HS256 with the modulus": lambda: with_hmac(RSA.jwk["n"].encode()),
    "HS256 with nothing": lambda: with_hmac(b""),
    "RS256 against an EC key": headed(kid="ec-1"),
    "ES256 against an RSA key": lambda: jwt(header_of(EC, kid="rsa-1"), CLAIMS, EC),
    "ES256 against an Ed25519 key": lambda: jwt(header_of(EC, kid="ed-1"), CLAIMS, EC),
    "RS256 said to be EdDSA": headed(alg="EdDSA"),
    "RS512": headed(alg="RS512"),
    "PS256": headed(alg="PS256"),
    "a key of somebody else, under a known id": lambda: jwt(
        header_of(RSA), CLAIMS, replace(rsa_key("other"), key_id="rsa-1")
    ),
    "another EC key under a known id": lambda: jwt(header_of(EC), CLAIMS, ec_key("other")),
    "an unknown id": lambda: token(rsa_key("rsa-0")),
    "no id": lambda: jwt(without(header_of(RSA), "kid"), CLAIMS, RSA),
    "an id that is a path": headed(kid="../../rsa-1"),
    "an id in a list": headed(kid=["rsa-1"]),
    "crit": headed(crit=["exp"]),
    "crit of nothing": headed(crit=[]),
    "b64": headed(b64=False),
    "b64 in crit": headed(b64=False, crit=["b64"]),
    "typ of an ID token": headed(typ="id+jwt"),
    "typ in a list": headed(typ=["at+jwt"]),
    "an ID token": lambda: jwt(
        header_of(RSA, typ="JWT"), {**without(CLAIMS, "scope"), "nonce": "n"}, RSA
    ),
    "Cognito's ID token": claimed(token_use="id"),
    "bound to a key": claimed(cnf={"jkt": "thumbprint"}),
    "another issuer": claimed(iss="https://evil.example"),
    "an issuer with a slash": claimed(iss=f"{ISSUER}/"),
    "issuers": claimed(iss=[ISSUER, "https://evil.example"]),
    "no issuer": lambda: jwt(header_of(RSA), without(CLAIMS, "iss"), RSA),
    "another audience": claimed(aud="https://other.example"),
    "no audience": lambda: jwt(header_of(RSA), without(CLAIMS, "aud"), RSA),
    "expired": claimed(exp=NOW_S),
    "for ever": lambda: jwt(header_of(RSA), without(CLAIMS, "exp"), RSA),
    "until infinity": lambda: jwt(
        header_of(RSA), json.dumps({**CLAIMS, "exp": 1}).replace('"exp": 1', '"exp": 1e999'), RSA
    ),
    "until NaN": lambda: jwt(
        header_of(RSA), as_json({**CLAIMS, "exp": float("nan")}).decode(), RSA
    ),
    "not valid yet": claimed(nbf=NOW_S + 60),
    "issued in the future": claimed(iat=NOW_S + 60),
    "a tenant that does not exist": claimed(tenant_id="nobody"),
    "a tenant that cannot exist": claimed(tenant_id="acme\n"),
    "tenants": claimed(tenant_id=["acme"]),
    "no tenant": claimed(tenant_id=None),
    "no tenant and no link": lambda: jwt(header_of(RSA), LINKED, RSA),
    "no subject": lambda: jwt(header_of(RSA), without(CLAIMS, "sub", "azp"), RSA),
    "scopes in an object": claimed(scope={"tally/admin:*": True}),
    "other claims under the same signature": lambda: tampered(token(), tenant_id="globex"),
    "a header with alg twice": lambda: jwt(twice(header_of(RSA), "alg", "none"), CLAIMS, RSA),
    "a header with kid twice": lambda: jwt(twice(header_of(RSA), "kid", "ed-1"), CLAIMS, RSA),
    "claims with iss twice": lambda: jwt(header_of(RSA), twice(CLAIMS, "iss", "x"), RSA),
    "claims with tenant_id twice": lambda: jwt(
        header_of(RSA), twice(CLAIMS, "tenant_id", "globex"), RSA
    ),
    "claims with an escaped name twice": lambda: jwt(
        header_of(RSA), twice(CLAIMS, "\\u0074enant_id", "globex"), RSA
    ),
    "deeper claims with a name twice": lambda: jwt(
        header_of(RSA), twice(CLAIMS, "x", 1).replace('"x": 1', '"x": {"y": 1, "y": 2}'), RSA
    ),
    "half of a surrogate pair": lambda: jwt(
        header_of(RSA), json.dumps({**CLAIMS, "sub": "\ud800"}), RSA
    ),
    "claims in a list": lambda: jwt(header_of(RSA), json.dumps([CLAIMS]), RSA),
    "a header that is text": lambda: jwt('"RS256"', CLAIMS, RSA),
    "a byte order mark": lambda: jwt(header_of(RSA), "\ufeff" + json.dumps(CLAIMS), RSA),
    "JSON with more behind it": lambda: jwt(header_of(RSA), json.dumps(CLAIMS) + "{}", RSA),
    "deep claims": lambda: jwt(header_of(RSA), "[" * 4000 + "]" * 4000, RSA),
    "a number of many digits": lambda: jwt(
        header_of(RSA), twice(CLAIMS, "x", 1).replace('"x": 1', f'"x": {"9" * 4400}'), RSA
    ),
    "padding": lambda: token() + "=",
    "a line break": lambda: token() + "\n",
    "other bits at the end": lambda: last_bits(token()),
    "standard base64": lambda: token().replace("-", "+").replace("_", "/") + "/",
    "only dots": lambda: "..",
    "no JSON": lambda: "a.b.c",
    "four parts": lambda: token() + ".AA",
    "five parts": lambda: "a.b.c.d.e",
    "a part of one character": lambda: "A." + token().partition(".")[2],
}


@pytest.fixture(scope="module")
def one_world() -> Iterator[World]:
    """For tests that change nothing."""
    with new_world() as world:
        world.tenant("acme")
        world.tenant("globex")
        yield world


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused_like_any_other_credential(
    forge: Callable[[], str], one_world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, issuer.access_tokens())

    with one_world.unchanged():
        assert bearer(one_world, forge()) == UNAUTHORIZED


@pytest.mark.parametrize(
    "name",
    ["alg none", "crit", "another issuer", "another audience", "expired", "Cognito's ID token"],
)
def test_what_no_key_can_make_good_fetches_none(name: str, market: World, issuer: Issuer) -> None:
    assert bearer(market, FORGED[name]()) == UNAUTHORIZED

    assert issuer.fetches == 0


@pytest.mark.parametrize("length", [8193, 100_000, 1_000_000])
def test_a_huge_token_is_not_even_read(
    length: int, market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "load_json", lambda _: pytest.fail("it was read"))
    text = token()

    huge = text.replace(".", f".{'A' * (length - len(text))}", 1)

    assert len(huge) == length
    assert bearer(market, huge) == UNAUTHORIZED


def test_a_token_of_the_greatest_length_is_read(market: World) -> None:
    padding = (8192 - len(token(x=""))) * 3 // 4
    longest = token(x="x" * padding)

    assert 8190 <= len(longest) <= 8192
    assert bearer(market, longest).status == 200


# ------------------------------------------------------------------------------- outages


def test_an_outage_is_not_the_callers_fault_if_the_token_may_be_good(
    market: World, issuer: Issuer
) -> None:
    issuer.published = "down"

    assert bearer(market, token()) == answer(
        503,
        failure("unavailable", "The issuer's keys cannot be had now; send the request again."),
        Retry_After="1",
    )
    assert bearer(market, token(exp=NOW_S)) == UNAUTHORIZED


def test_an_outage_logs_out_nobody_whose_key_is_known(market: World, issuer: Issuer) -> None:
    bearer(market, token(exp=NOW_S + 86_400))
    issuer.published = "down"
    market.wait(hours=12)

    assert bearer(market, token(exp=NOW_S + 86_400)).status == 200
    assert bearer(market, token(rsa_key("rsa-2"), exp=NOW_S + 86_400)).status == 503


def test_a_new_key_is_good_within_a_minute_and_an_old_one_bad_within_five(
    market: World, issuer: Issuer
) -> None:
    bearer(market, token())
    issuer.published = [RSA, rsa_key("rsa-2")]
    market.wait(minutes=1)

    assert bearer(market, token(rsa_key("rsa-2"))).status == 200
    assert bearer(market, token()).status == 200
    issuer.published = [rsa_key("rsa-2")]
    market.wait(minutes=5)
    assert bearer(market, token()).status == 401
    assert issuer.fetches == 3


# --------------------------------------------------------------------------------- links


def test_a_client_that_is_linked_stands_for_its_tenant(market: World) -> None:
    link(market, "dashboard", "globex")

    caller = prove_access_token(jwt(header_of(RSA), LINKED, RSA), market.table, market.now)

    assert caller.tenant_id == "globex"


def test_a_link_is_its_clients_alone(market: World) -> None:
    link(market, "dashboard", "globex")
    claims = {**LINKED, "azp": "another"}

    assert bearer(market, jwt(header_of(RSA), claims, RSA)) == UNAUTHORIZED


def test_a_claim_that_names_no_tenant_is_not_replaced_by_a_link(market: World) -> None:
    link(market, "dashboard", "globex")

    assert bearer(market, token(tenant_id="nobody")) == UNAUTHORIZED
    assert bearer(market, token(tenant_id="")) == UNAUTHORIZED


def test_an_unlinked_client_is_forgotten_within_30_seconds(market: World) -> None:
    market.warm = True
    link(market, "dashboard", "globex")
    text = jwt(header_of(RSA), LINKED, RSA)
    assert bearer(market, text).status == 200

    unlink(market, "dashboard")

    assert bearer(market, text).status == 200
    market.wait(seconds=29)
    assert bearer(market, text).status == 401


def test_an_unlinked_client_issues_nothing_from_that_moment(market: World) -> None:
    market.warm = True
    link(market, "dashboard", "globex")
    text = jwt(header_of(RSA), {**LINKED, "scope": "tally/keys:write"}, RSA)
    assert bearer(market, text, "/v1/api-keys").status == 200

    unlink(market, "dashboard")

    assert bearer(market, text, "/v1/api-keys") == UNAUTHORIZED


def test_a_client_has_one_tenant_at_a_time(market: World) -> None:
    link(market, "dashboard", "acme")
    with market.unchanged():
        link(market, "dashboard", "acme")
        with pytest.raises(AlreadyExists, match="linked to acme; unlink it first"):
            link(market, "dashboard", "globex")
    unlink(market, "dashboard")
    link(market, "dashboard", "globex")

    assert [(each.client_id, each.tenant_id) for each in clients.list_links(market.table)] == [
        ("dashboard", "globex")
    ]


def test_what_cannot_be_linked(market: World) -> None:
    with market.unchanged():
        with pytest.raises(NotFound, match=r"^Tenant nobody does not exist\.$"):
            link(market, "dashboard", "nobody")
        for client_id in ("", "a b", "a#b", "é", "a\n", "x" * 129):
            with pytest.raises(InvalidRequest, match="A client's id has"):
                link(market, client_id, "acme")
            with pytest.raises(NotFound):
                unlink(market, client_id)
        with pytest.raises(NotFound, match=r"^Client dashboard is not linked\.$"):
            unlink(market, "dashboard")


def test_links_are_in_the_audit_trail(market: World) -> None:
    link(market, "dashboard", "acme")
    unlink(market, "dashboard")

    told = [
        (item["deed"]["S"], item["target"]["S"], item["tenant_id"]["S"], item["actor"]["S"])
        for item in market.items()
        if item.get("target", {}).get("S") == "dashboard"
    ]

    assert sorted(told) == [
        ("oidc_client.linked", "dashboard", "acme", OPERATOR.subject),
        ("oidc_client.unlinked", "dashboard", "acme", OPERATOR.subject),
    ]


# ---------------------------------------------------------------------- further credentials


def test_a_key_that_a_token_makes_expires_with_the_token(market: World) -> None:
    made = market.request(
        "POST",
        "/v1/api-keys",
        headers={"Authorization": f"Bearer {token(scope='tally/keys:write')}"},
        json_body={"name": "n", "scopes": ["keys:write"], "expires_at": "2030-01-01T00:00:00Z"},
    )

    assert (made.status, made.body["data"]["expires_at"]) == (201, "2026-04-05T11:00:00Z")


def test_a_token_opens_no_session(market: World) -> None:
    opened = market.request(
        "POST",
        "/v1/sessions",
        headers={"Authorization": f"Bearer {token()}"},
        json_body={"scopes": ["usage:read"]},
    )

    assert opened.status == 403


# -------------------------------------------------------------------------- configuration


SETTINGS = {
    "OIDC_ISSUER": ISSUER,
    "OIDC_AUDIENCE": "one,,two",
    "OIDC_JWKS_URI": "",
    "OIDC_TENANT_CLAIM": "",
    "OIDC_SCOPE_CLAIM": "scope",
    "OIDC_SCOPE_PREFIX": "",
}


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, f"{ISSUER}/.well-known/jwks.json"),
        ({"OIDC_ISSUER": f"{ISSUER}/"}, f"{ISSUER}/.well-known/jwks.json"),
        ({"OIDC_JWKS_URI": "https://keys.example/k?v=1"}, "https://keys.example/k?v=1"),
        ({"OIDC_JWKS_URI": "/pool/keys"}, "http://127.0.0.1:4566/pool/keys"),
    ],
)
def test_where_the_keys_are(settings: dict[str, str], url: str) -> None:
    local = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}

    assert jwks_url(SETTINGS | local | settings) == url


@pytest.mark.parametrize("uri", ["http://keys.example/", "ftp://keys.example/", "keys.json"])
def test_keys_come_over_https(uri: str) -> None:
    with pytest.raises(ValueError, match=r"^keys must come over HTTPS, not from "):
        jwks_url(SETTINGS | {"OIDC_JWKS_URI": uri})


def test_the_audiences_are_separated_by_commas() -> None:
    assert trust_of(SETTINGS) == Trust(
        issuer=ISSUER, audiences=frozenset({"one", "two"}), tenant_claim="", scope_prefix=""
    )


def test_a_process_has_one_set_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    access_tokens.cache_clear()
    try:
        assert access_tokens() is access_tokens()
    finally:
        access_tokens.cache_clear()


def test_a_wrong_token_is_unauthorized_by_itself(market: World) -> None:
    with pytest.raises(Unauthorized):
        prove_access_token("a.b.c", market.table, market.now)
