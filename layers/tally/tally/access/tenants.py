"""Tenants as items."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

from tally.access.items import tenant_key
from tally.access.model.tenants import Tenant
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.kernel.errors import AlreadyExists
from tally.kernel.instants import Instant


def create_tenant(table: Table, tenant: Tenant) -> None:
    """AlreadyExists if the id is taken."""
    attributes = {
        "tenant_id": tenant.tenant_id,
        "display_name": tenant.display_name,
        "billing_currency": tenant.billing_currency,
        "fee_rate": str(tenant.fee_rate),
        "reserve_rate": str(tenant.reserve_rate),
        "created_at": tenant.created_at,
    }
    try:
        table.transact([table.put_new(tenant_key(tenant.tenant_id), attributes)])
    except Cancelled as cancelled:
        raise AlreadyExists(
            f"Tenant {tenant.tenant_id} already exists.", field="tenant_id"
        ) from cancelled


def ensure_tenant(table: Table, tenant_id: str, display_name: str, now: Instant) -> None:
    """Create the tenant with the default rates, unless it exists."""
    tenant = Tenant(
        tenant_id=tenant_id,
        display_name=display_name,
        billing_currency="USD",
        fee_rate=Decimal("0.30"),
        reserve_rate=Decimal("0.10"),
        created_at=now,
    )
    with suppress(AlreadyExists):
        create_tenant(table, tenant)


def get_tenant(table: Table, tenant_id: str) -> Tenant | None:
    """None if it does not exist. Read consistently."""
    item = table.get(tenant_key(tenant_id), consistent=True)
    if item is None:
        return None
    return Tenant(
        tenant_id=item["tenant_id"],
        display_name=item["display_name"],
        billing_currency=item["billing_currency"],
        fee_rate=Decimal(item["fee_rate"]),
        reserve_rate=Decimal(item["reserve_rate"]),
        created_at=item["created_at"],
    )
