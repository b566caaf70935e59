"""GET /v1/admin/tenants/{id}: a tenant with its rates and limits."""

from __future__ import annotations

from tally.access.model.scopes import Scope
from tally.access.tenants import get_tenant
from tally.http.dependencies import TheTable
from tally.http.endpoint import Endpoint
from tally.http.tenants import TenantAnswer, TenantId, tenant_answer
from tally.kernel.errors import NotFound

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=[NotFound])


@endpoint.get("/v1/admin/tenants/{id}")
def show_tenant(tenant_id: TenantId, table: TheTable) -> TenantAnswer:
    tenant = get_tenant(table, tenant_id)
    if tenant is None:
        raise NotFound(f"Tenant {tenant_id} does not exist.")
    return tenant_answer(tenant)


handler = endpoint.handler
