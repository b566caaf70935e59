"""GET /v1/admin/tenants: all tenants, in the order of their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.access.tenants import TenantPosition
from tally.access.tenants import list_tenants as stored_tenants
from tally.http.cursors import Cursors
from tally.http.dependencies import TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of, fitting
from tally.http.tenants import TenantAnswer, tenant_answer

endpoint = Endpoint(Scope.ADMIN, platform_only=True, errors=LIST_ERRORS, rows="tenants")

TenantCursors = Annotated[
    Cursors[TenantPosition], cursors_of("tenants", "tenant_id", TenantPosition)
]


@dataclass(frozen=True, slots=True)
class TenantList:
    """`total` counts all tenants. `next_cursor` is null on the last page."""

    tenants: list[TenantAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/admin/tenants")
def list_tenants(
    table: TheTable, cursors: TenantCursors, limit: Limit = 20, cursor: Cursor = None
) -> TenantList:
    page = stored_tenants(table, limit=limit, after=cursors.read(cursor))
    tenants, last = fitting(page, tenant_answer)
    return TenantList(tenants=tenants, total=page.total, next_cursor=cursors.write(last))


handler = endpoint.handler
