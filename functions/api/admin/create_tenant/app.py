"""POST /v1/admin/tenants: a new tenant, created by the platform."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import BaseModel, model_validator

from tally.access.model.scopes import Scope
from tally.access.model.tenants import Tenant, new_tenant_id
from tally.access.tenants import create_tenant as store_tenant
from tally.http.bodies import Body, RequestsPerMinute, RetentionDays
from tally.http.dependencies import CurrentActor, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.tenants import TenantAnswer, tenant_answer
from tally.kernel.errors import AlreadyExists
from tally.wire.fields import Currency, Id, Name, Rate

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=[AlreadyExists])


class CreateTenantRequest(BaseModel):
    """Rates are fractions of gross revenue; the rest is paid out. What is null is as the stack's
    parameters say."""

    tenant_id: Id | None = None
    display_name: Name
    billing_currency: Currency = "USD"
    fee_rate: Rate = Decimal("0.30")
    reserve_rate: Rate = Decimal("0.10")
    requests_per_minute: RequestsPerMinute | None = None
    query_text_retention_days: RetentionDays | None = None

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if self.fee_rate + self.reserve_rate > 1:
            raise ValueError("fee_rate plus reserve_rate must be at most 1")
        return self


@endpoint.post("/v1/admin/tenants", status_code=201)
def create_tenant(
    wanted: Body[CreateTenantRequest], actor: CurrentActor, table: TheTable, now: Now
) -> TenantAnswer:
    given = wanted.model_dump() | {"tenant_id": wanted.tenant_id or new_tenant_id()}
    tenant = Tenant(**given, created_at=now)
    store_tenant(table, tenant, actor)
    return tenant_answer(tenant)


handler = endpoint.handler
