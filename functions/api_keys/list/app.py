"""GET /v1/api-keys: the keys of the caller's tenant, newest first, revoked ones too."""

from __future__ import annotations

from pydantic import BaseModel

from tally.domain.scopes import Scope
from tally.http.cursors import Cursors
from tally.http.endpoint import CurrentCaller, Endpoint, TheTable
from tally.http.lists import Cursor, CursorSecret, Limit
from tally.http.models import ApiKeyAnswer, api_key_fields
from tally.store.api_keys import Position
from tally.store.api_keys import list_api_keys as stored_api_keys

endpoint = Endpoint(Scope.KEYS_WRITE)


class ApiKeyList(BaseModel):
    """`total` counts all keys of the tenant; `next_cursor` is null on the last page."""

    api_keys: list[ApiKeyAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/api-keys")
def list_api_keys(
    caller: CurrentCaller,
    table: TheTable,
    secret: CursorSecret,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ApiKeyList:
    cursors = Cursors(secret, (caller.tenant_id, "api-keys", "created_at"))
    position = cursors.read(cursor, length=2)
    after = Position(*position) if position else None
    page = stored_api_keys(table, caller.tenant_id, limit=limit, after=after)
    return ApiKeyList(
        api_keys=[ApiKeyAnswer.model_validate(api_key_fields(key)) for key in page.api_keys],
        total=page.total,
        next_cursor=cursors.write(page.last),
    )


handler = endpoint.handler
