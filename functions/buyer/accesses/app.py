"""GET /v1/agent/activity/accesses: the datasets that the caller's tenant accessed, latest first."""

from __future__ import annotations

from pydantic import BaseModel

from tally.domain.instants import for_display
from tally.domain.scopes import Scope
from tally.http.cursors import Cursors
from tally.http.endpoint import CurrentCaller, Endpoint, TheTable
from tally.http.lists import Cursor, CursorSecret, Limit
from tally.store.activity import AccessPosition
from tally.store.activity import list_accesses as stored_accesses

endpoint = Endpoint(Scope.USAGE_READ)


class AccessActivityAnswer(BaseModel):
    """`dataset_name` is the present one."""

    dataset_id: str
    dataset_name: str
    access_count: int
    last_accessed_at: str


class AccessActivityList(BaseModel):
    """`total` counts the datasets ever accessed; `next_cursor` is null on the last page."""

    accesses: list[AccessActivityAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/agent/activity/accesses")
def list_accesses(
    caller: CurrentCaller,
    table: TheTable,
    secret: CursorSecret,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> AccessActivityList:
    cursors = Cursors(secret, (caller.tenant_id, "accesses", "last_accessed_at"))
    position = cursors.read(cursor, length=2)
    after = AccessPosition(*position) if position else None
    page = stored_accesses(table, caller.tenant_id, limit=limit, after=after)
    return AccessActivityList(
        accesses=[
            AccessActivityAnswer(
                dataset_id=access.dataset_id,
                dataset_name=access.dataset_name,
                access_count=access.access_count,
                last_accessed_at=for_display(access.last_accessed_at),
            )
            for access in page.rows
        ],
        total=page.total,
        next_cursor=cursors.write(page.last),
    )


handler = endpoint.handler
