"""GET /v1/agent/activity/searches: the searches of the caller's tenant, newest first."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel

from tally.domain.activity import SearchActivity
from tally.domain.instants import for_display
from tally.domain.money import to_decimal
from tally.domain.scopes import Scope
from tally.http.cursors import Cursors
from tally.http.endpoint import CurrentCaller, Endpoint, TheTable
from tally.http.lists import Cursor, CursorSecret, Limit
from tally.store.activity import SearchPosition
from tally.store.activity import list_searches as stored_searches

endpoint = Endpoint(Scope.USAGE_READ)


class SearchActivityAnswer(BaseModel):
    search_activity_id: str
    query_text: str
    dataset_ids: list[str]
    result_count: int
    charged_amount: Decimal
    currency: str
    occurred_at: str


class SearchActivityList(BaseModel):
    """`total` counts all searches of the tenant; `next_cursor` is null on the last page."""

    searches: list[SearchActivityAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/agent/activity/searches")
def list_searches(
    caller: CurrentCaller,
    table: TheTable,
    secret: CursorSecret,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SearchActivityList:
    cursors = Cursors(secret, (caller.tenant_id, "searches", "occurred_at"))
    position = cursors.read(cursor, length=2)
    after = SearchPosition(*position) if position else None
    page = stored_searches(table, caller.tenant_id, limit=limit, after=after)
    return SearchActivityList(
        searches=[_answer(search) for search in page.rows],
        total=page.total,
        next_cursor=cursors.write(page.last),
    )


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
