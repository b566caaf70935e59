"""POST /v1/admin/tenants/{id}/api-keys: a new key of any tenant, by the platform."""

from __future__ import annotations

from tally.domain.scopes import Scope
from tally.http.endpoint import Endpoint, Now, TheTable
from tally.http.issuing import issue_api_key
from tally.http.models import ApiKeyRequest, NewApiKeyAnswer

endpoint = Endpoint(Scope.ADMIN, platform_only=True)


@endpoint.post("/v1/admin/tenants/<tenant_id>/api-keys", status_code=201)
def create_tenant_api_key(
    tenant_id: str, wanted: ApiKeyRequest, table: TheTable, now: Now
) -> NewApiKeyAnswer:
    return issue_api_key(table, tenant_id, wanted, now)


handler = endpoint.handler
