"""Tenants as items."""

from __future__ import annotations

from decimal import Decimal

from tally.domain.errors import AlreadyExists
from tally.domain.tenants import Tenant
from tally.store import keys
from tally.store.table import Cancelled, Table


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
        table.transact([table.put_new(keys.tenant(tenant.tenant_id), attributes)])
    except Cancelled as cancelled:
        raise AlreadyExists(
            f"There is a tenant {tenant.tenant_id} already.", field="tenant_id"
        ) from cancelled


def get_tenant(table: Table, tenant_id: str) -> Tenant | None:
    item = table.get(keys.tenant(tenant_id), consistent=True)
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
