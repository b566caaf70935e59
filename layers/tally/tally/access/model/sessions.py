"""Session tokens: `sess_{version}.{payload}.{signature}`, signed and stored nowhere.

`version` names the version of the secret that signed; `payload` is JSON in base64url. The signature
is an HMAC-SHA256 of the text before it and not of what that text means, so a token has one
spelling only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tally.access.model.api_keys import ApiKey
from tally.access.model.scopes import Scope, satisfies
from tally.kernel.instants import Instant, plus

PREFIX = "sess_"
SHORTEST = timedelta(seconds=60)
USUAL = timedelta(minutes=15)
LONGEST = timedelta(hours=12)

# How long after a secret was replaced a process may still have signed with it.
_SIGNED_LATE = timedelta(hours=1)

_MOST_CHARACTERS = 2048
_TOKEN = re.compile(
    r"(sess_([A-Za-z0-9_-]{8,64})\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]{43})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Session:
    """Scopes for a tenant and a time, lent by an API key: the one with this prefix."""

    prefix: str
    tenant_id: str
    scopes: tuple[Scope, ...]
    expires_at: Instant

    def is_lent_by(self, key: ApiKey, platform_tenant_id: str) -> bool:
        """Whether the key may lend what the session grants.

        That was checked when the session was opened. Checked again, a stolen secret is worth no
        more than the keys that the thief knows of.
        """
        if self.tenant_id != key.tenant_id and (
            key.tenant_id != platform_tenant_id
            or Scope.ADMIN not in key.scopes
            or Scope.ADMIN in self.scopes
        ):
            return False
        return all(satisfies(key.scopes, scope) for scope in self.scopes)


@dataclass(frozen=True, slots=True)
class UnprovenToken:
    """A well-formed token. Nothing that it says may be believed before `proven`."""

    version_id: str
    signed: str
    payload: str
    signature: str

    def proven(self, secret: bytes, replaced_at: Instant | None = None) -> Session | None:
        """The session, if the secret signed it; None if not.

        `replaced_at`: when another secret took the place of this one, if one did. Sessions that
        may have been signed before that are good; from LONGEST after it, the secret is good for
        nothing.
        """
        if not hmac.compare_digest(self.signature, _signature(self.signed, secret)):
            return None
        session = _session_in(self.payload)
        if session is None or replaced_at is None:
            return session
        last = plus(replaced_at, LONGEST + _SIGNED_LATE)
        return session if session.expires_at <= last else None


def parse_token(text: str) -> UnprovenToken | None:
    """None if it is malformed."""
    match = _TOKEN.fullmatch(text) if len(text) <= _MOST_CHARACTERS else None
    return match and UnprovenToken(match[2], match[1], match[3], match[4])


def write_token(session: Session, version_id: str, secret: bytes) -> str:
    """The session's token. ValueError if it could not be read again."""
    said = [session.prefix, session.tenant_id, _names(session.scopes), session.expires_at]
    payload = _base64(json.dumps(said, separators=(",", ":")).encode())
    signed = f"{PREFIX}{version_id}.{payload}"
    token = f"{signed}.{_signature(signed, secret)}"
    if parse_token(token) is None:
        raise ValueError(f"no token can name the version {version_id} of the secret")
    return token


def _names(scopes: Sequence[Scope]) -> list[str]:
    return [scope.value for scope in scopes]


def _session_in(payload: str) -> Session | None:
    """None if it is of another release, which said something else."""
    try:
        prefix, tenant_id, scopes, expires_at = json.loads(
            urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
        return Session(prefix, tenant_id, tuple(map(Scope, scopes)), expires_at)
    except (ValueError, TypeError):
        return None


def _signature(signed: str, secret: bytes) -> str:
    return _base64(hmac.digest(secret, signed.encode(), hashlib.sha256))


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
