"""POST /v1/admin/tenants: a new tenant, created by the platform."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import BaseModel, model_validator

from tally.access.model.scopes import Scope
from tally.access.model.tenants import Tenant, new_tenant_id
from tally.access.tenants import create_tenant as store_tenant
from tally.http.dependencies import Now, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import AlreadyExists
from tally.kernel.instants import for_display
from tally.wire.fields import Currency, Id, Name, Rate

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=[AlreadyExists])


class CreateTenantRequest(BaseModel):
    """Rates are fractions of gross revenue; the rest is paid out."""

    tenant_id: Id | None = None
    display_name: Name
    billing_currency: Currency = "USD"
    fee_rate: Rate = Decimal("0.30")
    reserve_rate: Rate = Decimal("0.10")

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if self.fee_rate + self.reserve_rate > 1:
            raise ValueError("fee_rate plus reserve_rate must be at most 1")
        return self


class TenantAnswer(BaseModel):
    """Rates are decimals as text: `0.30`."""

    tenant_id: str
    display_name: str
    billing_currency: str
    fee_rate: str
    reserve_rate: str
    created_at: str


@endpoint.post("/v1/admin/tenants", status_code=201)
def create_tenant(wanted: CreateTenantRequest, table: TheTable, now: Now) -> TenantAnswer:
    tenant = Tenant(
        tenant_id=wanted.tenant_id or new_tenant_id(),
        display_name=wanted.display_name,
        billing_currency=wanted.billing_currency,
        fee_rate=wanted.fee_rate,
        reserve_rate=wanted.reserve_rate,
        created_at=now,
    )
    store_tenant(table, tenant)
    return TenantAnswer(
        tenant_id=tenant.tenant_id,
        display_name=tenant.display_name,
        billing_currency=tenant.billing_currency,
        fee_rate=f"{tenant.fee_rate:f}",
        reserve_rate=f"{tenant.reserve_rate:f}",
        created_at=for_display(tenant.created_at),
    )


handler = endpoint.handler
