"""What a key may do."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Scope(StrEnum):
    """A right that a key may have."""

    DATASETS_READ = "datasets:read"
    DATASETS_WRITE = "datasets:write"
    OBJECTS_WRITE = "objects:write"
    SEARCH_QUERY = "search:query"
    USAGE_READ = "usage:read"
    BILLING_READ = "billing:read"
    KEYS_WRITE = "keys:write"
    EVENTS_WRITE = "events:write"
    ADMIN = "admin:*"


# Whoever holds one of these can give access to others, or move money.
_FAR_REACHING = frozenset({Scope.KEYS_WRITE, Scope.ADMIN})


def must_be_proved_anew(needed: Scope) -> bool:
    """Whether a request that needs the scope may not rely on a credential that is remembered."""
    return needed in _FAR_REACHING


def satisfies(granted: Iterable[Scope], wanted: Scope) -> bool:
    """Whether the granted scopes include the wanted one; `admin:*` includes all."""
    granted = set(granted)
    return wanted in granted or Scope.ADMIN in granted
