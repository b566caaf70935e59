"""Who is calling: exactly one credential, proven against the stored hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tally.domain import api_keys
from tally.domain.api_keys import ApiKey
from tally.domain.errors import AmbiguousCredentials, Unauthorized
from tally.domain.instants import Instant, plus
from tally.domain.scopes import Scope
from tally.store.api_keys import find_api_key
from tally.store.table import Table

# A revoked key must stop working everywhere within 30 seconds.
_TRUSTED_FOR = timedelta(seconds=20)
_MOST_CACHED = 1000


@dataclass(frozen=True, slots=True)
class Caller:
    """The tenant that a credential stands for, and what the credential may do."""

    tenant_id: str
    scopes: tuple[Scope, ...]
    api_key_id: str


@dataclass(slots=True)
class Authenticator:
    """Remembers keys for a few seconds, so that a warm call reads nothing for them.

    `key_headers`: the headers, in lower case, that a key may come in beside Authorization.
    """

    key_headers: Sequence[str]
    _known: dict[str, tuple[Instant, ApiKey]] = field(default_factory=dict)

    def authenticate(
        self, headers: Mapping[str, Sequence[str]], table: Table, now: Instant
    ) -> Caller:
        """`headers`: lower-case name -> values. AmbiguousCredentials or Unauthorized."""
        credential = api_keys.parse(_only_credential(headers, self.key_headers))
        key = credential and self._find(credential.prefix, table, now)
        if credential is None or key is None or not key.admits(credential, now):
            raise Unauthorized("A valid API key is required.")
        return Caller(key.tenant_id, key.scopes, key.api_key_id)

    def _find(self, prefix: str, table: Table, now: Instant) -> ApiKey | None:
        until, key = self._known.get(prefix, ("", None))
        if key and now < until:
            return key
        key = find_api_key(table, prefix)
        if key:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            self._known[prefix] = plus(now, _TRUSTED_FOR), key
        return key


def _only_credential(headers: Mapping[str, Sequence[str]], key_headers: Sequence[str]) -> str:
    """The key in one of the headers or in Authorization; "" for none or one of another kind."""
    given = [value for name in key_headers for value in _values(headers, name)]
    bearers = _values(headers, "authorization")
    if len(given) + len(bearers) > 1:
        raise AmbiguousCredentials("Send one credential, in one header.")
    for value in bearers:
        scheme, _, token = value.partition(" ")
        given.append(token.strip() if scheme.lower() == "bearer" else "")
    return given[0] if given else ""


def _values(headers: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """A header that was sent twice may arrive joined; no credential has a comma."""
    parts = (part.strip() for value in headers.get(name, ()) for part in value.split(","))
    return [part for part in parts if part]
