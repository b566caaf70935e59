"""GET /v1/provider/datasets: the datasets of the caller's tenant, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.catalog.lists import DatasetPosition, ListedDataset
from tally.catalog.lists import list_datasets as stored_datasets
from tally.http.cursors import Cursors
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.endpoint import Endpoint
from tally.http.lists import LIST_ERRORS, Cursor, Limit, cursors_of, fitting
from tally.kernel.instants import for_display

endpoint = Endpoint(Scope.USAGE_READ, errors=LIST_ERRORS, rows="datasets")

DatasetCursors = Annotated[
    Cursors[DatasetPosition], cursors_of("datasets", "created_at", DatasetPosition)
]


@dataclass(frozen=True, slots=True)
class DatasetAnswer:
    """A dataset with what it holds. An active object is approved and indexed."""

    dataset_id: str
    dataset_name: str
    object_count: int
    active_object_count: int
    storage_bytes: int
    created_at: str


@dataclass(frozen=True, slots=True)
class DatasetList:
    """`total` counts all datasets that are not deleted. `next_cursor` is null on the last page."""

    datasets: list[DatasetAnswer]
    total: int
    next_cursor: str | None


@endpoint.get("/v1/provider/datasets")
def list_datasets(
    caller: CurrentCaller,
    table: TheTable,
    cursors: DatasetCursors,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> DatasetList:
    after = cursors.read(cursor)
    page = stored_datasets(table, caller.tenant_id, limit=limit, after=after)
    datasets, last = fitting(page, _answer)
    return DatasetList(datasets=datasets, total=page.total, next_cursor=cursors.write(last))


def _answer(dataset: ListedDataset) -> DatasetAnswer:
    return DatasetAnswer(
        dataset_id=dataset.dataset_id,
        dataset_name=dataset.name,
        object_count=dataset.objects,
        active_object_count=dataset.active,
        storage_bytes=dataset.storage_bytes,
        created_at=for_display(dataset.created_at),
    )


handler = endpoint.handler
