"""An OIDC issuer in this process: it signs tokens and publishes its keys."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import Algorithm, get_default_algorithms

from tally.access.issuer_keys import IssuerKeys
from tally.access.jwks import KeySet, NoKeys, keys_in
from tally.access.model.access_tokens import Trust
from tally.access.oidc import AccessTokens
from tally.kernel.instants import to_datetime
from tests.world import NOW

ISSUER = "https://issuer.example/tally"
AUDIENCE = "https://api.example"
NOW_S = int(to_datetime(NOW).timestamp())
TRUST = Trust(
    issuer=ISSUER,
    audiences=frozenset({AUDIENCE}),
    tenant_claim="tenant_id",
    scope_claim="scope",
    scope_prefix="tally/",
)
CLAIMS: Mapping[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "auth0|alice",
    "azp": "dashboard",
    "scope": "openid tally/usage:read tally/billing:read other/admin:*",
    "tenant_id": "acme",
    "iat": NOW_S - 60,
    "exp": NOW_S + 3600,
}


@dataclass(frozen=True)
class SigningKey:
    """A key with its id, and the algorithm that it signs with."""

    key_id: str
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half, as an issuer publishes it."""
        return self._signer.to_jwk(self.private.public_key(), as_dict=True) | {
            "kid": self.key_id,
            "alg": self.algorithm,
            "use": "sig",
        }

    def sign(self, signed: bytes) -> bytes:
        return self._signer.sign(signed, self.private)

    @property
    def _signer(self) -> Algorithm:
        return get_default_algorithms()[self.algorithm]


@cache
def rsa_key(key_id: str, bits: int = 2048) -> SigningKey:
    return SigningKey(key_id, "RS256", generate_rsa(65537, bits))


@cache
def ec_key(key_id: str) -> SigningKey:
    return SigningKey(key_id, "ES256", generate_private_key(SECP256R1()))


@cache
def ed_key(key_id: str) -> SigningKey:
    return SigningKey(key_id, "EdDSA", Ed25519PrivateKey.generate())


RSA, EC, ED = rsa_key("rsa-1"), ec_key("ec-1"), ed_key("ed-1")


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def as_json(part: Mapping[str, Any] | str) -> bytes:
    """Text is JSON already, such as no dictionary can be."""
    return (part if isinstance(part, str) else json.dumps(part)).encode()


def jwt(
    header: Mapping[str, Any] | str,
    claims: Mapping[str, Any] | str,
    key: SigningKey,
) -> str:
    """A token of exactly this header and these claims, signed with the key."""
    signed = f"{base64url(as_json(header))}.{base64url(as_json(claims))}"
    return f"{signed}.{base64url(key.sign(signed.encode()))}"


def header_of(key: SigningKey, **others: Any) -> dict[str, Any]:
    return {"alg": key.algorithm, "kid": key.key_id, "typ": "at+jwt"} | others


def without(claims: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if name not in names}


def token(key: SigningKey = RSA, **claims: Any) -> str:
    """A good token, but for claims that are named otherwise."""
    return jwt(header_of(key), {**CLAIMS, **claims}, key)


@dataclass
class Issuer:
    """`published`: its JWKS, or why it does not answer. `fetches`: how often it was asked."""

    published: list[SigningKey] | bytes | str = field(default_factory=lambda: [RSA, EC, ED])
    fetches: int = 0

    def fetch(self) -> KeySet:
        self.fetches += 1
        if isinstance(self.published, str):
            raise NoKeys(self.published)
        if isinstance(self.published, bytes):
            return keys_in(self.published)
        return keys_in(jwks(*(key.jwk for key in self.published)))

    def keys(self) -> IssuerKeys:
        """As a new process knows them: not at all."""
        return IssuerKeys(self.fetch)

    def access_tokens(self, trust: Trust = TRUST) -> AccessTokens:
        return AccessTokens(trust, self.keys())


def jwks(*listed: Any) -> bytes:
    return json.dumps({"keys": listed}).encode()
