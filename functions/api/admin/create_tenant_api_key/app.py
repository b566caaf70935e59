"""POST /v1/admin/tenants/{id}/api-keys: a new API key of any tenant, issued by the platform."""

from __future__ import annotations

from typing import Annotated

from tally.access.issuing import issue_api_key
from tally.access.model.scopes import Scope
from tally.http.api_keys import NewApiKeyAnswer, new_api_key_answer
from tally.http.arguments import PathId
from tally.http.bodies import ApiKeyRequest, Body
from tally.http.dependencies import CurrentActor, CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import NotFound

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=[NotFound])

TenantId = Annotated[str, PathId("Tenant")]


@endpoint.post("/v1/admin/tenants/{id}/api-keys", status_code=201)
def create_tenant_api_key(
    *,
    tenant_id: TenantId,
    wanted: Body[ApiKeyRequest],
    caller: CurrentCaller,
    actor: CurrentActor,
    table: TheTable,
    now: Now,
) -> NewApiKeyAnswer:
    text, key = issue_api_key(
        table, tenant_id, **wanted.model_dump(), now=now, maker=caller, actor=actor
    )
    return new_api_key_answer(text, key)


handler = endpoint.handler
