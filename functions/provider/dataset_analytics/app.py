"""GET /v1/provider/datasets/{id}/analytics: one dataset of the caller's tenant, in one read."""

from __future__ import annotations

from pydantic import BaseModel

from tally.domain.errors import NotFound
from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Endpoint, TheTable
from tally.store.catalog import dataset_with_totals

endpoint = Endpoint(Scope.USAGE_READ)


class DatasetAnalytics(BaseModel):
    dataset_id: str
    dataset_name: str
    object_count: int
    active_object_count: int
    storage_bytes: int


@endpoint.get("/v1/provider/datasets/<dataset_id>/analytics")
def dataset_analytics(dataset_id: str, caller: CurrentCaller, table: TheTable) -> DatasetAnalytics:
    found = dataset_with_totals(table, dataset_id)
    if found is None or found[0].tenant_id != caller.tenant_id or not found[0].alive:
        raise NotFound(f"There is no dataset {dataset_id}.")
    dataset, totals = found
    return DatasetAnalytics(
        dataset_id=dataset.dataset_id,
        dataset_name=dataset.name,
        object_count=totals.get("objects", 0),
        active_object_count=totals.get("active", 0),
        storage_bytes=totals.get("bytes", 0),
    )


handler = endpoint.handler
