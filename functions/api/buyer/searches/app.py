"""GET /v1/agent/activity/searches: the searches of the caller's tenant, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.activity.lists import SearchPosition
from tally.activity.lists import list_searches as stored_searches
from tally.activity.model import SearchActivity
from tally.http.cursors import Cursors
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of, fitting
from tally.kernel.instants import for_display
from tally.kernel.money import to_decimal

endpoint = Endpoint(Scope.USAGE_READ, errors=LIST_ERRORS, rows="searches")

SearchCursors = Annotated[
    Cursors[SearchPosition], cursors_of("searches", "occurred_at", SearchPosition)
]


@dataclass(frozen=True, slots=True)
class SearchActivityAnswer:
    """One search and what was charged for it. `query_text` is null once it is erased or expired."""

    search_activity_id: str
    query_text: str | None
    dataset_ids: list[str]
    result_count: int
    charged_amount: Decimal
    currency: str
    occurred_at: str


@dataclass(frozen=True, slots=True)
class SearchActivityList:
    """`total` counts all searches of the tenant. `next_cursor` is null on the last page."""

    searches: list[SearchActivityAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/agent/activity/searches")
def list_searches(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    *,
    cursors: SearchCursors,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SearchActivityList:
    after = cursors.read(cursor)
    page = stored_searches(table, caller.tenant_id, now, limit=limit, after=after)
    searches, last = fitting(page, _answer)
    return SearchActivityList(searches=searches, total=page.total, next_cursor=cursors.write(last))


def _answer(search: SearchActivity) -> SearchActivityAnswer:
    return SearchActivityAnswer(
        search_activity_id=search.search_activity_id,
        query_text=search.query_text,
        dataset_ids=list(search.dataset_ids),
        result_count=search.result_count,
        charged_amount=to_decimal(search.amount),
        currency=search.currency,
        occurred_at=for_display(search.occurred_at),
    )


handler = endpoint.handler
