"""The issuer's keys as it publishes them: fetched over HTTPS, and what a token is proved with.

Importing this loads PyJWT and cryptography: only what proves access tokens may do so.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import create_default_context
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jwt import PyJWK, PyJWS
from jwt.exceptions import PyJWTError

from tally.access.model.access_tokens import ALGORITHMS
from tally.kernel.errors import TallyError
from tally.wire.json import load_json

TIMEOUT_S = 2.0
MAX_BYTES = 256 * 1024
MAX_KEYS = 64
_RSA_BITS = range(2048, 8193)

_CURVES: Mapping[tuple[object, object], str] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
_JWS = PyJWS(algorithms=ALGORITHMS)


class NoKeys(Exception):
    """The issuer's keys cannot be had now; says why."""


class PublicKey(NamedTuple):
    """A key of the issuer. It proves signatures of one algorithm, whatever a token claims."""

    algorithm: str
    key: PyJWK

    def signed(self, token: str) -> bool:
        """Whether the token has its signature."""
        try:
            _JWS.decode(token, self.key, algorithms=[self.algorithm])
        except PyJWTError:
            return False
        return True


type KeySet = Mapping[str, PublicKey]
"""Key id -> key."""


def fetch_keys(url: str) -> KeySet:
    """NoKeys unless a JWKS comes back within TIMEOUT_S. `url`: `http:` is for the local stack."""
    return keys_in(_fetch(url))


def keys_in(document: bytes) -> KeySet:
    """The usable keys of a JWKS, of those that come first. NoKeys if it is none."""
    try:
        jwks = load_json(document)
    except TallyError as error:
        raise NoKeys(error.message) from error
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list):
        raise NoKeys("The answer is not a JWKS.")
    keys: dict[str, PublicKey] = {}
    for jwk in listed[:MAX_KEYS]:
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str):
            key = _public_key(jwk)
            if key:
                keys.setdefault(jwk["kid"], key)
    return keys


def _public_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    """None if it is malformed, secret, weak, or not for signatures of ours."""
    kind = jwk.get("kty"), jwk.get("crv")
    algorithm = _CURVES.get(kind) if all(isinstance(k, str | None) for k in kind) else None
    operations = jwk.get("key_ops", ["verify"])
    if (
        algorithm is None
        or jwk.get("alg", algorithm) != algorithm
        or jwk.get("use", "sig") != "sig"
        or not isinstance(operations, list)
        or "verify" not in operations
        or "d" in jwk
    ):
        return None
    try:
        key = PyJWK(dict(jwk), algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    if algorithm == "RS256" and key.key.key_size not in _RSA_BITS:
        return None
    return PublicKey(algorithm, key)


# --------------------------------------------------------------------------- fetching


def _fetch(url: str) -> bytes:
    """The body of the answer, in a thread of its own: nothing else bounds the whole of looking up
    a name, connecting, and reading what comes drop by drop."""
    outcome: list[bytes | NoKeys] = []

    def fetch() -> None:
        try:
            outcome.append(_body_of(url))
        except NoKeys as error:
            outcome.append(error)
        except (OSError, HTTPException, ValueError) as error:
            outcome.append(NoKeys(repr(error)))

    thread = Thread(target=fetch, daemon=True, name="jwks")
    thread.start()
    thread.join(TIMEOUT_S)
    answer = outcome[0] if outcome else NoKeys(f"There was no answer within {TIMEOUT_S:g} s.")
    if isinstance(answer, NoKeys):
        raise answer
    return answer


def _body_of(url: str) -> bytes:
    """NoKeys, OSError, HTTPException or ValueError if it cannot be had."""
    parts = urlsplit(url)
    if parts.hostname is None:
        raise NoKeys(f"{url} is not an address.")
    connection = (
        HTTPSConnection(
            parts.hostname, parts.port, timeout=TIMEOUT_S, context=create_default_context()
        )
        if parts.scheme == "https"
        else HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    )
    with closing(connection):
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request("GET", path, headers={"Accept": "application/json"})
        with connection.getresponse() as response:
            if response.status != 200:  # also a redirect: nobody but us says where the keys are
                raise NoKeys(f"The answer's status is {response.status}.")
            body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise NoKeys(f"The answer has more than {MAX_BYTES} bytes.")
        return body
