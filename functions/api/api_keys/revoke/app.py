"""DELETE /v1/api-keys/{id}: the revoked key, which stops working everywhere within 30 seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tally.access.api_keys import revoke_api_key as store_revocation
from tally.access.model.scopes import Scope
from tally.http.api_keys import ApiKeyId
from tally.http.dependencies import CurrentActor, CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import NotFound

endpoint = Endpoint(Scope.KEYS_WRITE, errors=[NotFound])


@dataclass(frozen=True, slots=True)
class RevokedApiKey:
    """The same answer however often the key is revoked."""

    api_key_id: str
    status: Literal["revoked"]


@endpoint.delete("/v1/api-keys/{id}")
def revoke_api_key(
    api_key_id: ApiKeyId, caller: CurrentCaller, actor: CurrentActor, table: TheTable, now: Now
) -> RevokedApiKey:
    key = store_revocation(table, caller.tenant_id, api_key_id, now, actor=actor)
    return RevokedApiKey(api_key_id=key.api_key_id, status="revoked")


handler = endpoint.handler
