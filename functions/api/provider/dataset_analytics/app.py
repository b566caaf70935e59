"""GET /v1/provider/datasets/{id}/analytics: one dataset of the caller's tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.catalog.reads import dataset_with_totals
from tally.http.arguments import PathId
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.errors import NotFound

endpoint = Endpoint(Scope.USAGE_READ, errors=[NotFound])

DatasetId = Annotated[str, PathId("Dataset")]


@dataclass(frozen=True, slots=True)
class DatasetAnalytics:
    """An active object is approved and indexed."""

    dataset_id: str
    dataset_name: str
    object_count: int
    active_object_count: int
    storage_bytes: int


@endpoint.get("/v1/provider/datasets/{id}/analytics")
def dataset_analytics(
    dataset_id: DatasetId, caller: CurrentCaller, table: TheTable
) -> DatasetAnalytics:
    found = dataset_with_totals(table, dataset_id)
    if found is None or found[0].tenant_id != caller.tenant_id or not found[0].alive:
        raise NotFound(f"Dataset {dataset_id} does not exist.")
    dataset, totals = found
    return DatasetAnalytics(
        dataset_id=dataset.dataset_id,
        dataset_name=dataset.name,
        object_count=totals.get("objects", 0),
        active_object_count=totals.get("active", 0),
        storage_bytes=totals.get("bytes", 0),
    )


handler = endpoint.handler
