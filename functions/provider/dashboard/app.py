"""GET /v1/provider/dashboard: what the caller's tenant holds, in one read."""

from __future__ import annotations

from pydantic import BaseModel

from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Endpoint, TheTable
from tally.store.totals import provider_totals

endpoint = Endpoint(Scope.USAGE_READ)


class ProviderDashboard(BaseModel):
    total_datasets: int
    total_objects: int
    total_storage_bytes: int
    objects_pending_review: int
    objects_approved: int
    objects_rejected: int


@endpoint.get("/v1/provider/dashboard")
def provider_dashboard(caller: CurrentCaller, table: TheTable) -> ProviderDashboard:
    totals = provider_totals(table, caller.tenant_id)
    return ProviderDashboard(
        total_datasets=totals.get("datasets", 0),
        total_objects=totals.get("objects", 0),
        total_storage_bytes=totals.get("bytes", 0),
        objects_pending_review=totals.get("pending_review", 0),
        objects_approved=totals.get("approved", 0),
        objects_rejected=totals.get("rejected", 0),
    )


handler = endpoint.handler
