"""Tenants as items: each has one of its own, and a place in the list of all.

The list's total is written in the transaction that lists a tenant, so that both always agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from itertools import batched, islice
from typing import Any, NamedTuple

from tally.access.items import (
    LISTED_TENANT_PREFIX,
    TENANTS_PK,
    listed_tenant_key,
    tenant_key,
    tenants_total_key,
)
from tally.access.model.tenants import Tenant, check_rates, check_unchanged
from tally.audit.model import Actor, Change, Deed, Value
from tally.audit.trail import audited
from tally.aws.pages import Page, cut
from tally.aws.retries import pauses
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled, named
from tally.kernel.errors import AlreadyExists, NotFound, Unavailable
from tally.kernel.instants import Instant

_LISTED = "listed"
_LOOKED_UP = 100
"""Tenants at a time."""
_SAID_ANYWAY = ("tenant_id", "created_at")
"""What an entry of the audit trail says without details."""


class TenantPosition(NamedTuple):
    """A place in the list of tenants. No tenant needs to be there."""

    tenant_id: str


# --------------------------------------------------------------------------- creating


def create_tenant(table: Table, tenant: Tenant, actor: Actor) -> None:
    """AlreadyExists if the id is taken."""
    attributes = _stored(tenant)
    told = {name: value for name, value in attributes.items() if name not in _SAID_ANYWAY}
    try:
        table.transact(
            [
                table.put_new(tenant_key(tenant.tenant_id), attributes),
                *_listing(table, tenant.tenant_id),
                *audited(
                    table,
                    actor,
                    Deed.TENANT_CREATED,
                    target=tenant.tenant_id,
                    tenant_id=tenant.tenant_id,
                    at=tenant.created_at,
                    **told,
                ),
            ]
        )
    except Cancelled as cancelled:
        raise AlreadyExists(
            f"Tenant {tenant.tenant_id} already exists.", field="tenant_id"
        ) from cancelled


def ensure_tenant(
    table: Table, tenant_id: str, display_name: str, now: Instant, actor: Actor
) -> None:
    """Create the tenant with the default rates, unless it exists."""
    if get_tenant(table, tenant_id):
        return
    tenant = Tenant(
        tenant_id=tenant_id,
        display_name=display_name,
        billing_currency="USD",
        fee_rate=Decimal("0.30"),
        reserve_rate=Decimal("0.10"),
        created_at=now,
    )
    with suppress(AlreadyExists):
        create_tenant(table, tenant, actor)


def list_existing(table: Table, tenant_id: str) -> bool:
    """Put a tenant from before there was a list into it. Whether it was not there."""
    try:
        table.transact(
            [table.must_exist(tenant_key(tenant_id)), *_listing(table, tenant_id)],
        )
    except Cancelled as cancelled:
        if not cancelled.failed(_LISTED):
            raise NotFound(f"Tenant {tenant_id} does not exist.") from cancelled
        return False
    return True


def correct_total(table: Table) -> tuple[int, int]:
    """What the list's total was, and how many tenants are in the list, which it is now.

    They differ only in a restored table, which may have a part of its last transactions.
    """
    for pause in pauses():
        total = _total(table)
        found = sum(1 for _ in table.query(TENANTS_PK, LISTED_TENANT_PREFIX, consistent=True))
        if found == total:
            return total, found
        # Whoever is listed meanwhile changes the total.
        unchanged = "tenants = :total" if total else "attribute_not_exists(PK) OR tenants = :total"
        correct = table.update(
            tenants_total_key(), "SET tenants = :found", unchanged, found=found, total=total
        )
        try:
            table.transact([correct])
        except Cancelled:
            table.sleep(pause)
        else:
            return total, found
    raise Unavailable("Tenants keep being created; try again.")


def unlist_missing(table: Table) -> Sequence[str]:
    """Take those out of the list who do not exist, which only a restored table has. Their ids."""
    listed = table.query(TENANTS_PK, LISTED_TENANT_PREFIX, consistent=True)
    missing = []
    for ids in batched((item["tenant_id"] for item in listed), _LOOKED_UP, strict=False):
        found = table.get_many([tenant_key(each) for each in ids])
        missing += [each for each in ids if tenant_key(each) not in found]
    for each in missing:
        absent = table.check(tenant_key(each), "attribute_not_exists(PK)")
        table.transact([absent, table.delete(listed_tenant_key(each))])
    return missing


def _total(table: Table) -> int:
    total: int = (table.get(tenants_total_key(), consistent=True) or {}).get("tenants", 0)
    return total


def _listing(table: Table, tenant_id: str) -> list[Action]:
    """Fails if the tenant is in the list."""
    return [
        named(_LISTED, table.put_new(listed_tenant_key(tenant_id), {"tenant_id": tenant_id})),
        table.add(tenants_total_key(), {"tenants": 1}),
    ]


# --------------------------------------------------------------------------- changing


def change_tenant(
    table: Table, tenant_id: str, wanted: Mapping[str, Any], now: Instant, actor: Actor
) -> Tenant:
    """The tenant with these of its fields changed. If they are so already, nothing is written.

    NotFound. InvalidRequest for what never changes, or if the rates would be more than the whole,
    with the one included that somebody else changes at the same time.
    """
    rates = [field for field in ("fee_rate", "reserve_rate") if field in wanted]
    for pause in pauses():
        item = table.get(tenant_key(tenant_id), consistent=True)
        if item is None:
            raise NotFound(f"Tenant {tenant_id} does not exist.")
        before = tenant_from(item)
        check_unchanged(before, wanted)
        # What equals the stored value stays as it is written there: 0.30 and not 0.3.
        after = replace(before, **before.differences(replace(before, **wanted)))
        if rates:
            check_rates(after, field=rates[0])
        if after == before:
            return before
        try:
            table.transact(_change(table, item, after, now, actor))
        except Cancelled:
            table.sleep(pause)  # somebody else changed it: the rates may not fit any more
        else:
            return after
    raise Unavailable("Other requests keep changing this tenant; send the request again.")


def _change(
    table: Table, stored: Mapping[str, Any], after: Tenant, now: Instant, actor: Actor
) -> list[Action]:
    """Fails if the tenant was changed since it was read."""
    before, changes = tenant_from(stored), stored.get("changes")
    old, new = _stored(before), _stored(after)
    names = list(before.differences(after))
    bound: dict[str, Any] = {name: new[name] for name in names if new[name] is not None}
    bound["changes"] = (changes or 0) + 1
    sets = ", ".join(f"{name} = :{name}" for name in bound)
    gone = [name for name in names if new[name] is None]
    unchanged = "attribute_exists(PK) AND attribute_not_exists(changes)"
    if changes is not None:
        unchanged, bound["before"] = "changes = :before", changes
    update = table.update(
        tenant_key(before.tenant_id),
        f"SET {sets}{' REMOVE ' if gone else ''}{', '.join(gone)}",
        unchanged,
        **bound,
    )
    details = {name: Change(old[name], new[name]) for name in names}
    told = audited(
        table,
        actor,
        Deed.TENANT_CHANGED,
        target=before.tenant_id,
        tenant_id=before.tenant_id,
        at=now,
        **details,
    )
    return [update, *told]


# ---------------------------------------------------------------------------- reading


def get_tenant(table: Table, tenant_id: str) -> Tenant | None:
    """None if it does not exist. Read consistently."""
    item = table.get(tenant_key(tenant_id), consistent=True)
    return tenant_from(item) if item else None


def list_tenants(
    table: Table, *, limit: int, after: TenantPosition | None = None
) -> Page[Tenant, TenantPosition]:
    """A page of all tenants, in the order of their ids."""
    total = _total(table)
    tenants, more = cut(list(islice(_listed(table, after, limit + 1), limit + 1)), limit)
    return Page(tenants, total, more, lambda tenant: TenantPosition(tenant.tenant_id))


def _listed(table: Table, after: TenantPosition | None, page: int) -> Iterator[Tenant]:
    """Those listed who exist: of a restored table, a transaction may have come back in part."""
    listed = table.query(
        TENANTS_PK,
        LISTED_TENANT_PREFIX,
        after=after and listed_tenant_key(*after).sk,
        page=page,
        consistent=True,
    )
    for ids in batched((item["tenant_id"] for item in listed), page, strict=False):
        found = table.get_many([tenant_key(tenant_id) for tenant_id in ids])
        items = [found.get(tenant_key(tenant_id)) for tenant_id in ids]
        yield from (tenant_from(item) for item in items if item)


def _stored(tenant: Tenant) -> dict[str, Value]:
    return {
        "tenant_id": tenant.tenant_id,
        "display_name": tenant.display_name,
        "billing_currency": tenant.billing_currency,
        "fee_rate": str(tenant.fee_rate),
        "reserve_rate": str(tenant.reserve_rate),
        "created_at": tenant.created_at,
        "requests_per_minute": tenant.requests_per_minute,
        "query_text_retention_days": tenant.query_text_retention_days,
    }


def tenant_from(item: Mapping[str, Any]) -> Tenant:
    return Tenant(
        tenant_id=item["tenant_id"],
        display_name=item["display_name"],
        billing_currency=item["billing_currency"],
        fee_rate=Decimal(item["fee_rate"]),
        reserve_rate=Decimal(item["reserve_rate"]),
        created_at=item["created_at"],
        requests_per_minute=item.get("requests_per_minute"),
        query_text_retention_days=item.get("query_text_retention_days"),
    )
