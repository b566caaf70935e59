"""DELETE /v1/api-keys/{id}: the revoked key, which stops working everywhere within 30 seconds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from tally.access.api_keys import revoke_api_key as store_revocation
from tally.access.model.scopes import Scope
from tally.http.dependencies import CurrentCaller, Now, TheTable, path_id
from tally.http.endpoint import Endpoint
from tally.kernel.errors import NotFound

endpoint = Endpoint(Scope.KEYS_WRITE, errors=[NotFound])

ApiKeyId = Annotated[str, path_id("API key")]


class RevokedApiKey(BaseModel):
    """The same answer however often the key is revoked."""

    api_key_id: str
    status: Literal["revoked"]


@endpoint.delete("/v1/api-keys/<api_key_id>")
def revoke_api_key(
    api_key_id: ApiKeyId, caller: CurrentCaller, table: TheTable, now: Now
) -> RevokedApiKey:
    key = store_revocation(table, caller.tenant_id, api_key_id, now)
    return RevokedApiKey(api_key_id=key.api_key_id, status="revoked")


handler = endpoint.handler
