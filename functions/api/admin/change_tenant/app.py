"""PATCH /v1/admin/tenants/{id}: changes a tenant's name, rates or limits, in what is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from tally.access.model.scopes import Scope
from tally.access.tenants import change_tenant as store_change
from tally.http.bodies import Body, RequestsPerMinute, RetentionDays
from tally.http.dependencies import CurrentActor, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.tenants import TenantAnswer, TenantId, tenant_answer
from tally.kernel.errors import NotFound
from tally.wire.fields import Name, Rate

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=[NotFound])


class ChangeTenantRequest(BaseModel):
    """What is left out stays as it is. A limit that is null is as the stack's parameters say.

    `tenant_id` and `billing_currency` never change; they may be sent as they are.
    """

    # Factories: what is left out is never looked at, and is not a default that clients may read of.
    display_name: Name = Field(default_factory=str)
    fee_rate: Rate = Field(default_factory=Decimal)
    reserve_rate: Rate = Field(default_factory=Decimal)
    requests_per_minute: RequestsPerMinute | None = None
    query_text_retention_days: RetentionDays | None = None
    tenant_id: str | None = None
    billing_currency: str | None = None

    @property
    def sent(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


@endpoint.patch("/v1/admin/tenants/{id}")
def change_tenant(
    tenant_id: TenantId,
    wanted: Body[ChangeTenantRequest],
    actor: CurrentActor,
    table: TheTable,
    now: Now,
) -> TenantAnswer:
    return tenant_answer(store_change(table, tenant_id, wanted.sent, now, actor))


handler = endpoint.handler
