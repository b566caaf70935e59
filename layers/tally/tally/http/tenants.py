"""Tenants as answers; four routes share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.tenants import Tenant
from tally.http.arguments import PathId
from tally.kernel.instants import for_display

TenantId = Annotated[str, PathId("Tenant")]


@dataclass(frozen=True, slots=True)
class TenantAnswer:
    """Rates are decimals as text: `0.30`. What is null is as the stack's parameters say."""

    tenant_id: str
    display_name: str
    billing_currency: str
    fee_rate: str
    reserve_rate: str
    requests_per_minute: int | None
    query_text_retention_days: int | None
    created_at: str


def tenant_answer(tenant: Tenant) -> TenantAnswer:
    return TenantAnswer(
        tenant_id=tenant.tenant_id,
        display_name=tenant.display_name,
        billing_currency=tenant.billing_currency,
        fee_rate=f"{tenant.fee_rate:f}",
        reserve_rate=f"{tenant.reserve_rate:f}",
        requests_per_minute=tenant.requests_per_minute,
        query_text_retention_days=tenant.query_text_retention_days,
        created_at=for_display(tenant.created_at),
    )
