"""GET /v1/agent/activity/accesses: datasets that the caller's tenant accessed, latest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.activity.lists import AccessPosition, DatasetAccess
from tally.activity.lists import list_accesses as stored_accesses
from tally.http.cursors import Cursors
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of, fitting
from tally.kernel.instants import for_display

endpoint = Endpoint(Scope.USAGE_READ, errors=LIST_ERRORS, rows="accesses")

AccessCursors = Annotated[
    Cursors[AccessPosition], cursors_of("accesses", "last_accessed_at", AccessPosition)
]


@dataclass(frozen=True, slots=True)
class AccessActivityAnswer:
    """A dataset and how often it was accessed. `dataset_name` is its current name."""

    dataset_id: str
    dataset_name: str
    access_count: int
    last_accessed_at: str


@dataclass(frozen=True, slots=True)
class AccessActivityList:
    """`total` counts all datasets ever accessed. `next_cursor` is null on the last page."""

    accesses: list[AccessActivityAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/agent/activity/accesses")
def list_accesses(
    caller: CurrentCaller,
    table: TheTable,
    cursors: AccessCursors,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> AccessActivityList:
    after = cursors.read(cursor)
    page = stored_accesses(table, caller.tenant_id, limit=limit, after=after)
    accesses, last = fitting(page, _answer)
    return AccessActivityList(accesses=accesses, total=page.total, next_cursor=cursors.write(last))


def _answer(access: DatasetAccess) -> AccessActivityAnswer:
    return AccessActivityAnswer(
        dataset_id=access.dataset_id,
        dataset_name=access.dataset_name,
        access_count=access.access_count,
        last_accessed_at=for_display(access.last_accessed_at),
    )


handler = endpoint.handler
