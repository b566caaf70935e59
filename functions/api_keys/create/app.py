"""POST /v1/api-keys: a new key of the caller's tenant, with no scope that the caller lacks."""

from __future__ import annotations

from tally.domain.errors import InsufficientScope
from tally.domain.scopes import Scope, satisfies
from tally.http.endpoint import CurrentCaller, Endpoint, Now, TheTable
from tally.http.issuing import issue_api_key
from tally.http.models import ApiKeyRequest, NewApiKeyAnswer

endpoint = Endpoint(Scope.KEYS_WRITE)


@endpoint.post("/v1/api-keys", status_code=201)
def create_api_key(
    wanted: ApiKeyRequest, caller: CurrentCaller, table: TheTable, now: Now
) -> NewApiKeyAnswer:
    for scope in wanted.scopes:
        if not satisfies(caller.scopes, scope):
            raise InsufficientScope(f"Only a key with the scope {scope} can grant it.")
    return issue_api_key(table, caller.tenant_id, wanted, now)


handler = endpoint.handler
