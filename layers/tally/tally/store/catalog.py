"""Datasets and objects as items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tally.domain.catalog import CatalogObject, Dataset, Review
from tally.domain.counting import DatasetTotals, epoch_of
from tally.store import keys
from tally.store.items import version_from
from tally.store.keys import Key
from tally.store.table import Table

type CatalogRecord = Dataset | CatalogObject


def attributes_of(record: CatalogRecord) -> dict[str, Any]:
    match record:
        case Dataset():
            return {
                "tenant_id": record.tenant_id,
                "dataset_id": record.dataset_id,
                "name": record.name,
                "named": record.named,
                "deleted": record.deleted,
            }
        case CatalogObject():
            return {
                "tenant_id": record.tenant_id,
                "dataset_id": record.dataset_id,
                "object_id": record.object_id,
                "uploaded": record.uploaded,
                "size_bytes": record.size_bytes,
                "previous": record.previous,
                "reviewed": record.reviewed,
                "review": record.review.value,
                "indexed": record.indexed,
                "deleted": record.deleted,
                "floor": record.floor,
            }


def catalog_record_from(item: Mapping[str, Any]) -> CatalogRecord:
    """KeyError, TypeError or ValueError for an item that is none."""
    if item["SK"] == keys.DATASET_SK:
        return Dataset(
            tenant_id=item["tenant_id"],
            dataset_id=item["dataset_id"],
            name=item["name"],
            named=_required(item, "named"),
            deleted=version_from(item.get("deleted")),
        )
    if item["SK"].startswith(keys.OBJECT_PREFIX):
        return CatalogObject(
            tenant_id=item["tenant_id"],
            dataset_id=item["dataset_id"],
            object_id=item["object_id"],
            uploaded=version_from(item.get("uploaded")),
            size_bytes=item["size_bytes"],
            previous=version_from(item.get("previous")),
            reviewed=version_from(item.get("reviewed")),
            review=Review(item["review"]),
            indexed=version_from(item.get("indexed")),
            deleted=version_from(item.get("deleted")),
            floor=version_from(item.get("floor")),
        )
    raise ValueError("neither a dataset nor an object")


def key_of_record(record: CatalogRecord) -> Key:
    match record:
        case Dataset():
            return keys.dataset(record.dataset_id)
        case CatalogObject():
            return keys.catalog_object(record.dataset_id, record.object_id)


def dataset_with_totals(table: Table, dataset_id: str) -> tuple[Dataset, Mapping[str, int]] | None:
    """A dataset and the counters of its present epoch, in one Query. None if there is no such."""
    dataset: Dataset | None = None
    totals: dict[str, Mapping[str, int]] = {}
    for item in table.query(keys.dataset(dataset_id).pk, keys.DATASET_SK):
        if item["SK"] == keys.DATASET_SK:
            record = catalog_record_from(item)
            dataset = record if isinstance(record, Dataset) else None
        else:
            totals[item["SK"]] = item
    if dataset is None:
        return None
    present = DatasetTotals(dataset.tenant_id, dataset_id, epoch_of(dataset.deleted))
    return dataset, totals.get(keys.totals(present).sk, {})


def objects_of(table: Table, dataset_id: str) -> Iterable[tuple[CatalogObject, int]]:
    """All objects ever named in a dataset, each with its revision, read consistently."""
    pk = keys.dataset(dataset_id).pk
    for item in table.query(pk, keys.OBJECT_PREFIX, consistent=True):
        record = catalog_record_from(item)
        if isinstance(record, CatalogObject):
            yield record, item["revision"]


def _required(item: Mapping[str, Any], name: str) -> Any:
    return version_from(item[name])
