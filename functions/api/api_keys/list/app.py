"""GET /v1/api-keys: the API keys of the caller's tenant, newest first, including revoked ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.api_keys import ApiKeyPosition
from tally.access.api_keys import list_api_keys as stored_api_keys
from tally.access.model.scopes import Scope
from tally.http.api_keys import ListedApiKeyAnswer, listed_api_key_answer
from tally.http.cursors import Cursors
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of, fitting

endpoint = Endpoint(Scope.KEYS_WRITE, errors=LIST_ERRORS, rows="api_keys")

ApiKeyCursors = Annotated[
    Cursors[ApiKeyPosition], cursors_of("api-keys", "created_at", ApiKeyPosition)
]


@dataclass(frozen=True, slots=True)
class ApiKeyList:
    """`total` counts all keys of the tenant. `next_cursor` is null on the last page."""

    api_keys: list[ListedApiKeyAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/api-keys")
def list_api_keys(
    caller: CurrentCaller,
    table: TheTable,
    cursors: ApiKeyCursors,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> ApiKeyList:
    after = cursors.read(cursor)
    page = stored_api_keys(table, caller.tenant_id, limit=limit, after=after)
    keys, last = fitting(page, listed_api_key_answer)
    return ApiKeyList(api_keys=keys, total=page.total, next_cursor=cursors.write(last))


handler = endpoint.handler
