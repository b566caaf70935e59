"""POST /v1/admin/tenants: a new tenant, by the platform."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from tally.domain.instants import for_display
from tally.domain.scopes import Scope
from tally.domain.tenants import Tenant, new_tenant_id
from tally.http.endpoint import Endpoint, Now, TheTable
from tally.http.fields import Currency, Id, Name
from tally.store.tenants import create_tenant as store_tenant

endpoint = Endpoint(Scope.ADMIN, platform_only=True)


def _in_micros(rate: Decimal) -> Decimal:
    written = rate.as_tuple()
    # Not pydantic's decimal_places: to it 1e-999999999 is 0, which is a gigabyte to write out.
    if not isinstance(written.exponent, int) or not -6 <= written.exponent <= 0:
        raise ValueError("must be a plain number with at most 6 decimals")
    return abs(rate)  # there is a -0.0


Rate = Annotated[Decimal, Field(ge=0, le=1), AfterValidator(_in_micros)]


class CreateTenantRequest(BaseModel):
    """Rates are fractions of gross revenue; what is left after both is paid out."""

    tenant_id: Id | None = None
    display_name: Name
    billing_currency: Currency = "USD"
    fee_rate: Rate = Decimal("0.30")
    reserve_rate: Rate = Decimal("0.10")

    @model_validator(mode="after")
    def _leave_something(self) -> Self:
        if self.fee_rate + self.reserve_rate > 1:
            raise ValueError("fee_rate and reserve_rate must not exceed 1 together")
        return self


class TenantAnswer(BaseModel):
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
