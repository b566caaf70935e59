"""DELETE /v1/api-keys/{id}: the key stops working, everywhere within 30 seconds."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Endpoint, Now, TheTable
from tally.store.api_keys import revoke_api_key as store_revocation

endpoint = Endpoint(Scope.KEYS_WRITE)


class RevokedApiKey(BaseModel):
    api_key_id: str
    status: Literal["revoked"]


@endpoint.delete("/v1/api-keys/<api_key_id>")
def revoke_api_key(
    api_key_id: str, caller: CurrentCaller, table: TheTable, now: Now
) -> RevokedApiKey:
    key = store_revocation(table, caller.tenant_id, api_key_id, now)
    return RevokedApiKey(api_key_id=key.api_key_id, status="revoked")


handler = endpoint.handler
