"""Proving a credential: whose it is and what it may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from tally.access.api_keys import find_api_key
from tally.access.model.api_keys import ApiKey
from tally.access.model.callers import Caller
from tally.access.model.key_hashing import parse_key
from tally.access.model.scopes import Scope, must_be_proved_anew
from tally.aws.table import Table
from tally.kernel.errors import Unauthorized
from tally.kernel.instants import Instant, plus
from tally.kernel.memory import Memory

# A revoked key must stop working everywhere within 30 seconds.
_TRUSTED_FOR = timedelta(seconds=20)
_MOST_REMEMBERED = 1000


class Authenticator(Protocol):
    """Proves credentials of some kind."""

    def authenticate(self, credential: str, table: Table, now: Instant) -> Caller:
        """`credential` is its text; empty if none was sent. Unauthorized unless it is valid."""


def authenticator_for(scope: Scope) -> Authenticator:
    """What proves the credentials of a route that needs the scope.

    Whoever issues keys or administers is looked up each time: what a key does in its last seconds
    would outlast them.
    """
    return ApiKeyAuthenticator(remembers=not must_be_proved_anew(scope))


class ApiKeyAuthenticator:
    """Proves API keys. If it remembers them for a few seconds, a warm call reads nothing."""

    def __init__(self, *, remembers: bool) -> None:
        self._remembers = remembers
        self._known: Memory[str, tuple[Instant, ApiKey]] = Memory(_MOST_REMEMBERED)

    def authenticate(self, credential: str, table: Table, now: Instant) -> Caller:
        parsed = parse_key(credential)
        key = parsed and self._find(parsed.prefix, table, now)
        if parsed is None or key is None or not key.admits(parsed, now):
            raise Unauthorized
        return Caller(key.tenant_id, key.scopes, key.api_key_id, key.expires_at)

    def _find(self, prefix: str, table: Table, now: Instant) -> ApiKey | None:
        trusted_until, key = self._known.get(prefix) or ("", None)
        if key and now < trusted_until:
            return key
        key = find_api_key(table, prefix)
        if key and self._remembers:
            self._known.put(prefix, (plus(now, _TRUSTED_FOR), key))
        return key
