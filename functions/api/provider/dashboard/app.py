"""GET /v1/provider/dashboard: datasets, objects and storage of the caller's tenant, in one read."""

from __future__ import annotations

from dataclasses import dataclass

from tally.access.model.scopes import Scope
from tally.catalog.reads import provider_totals
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.endpoint import Endpoint

endpoint = Endpoint(Scope.USAGE_READ)


@dataclass(frozen=True, slots=True)
class ProviderDashboard:
    """Deleted datasets and objects are not counted."""

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
