"""GET /v1/buyer/dashboard: how many API keys the caller's tenant has, in one read."""

from __future__ import annotations

from pydantic import BaseModel

from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Endpoint, TheTable
from tally.store.totals import api_key_totals

endpoint = Endpoint(Scope.USAGE_READ)


class BuyerDashboard(BaseModel):
    api_key_count: int
    active_api_key_count: int


@endpoint.get("/v1/buyer/dashboard")
def buyer_dashboard(caller: CurrentCaller, table: TheTable) -> BuyerDashboard:
    totals = api_key_totals(table, caller.tenant_id)
    return BuyerDashboard(
        api_key_count=totals.get("api_keys", 0),
        active_api_key_count=totals.get("active_api_keys", 0),
    )


handler = endpoint.handler
