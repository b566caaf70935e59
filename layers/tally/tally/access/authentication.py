"""Proving a credential: whose it is and what it may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from tally.access.api_keys import find_api_key
from tally.access.model.api_keys import ApiKey
from tally.access.model.callers import Caller
from tally.access.model.key_hashing import parse_key
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


class ApiKeyAuthenticator:
    """Proves API keys. It remembers them for a few seconds, so that a warm call reads nothing."""

    def __init__(self) -> None:
        self._known: Memory[str, tuple[Instant, ApiKey]] = Memory(_MOST_REMEMBERED)

    def authenticate(self, credential: str, table: Table, now: Instant) -> Caller:
        parsed = parse_key(credential)
        key = parsed and self._find(parsed.prefix, table, now)
        if parsed is None or key is None or not key.admits(parsed, now):
            raise Unauthorized("A valid API key is required.")
        return Caller(key.tenant_id, key.scopes, key.api_key_id)

    def _find(self, prefix: str, table: Table, now: Instant) -> ApiKey | None:
        trusted_until, key = self._known.get(prefix) or ("", None)
        if key and now < trusted_until:
            return key
        key = find_api_key(table, prefix)
        if key:
            self._known.put(prefix, (plus(now, _TRUSTED_FOR), key))
        return key
