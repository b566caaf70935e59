"""GET /v1/session: whose data the credential opens, and what it may do there."""

from __future__ import annotations

from dataclasses import dataclass

from tally.access.model.scopes import Scope
from tally.access.tenants import get_tenant
from tally.http.dependencies import CurrentCaller, PlatformTenantId, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.instants import for_display

endpoint = Endpoint(None)


@dataclass(frozen=True, slots=True)
class CurrentSession:
    """`is_platform`: whether this is the tenant that runs the marketplace. `expires_at`: null if
    the credential does not expire."""

    tenant_id: str
    display_name: str
    billing_currency: str
    is_platform: bool
    scopes: list[Scope]
    expires_at: str | None


@endpoint.get("/v1/session")
def current_session(
    caller: CurrentCaller, table: TheTable, platform_tenant_id: PlatformTenantId
) -> CurrentSession:
    tenant = get_tenant(table, caller.tenant_id)
    if tenant is None:
        raise ValueError(f"a caller of tenant {caller.tenant_id}, which does not exist")
    return CurrentSession(
        tenant_id=tenant.tenant_id,
        display_name=tenant.display_name,
        billing_currency=tenant.billing_currency,
        is_platform=tenant.tenant_id == platform_tenant_id,
        scopes=list(caller.scopes),
        expires_at=for_display(caller.expires_at) if caller.expires_at else None,
    )


handler = endpoint.handler
