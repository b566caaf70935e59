"""API keys as items: one to prove a key by its prefix, one in its tenant's list, one total.

Keys are few, so their totals are written with them rather than behind the stream: a list and its
total agree at every instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tally.domain.api_keys import ApiKey, prefix_of
from tally.domain.errors import NotFound
from tally.domain.instants import Instant
from tally.domain.scopes import Scope
from tally.store import keys
from tally.store.keys import Key
from tally.store.table import Cancelled, Table


class Position(NamedTuple):
    """A place in a tenant's list of keys, whether or not a key is there."""

    created_at: Instant
    api_key_id: str


@dataclass(frozen=True, slots=True)
class ApiKeyPage:
    """`last` is the key to go on behind; None on the last page. `total` counts all keys."""

    api_keys: Sequence[ApiKey]
    total: int
    last: Position | None


def create_api_key(table: Table, key: ApiKey) -> None:
    """NotFound if there is no such tenant."""
    try:
        table.transact(
            [
                table.must_exist(keys.tenant(key.tenant_id)),
                table.put_new(keys.api_key(key.prefix), _attributes_of(key)),
                table.put_new(_listed(key), _attributes_of(key)),
                table.add(
                    keys.api_key_totals(key.tenant_id), {"api_keys": 1, "active_api_keys": 1}
                ),
            ]
        )
    except Cancelled as cancelled:
        if cancelled.reasons[0]:
            raise NotFound(f"There is no tenant {key.tenant_id}.") from cancelled
        raise


def find_api_key(table: Table, prefix: str) -> ApiKey | None:
    """Read consistently: a revocation is seen at once."""
    item = table.get(keys.api_key(prefix), consistent=True)
    return _key_from(item) if item else None


def revoke_api_key(table: Table, tenant_id: str, api_key_id: str, now: Instant) -> ApiKey:
    """The key, revoked now or before. NotFound if the tenant has no such key."""
    prefix = prefix_of(api_key_id)
    key = find_api_key(table, prefix) if prefix else None
    if key is None or key.tenant_id != tenant_id:
        raise NotFound(f"There is no API key {api_key_id}.")
    if key.revoked_at:
        return key
    revoke = "SET revoked_at = :now", "attribute_not_exists(revoked_at)"
    try:
        table.transact(
            [
                table.update(keys.api_key(key.prefix), *revoke, now=now),
                table.update(_listed(key), *revoke, now=now),
                table.add(keys.api_key_totals(tenant_id), {"active_api_keys": -1}),
            ]
        )
    except Cancelled as cancelled:
        if not (cancelled.reasons[0] and cancelled.reasons[0].is_condition):
            raise  # else somebody else revoked it just now
    return key.revoked(now)


def list_api_keys(
    table: Table, tenant_id: str, *, limit: int, after: Position | None = None
) -> ApiKeyPage:
    """A page of the tenant's keys, newest first. Reads one more than it gives, to know the last."""
    pk = keys.tenant(tenant_id).pk
    total = (table.get(keys.api_key_totals(tenant_id), consistent=True) or {}).get("api_keys", 0)
    items = list(
        table.query(
            pk,
            keys.API_KEY_PREFIX,
            after=after and keys.tenant_api_key(tenant_id, *after).sk,
            limit=limit + 1,
            newest_first=True,
            consistent=True,
        )
    )
    page = [_key_from(item) for item in items[:limit]]
    more = len(items) > limit
    last = Position(page[-1].created_at, page[-1].api_key_id) if more else None
    return ApiKeyPage(page, total, last)


def _listed(key: ApiKey) -> Key:
    return keys.tenant_api_key(key.tenant_id, key.created_at, key.api_key_id)


def _attributes_of(key: ApiKey) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "tenant_id": key.tenant_id,
        "name": key.name,
        "scopes": [scope.value for scope in key.scopes],
        "secret_hash": key.secret_hash,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _key_from(item: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        prefix=item["prefix"],
        tenant_id=item["tenant_id"],
        name=item["name"],
        scopes=tuple(Scope(scope) for scope in item["scopes"]),
        secret_hash=item["secret_hash"],
        created_at=item["created_at"],
        expires_at=item.get("expires_at"),
        revoked_at=item.get("revoked_at"),
    )
