"""Proving a credential: whose it is and what it may do."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Protocol

from tally.access.api_keys import find_api_key
from tally.access.last_use import LastUse
from tally.access.model.api_keys import ApiKey, earlier
from tally.access.model.callers import Caller, Proof
from tally.access.model.key_hashing import parse_key
from tally.access.model.scopes import Scope, must_be_proved_anew
from tally.access.model.sessions import PREFIX as SESSION_PREFIX
from tally.access.sessions import SigningSecret, prove_session, session_secret
from tally.aws.table import Table
from tally.kernel.errors import Unauthorized
from tally.kernel.instants import Instant, plus
from tally.kernel.memory import Memory

# A revoked key must stop working everywhere within 30 seconds, and its sessions with it.
_TRUSTED_FOR = timedelta(seconds=20)
_MOST_REMEMBERED = 1000


class Authenticator(Protocol):
    """Proves credentials of some kind."""

    def authenticate(self, credential: str, table: Table, now: Instant) -> Caller:
        """`credential` is its text; empty if none was sent. Unauthorized unless it is valid."""


def authenticator_for(
    scope: Scope | None,
    sessions: SigningSecret | None = None,
    platform_tenant_id: str | None = None,
) -> Authenticator:
    """What proves the credentials of a route that needs the scope; None if any credential will do.

    Whoever issues keys or administers is looked up each time: what a key does in its last seconds
    would outlast them. `sessions` and `platform_tenant_id`: what signs sessions, and whose keys
    lend them for other tenants, unless they are the stack's own.
    """
    return CredentialAuthenticator(
        sessions or session_secret(),
        platform_tenant_id or os.environ.get("PLATFORM_TENANT_ID", ""),
        remembers=scope is not None and not must_be_proved_anew(scope),
    )


class CredentialAuthenticator:
    """Proves API keys, sessions and access tokens, which it tells apart by their looks.

    If it remembers keys for a few seconds, a warm call reads nothing: a session is proved by its
    signature and by its key.
    """

    def __init__(
        self, sessions: SigningSecret, platform_tenant_id: str, *, remembers: bool
    ) -> None:
        self._sessions = sessions
        self._platform_tenant_id = platform_tenant_id
        self._remembers = remembers
        self._known: Memory[str, tuple[Instant, ApiKey]] = Memory(_MOST_REMEMBERED)
        self._last_use = LastUse()

    def authenticate(self, credential: str, table: Table, now: Instant) -> Caller:
        if credential.startswith(SESSION_PREFIX):
            return self._prove_session(credential, table, now)
        if credential.count(".") == 2 and os.environ.get("OIDC_ISSUER"):
            # Only who receives such a token pays for what it takes to prove it.
            from tally.access.oidc import prove_access_token  # noqa: PLC0415

            return prove_access_token(credential, table, now, remembers=self._remembers)
        return self._prove_api_key(credential, table, now)

    def _prove_api_key(self, text: str, table: Table, now: Instant) -> Caller:
        parsed = parse_key(text)
        key = parsed and self._find(parsed.prefix, table, now)
        if parsed is None or key is None or not key.admits(parsed, now):
            raise Unauthorized
        self._last_use.note(table, key, now)
        return Caller(key.tenant_id, key.scopes, key.api_key_id, key.expires_at)

    def _prove_session(self, text: str, table: Table, now: Instant) -> Caller:
        session = prove_session(text, self._sessions, now)
        key = self._find(session.prefix, table, now) if session else None
        if (
            session is None
            or key is None
            or not key.is_active(now)
            or not session.is_lent_by(key, self._platform_tenant_id)
        ):
            raise Unauthorized
        self._last_use.note(table, key, now)
        return Caller(
            session.tenant_id,
            session.scopes,
            key.api_key_id,
            earlier(session.expires_at, key.expires_at),
            Proof.SESSION,
        )

    def _find(self, prefix: str, table: Table, now: Instant) -> ApiKey | None:
        trusted_until, key = self._known.get(prefix) or ("", None)
        if key and now < trusted_until:
            return key
        key = find_api_key(table, prefix)
        if key and self._remembers:
            self._known.put(prefix, (plus(now, _TRUSTED_FOR), key))
        return key
