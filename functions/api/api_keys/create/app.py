"""POST /v1/api-keys: a new API key of the caller's tenant, with scopes that the caller has."""

from __future__ import annotations

from tally.access.issuing import issue_api_key
from tally.access.model.scopes import Scope
from tally.http.api_keys import NewApiKeyAnswer, new_api_key_answer
from tally.http.bodies import ApiKeyRequest, Body
from tally.http.dependencies import CurrentActor, CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import InsufficientScope

endpoint = Endpoint(Scope.KEYS_WRITE)


@endpoint.post("/v1/api-keys", status_code=201)
def create_api_key(
    wanted: Body[ApiKeyRequest],
    caller: CurrentCaller,
    actor: CurrentActor,
    table: TheTable,
    now: Now,
) -> NewApiKeyAnswer:
    for scope in wanted.scopes:
        if not caller.may(scope):
            raise InsufficientScope(f"Only a key with the scope {scope} can grant it.")
    text, key = issue_api_key(
        table, caller.tenant_id, **wanted.model_dump(), now=now, maker=caller, actor=actor
    )
    return new_api_key_answer(text, key)


handler = endpoint.handler
