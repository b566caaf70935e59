"""API keys as items: one to prove a key by its prefix, one for its tenant's list, and the totals.

The first of them also tells when the key was last used. Keys are few. Their totals are written in
the same transaction and not counted from the stream, so a list and its total always agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from tally.access.counters import ApiKeyTotals
from tally.access.items import API_KEY_PREFIX, api_key_key, listed_api_key_key, tenant_key
from tally.access.model.api_keys import ApiKey, prefix_of
from tally.access.model.callers import Caller
from tally.access.model.scopes import Scope
from tally.audit.model import Actor, Deed
from tally.audit.trail import audited
from tally.aws.pages import Page, cut
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled, named
from tally.kernel.errors import NotFound, Unauthorized
from tally.kernel.instants import Instant, for_display
from tally.kernel.keys import Key


class ApiKeyPosition(NamedTuple):
    """A place in a tenant's list of keys. No key needs to be there."""

    created_at: Instant
    api_key_id: str


def create_api_key(
    table: Table, key: ApiKey, maker: Caller | None = None, actor: Actor | None = None
) -> None:
    """NotFound if the tenant does not exist. Unauthorized if the maker's key is not active, or
    would be outlived by a key of its own tenant.

    The audit trail tells of it if there is an actor. Only keys that nobody is given have none.
    """
    entry = actor and audited(
        table,
        actor,
        Deed.API_KEY_ISSUED,
        target=key.api_key_id,
        tenant_id=key.tenant_id,
        at=key.created_at,
        **described(key),
    )
    try:
        table.transact(
            [
                *check_maker(table, key, maker),
                named("tenant", table.must_exist(tenant_key(key.tenant_id))),
                *put_api_key(table, key),
                *(entry or []),
            ]
        )
    except Cancelled as cancelled:
        if cancelled.failed("maker"):
            raise Unauthorized from cancelled
        if cancelled.failed("tenant"):
            raise NotFound(f"Tenant {key.tenant_id} does not exist.") from cancelled
        raise


def put_api_key(table: Table, key: ApiKey) -> list[Action]:
    """A new key with its place in the list, counted."""
    attributes = _attributes_of(key)
    return [
        table.put_new(api_key_key(key.prefix), attributes | {"last_used_at": key.last_used_at}),
        table.put_new(listed_key_of(key), attributes),
        table.add(ApiKeyTotals(key.tenant_id).key, {"api_keys": 1, "active_api_keys": 1}),
    ]


def check_maker(table: Table, key: ApiKey, maker: Caller | None) -> list[Action]:
    """A key may be revoked while it makes another: then it came too late."""
    prefix = prefix_of(maker.subject) if maker else None
    if maker is None or prefix is None:  # not made by a stored key
        return []
    lasts_until = key.expires_at if maker.tenant_id == key.tenant_id else key.created_at
    lasts = "attribute_not_exists(expires_at)"
    bound = {}
    if lasts_until:
        lasts += " OR expires_at >= :until"
        bound = {"until": lasts_until}
    condition = f"attribute_exists(PK) AND attribute_not_exists(revoked_at) AND ({lasts})"
    return [named("maker", table.check(api_key_key(prefix), condition, **bound))]


def described(key: ApiKey) -> dict[str, str | None]:
    """What the audit trail says of a key."""
    expires_at = key.expires_at and for_display(key.expires_at)
    return {"name": key.name, "scopes": " ".join(key.scopes), "expires_at": expires_at}


def find_api_key(table: Table, prefix: str) -> ApiKey | None:
    """None if it does not exist. Read consistently, so a revocation is seen at once."""
    item = table.get(api_key_key(prefix), consistent=True)
    return api_key_from(item) if item else None


def api_key_of(table: Table, tenant_id: str, api_key_id: str) -> ApiKey:
    """NotFound if the tenant has no such key."""
    prefix = prefix_of(api_key_id)
    key = find_api_key(table, prefix) if prefix else None
    if key is None or key.tenant_id != tenant_id:
        raise NotFound(f"API key {api_key_id} does not exist.")
    return key


def revoke_api_key(
    table: Table, tenant_id: str, api_key_id: str, now: Instant, *, actor: Actor
) -> ApiKey:
    """The key, revoked now or earlier. NotFound if the tenant has no such key."""
    key = api_key_of(table, tenant_id, api_key_id)
    if key.revoked_at:
        return key
    revoke = "SET revoked_at = :now", "attribute_exists(PK) AND attribute_not_exists(revoked_at)"
    with suppress(Cancelled):  # somebody else revoked it, whichever of the items shows it first
        table.transact(
            [
                table.update(api_key_key(key.prefix), *revoke, now=now),
                table.update(listed_key_of(key), *revoke, now=now),
                table.add(ApiKeyTotals(tenant_id).key, {"active_api_keys": -1}),
                *audited(
                    table,
                    actor,
                    Deed.API_KEY_REVOKED,
                    target=api_key_id,
                    tenant_id=tenant_id,
                    at=now,
                    name=key.name,
                ),
            ]
        )
    return key.revoked(now)


def discard_api_key(table: Table, key: ApiKey) -> None:
    """Remove an active key as if it had never been made. Only for keys that nobody was given."""
    table.transact(
        [
            table.delete(api_key_key(key.prefix), "attribute_not_exists(revoked_at)"),
            table.delete(listed_key_of(key)),
            table.add(ApiKeyTotals(key.tenant_id).key, {"api_keys": -1, "active_api_keys": -1}),
        ]
    )


def list_api_keys(
    table: Table, tenant_id: str, *, limit: int, after: ApiKeyPosition | None = None
) -> Page[ApiKey, ApiKeyPosition]:
    """A page of the tenant's keys, newest first, each with its last use."""
    total = (table.get(ApiKeyTotals(tenant_id).key, consistent=True) or {}).get("api_keys", 0)
    items = table.query(
        tenant_key(tenant_id).pk,
        API_KEY_PREFIX,
        after=after and listed_api_key_key(tenant_id, *after).sk,
        limit=limit + 1,
        newest_first=True,
        consistent=True,
    )
    keys, more = cut([api_key_from(item) for item in items], limit)
    used = table.get_many([api_key_key(key.prefix) for key in keys])
    keys = [
        replace(key, last_used_at=used.get(api_key_key(key.prefix), {}).get("last_used_at"))
        for key in keys
    ]
    return Page(keys, total, more, lambda key: ApiKeyPosition(key.created_at, key.api_key_id))


def api_key_totals(table: Table, tenant_id: str) -> Mapping[str, int]:
    """`api_keys` and `active_api_keys`; empty before the first key."""
    return table.get(ApiKeyTotals(tenant_id).key) or {}


def listed_key_of(key: ApiKey) -> Key:
    return listed_api_key_key(key.tenant_id, key.created_at, key.api_key_id)


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


def api_key_from(item: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        prefix=item["prefix"],
        tenant_id=item["tenant_id"],
        name=item["name"],
        scopes=tuple(Scope(scope) for scope in item["scopes"]),
        secret_hash=item["secret_hash"],
        created_at=item["created_at"],
        expires_at=item.get("expires_at"),
        revoked_at=item.get("revoked_at"),
        last_used_at=item.get("last_used_at"),
    )
