"""What an access token of the OIDC issuer says, and whether it may be believed once it is proved.

Nothing here proves a signature. A token that is refused here needs no key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tally.access.model.scopes import Scope
from tally.kernel.instants import Instant, to_datetime, to_instant

CLOCK_SKEW_S = 30
"""How far the issuer's clock may be ahead of ours. Nothing is added to a token's expiry."""

ALGORITHMS = ("RS256", "ES256", "EdDSA")

_ACCESS_TOKEN_TYPES = ("at+jwt", "application/at+jwt")
_MARKS_OF_ID_TOKENS = ("nonce", "at_hash", "c_hash")
# `crit` demands what we do not know, and `b64` changes what was signed.
_REFUSED_HEADERS = ("crit", "b64")

_LONGEST_KEY_ID = 256
_TENANT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CLIENT_ID = re.compile(r"[A-Za-z0-9._~:/@|+=-]{1,128}", re.ASCII)
_END_OF_TIME_S = 253_402_300_800  # the year 10000, which has no Instant


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose tokens are believed, and what is read in them.

    `audiences`: one of them must be in `aud`, or be the `client_id` of a token without `aud`.
    `tenant_claim`: names the tenant; "" if only linked clients do. `scope_claim`: text with spaces
    or a list. `scope_prefix`: what stands before each of our scopes; others are somebody else's.
    """

    issuer: str
    audiences: frozenset[str]
    tenant_claim: str = ""
    scope_claim: str = "scope"
    scope_prefix: str = ""


class Signer(NamedTuple):
    """The key that a token's header names, and the algorithm it claims."""

    key_id: str
    algorithm: str


class Grant(NamedTuple):
    """What a token gives, if its signature is good.

    Without a `tenant_id` it stands for the tenant that its client is linked to.
    """

    tenant_id: str | None
    client_id: str | None
    subject: str
    scopes: tuple[Scope, ...]
    expires_at: Instant


def is_client_id(text: object) -> bool:
    """Whether a client with this id can be linked to a tenant."""
    return isinstance(text, str) and _CLIENT_ID.fullmatch(text) is not None


def signer_named(header: Mapping[str, Any]) -> Signer | None:
    """None if no key of ours could have signed so. Nothing else in a header is heeded: `jku`,
    `x5u`, `jwk` and `x5c` name keys that only the token vouches for."""
    key_id, algorithm = header.get("kid"), header.get("alg")
    if any(name in header for name in _REFUSED_HEADERS) or algorithm not in ALGORITHMS:
        return None
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        return None
    return Signer(key_id, algorithm)


def granted(
    trust: Trust, header: Mapping[str, Any], claims: Mapping[str, Any], now: Instant
) -> Grant | None:
    """None if the token is not an access token for us, or not valid now."""
    client_id = next((claims[name] for name in ("client_id", "azp") if name in claims), None)
    expires_at = _end_of(claims, to_datetime(now).timestamp())
    scopes = _scopes_in(claims.get(trust.scope_claim, ""), trust.scope_prefix)
    subject = _subject(claims.get("sub"), client_id)
    if (
        claims.get("iss") != trust.issuer
        or not _is_for_us(trust, claims)
        or not _is_access_token(trust, header, claims)
        or expires_at is None
        or scopes is None
        or subject is None
    ):
        return None
    tenant_id = None
    if trust.tenant_claim and trust.tenant_claim in claims:
        tenant_id = claims[trust.tenant_claim]
        if not isinstance(tenant_id, str) or not _TENANT_ID.fullmatch(tenant_id):
            return None
    known_client_id = client_id if is_client_id(client_id) else None
    return Grant(tenant_id, known_client_id, subject, scopes, expires_at)


def _is_for_us(trust: Trust, claims: Mapping[str, Any]) -> bool:
    """Cognito's access tokens have no `aud`, but the client that they were issued to."""
    named = claims["aud"] if "aud" in claims else claims.get("client_id")
    audiences = named if isinstance(named, list) else [named]
    if not all(isinstance(each, str) for each in audiences):
        return False
    return not trust.audiences.isdisjoint(audiences)


def _is_access_token(trust: Trust, header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """RFC 9068's type says so; without it, what the claims say. An ID token is none, nor is one
    that is bound to a key which its bearer would have to prove (`cnf`)."""
    if "cnf" in claims or claims.get("token_use", "access") != "access":
        return False
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str):
        return False
    if kind.lower() in _ACCESS_TOKEN_TYPES:
        return True
    return (
        kind.upper() == "JWT"
        and claims.get("typ", "Bearer") == "Bearer"  # Keycloak's; "ID" and "Refresh" are others
        and not any(name in claims for name in _MARKS_OF_ID_TOKENS)
        and ("token_use" in claims or trust.scope_claim in claims)
    )


def _end_of(claims: Mapping[str, Any], now: float) -> Instant | None:
    """When the token expires. None if it has, if it is not valid yet, or if its times make no
    sense."""
    expires = _seconds(claims.get("exp"))
    begins = [_seconds(claims[name]) for name in ("nbf", "iat") if name in claims]
    if expires is None or expires <= now:
        return None
    if any(each is None or each > min(now + CLOCK_SKEW_S, expires) for each in begins):
        return None
    return to_instant(datetime.fromtimestamp(expires, UTC))


def _seconds(value: object) -> int | None:
    """A NumericDate, cut to seconds."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return int(value) if 0 <= value < _END_OF_TIME_S else None


def _scopes_in(claimed: object, prefix: str) -> tuple[Scope, ...] | None:
    """Those that we know, in the order of the claim. None if it is neither text nor a list of
    texts."""
    named: Sequence[object]
    match claimed:
        case str():
            named = claimed.split(" ")
        case list():
            named = claimed
        case _:
            return None
    ours: list[Scope] = []
    for name in named:
        if not isinstance(name, str):
            return None
        if name.startswith(prefix) and name.removeprefix(prefix) in Scope:
            ours.append(Scope(name.removeprefix(prefix)))
    return tuple(dict.fromkeys(ours))


def _subject(sub: object, client_id: object) -> str | None:
    """`client_{id}` if the client acts for itself, else `user_{sub}`; an id with unusual characters
    is written as its hash. It goes into logs and the audit trail, where nobody may pass for a key.
    """
    if not all(value is None or isinstance(value, str) for value in (sub, client_id)):
        return None
    if client_id and sub in (None, "", client_id, f"{client_id}@clients"):
        return f"client_{_plain(str(client_id))}"
    return f"user_{_plain(str(sub))}" if sub else None


def _plain(text: str) -> str:
    return text if _CLIENT_ID.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()
