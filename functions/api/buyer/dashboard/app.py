"""GET /v1/buyer/dashboard: how many API keys the caller's tenant has, in one read."""

from __future__ import annotations

from dataclasses import dataclass

from tally.access.api_keys import api_key_totals
from tally.access.model.scopes import Scope
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.endpoint import Endpoint

endpoint = Endpoint(Scope.USAGE_READ)


@dataclass(frozen=True, slots=True)
class BuyerDashboard:
    """An active key is one that is not revoked."""

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
