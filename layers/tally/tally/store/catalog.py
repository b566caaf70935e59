"""Datasets and objects as items, and the work of changing several of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tally.domain.catalog import CatalogObject, Dataset, Review
from tally.domain.counting import DatasetTotals, Record, epoch_of
from tally.store import keys
from tally.store.items import version_from
from tally.store.keys import Key
from tally.store.table import Action, Table


def attributes_of(record: Record) -> dict[str, Any]:
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


def record_from(item: Mapping[str, Any]) -> Record:
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


def key_of_record(record: Record) -> Key:
    match record:
        case Dataset():
            return keys.dataset(record.dataset_id)
        case CatalogObject():
            return keys.catalog_object(record.dataset_id, record.object_id)


@dataclass(slots=True)
class Records:
    """Records read at one moment, and what is to become of them, written only if none changed."""

    items: Mapping[Key, Mapping[str, Any]]
    _changed: dict[Key, Record] = field(default_factory=dict)

    def dataset(self, dataset_id: str) -> Dataset | None:
        record = self._get(keys.dataset(dataset_id))
        return record if isinstance(record, Dataset) else None

    def catalog_object(self, dataset_id: str, object_id: str) -> CatalogObject | None:
        record = self._get(keys.catalog_object(dataset_id, object_id))
        return record if isinstance(record, CatalogObject) else None

    def set(self, record: Record) -> None:
        key = key_of_record(record)
        if record == self._get(key):
            return
        self._changed[key] = record

    def is_newly_deleted(self, dataset_id: str) -> bool:
        """Whether the changes hold a deletion that the dataset did not have when it was read."""
        key = keys.dataset(dataset_id)
        changed = self._changed.get(key)
        before = record_from(self.items[key]) if key in self.items else None
        return changed is not None and changed.deleted != (before and before.deleted)

    @property
    def writes(self) -> int:
        """How many actions it takes to write the changes."""
        new = [r for key, r in self._changed.items() if key not in self.items]
        return len(self._changed) + sum(isinstance(record, Dataset) for record in new)

    def actions(self, table: Table) -> list[Action]:
        """Each changed record whole, on condition that it is still at the revision that was read;
        for a new dataset also the mark in its owner's partition."""
        actions = []
        for key, record in self._changed.items():
            revision = self.items[key]["revision"] if key in self.items else 0
            attributes = attributes_of(record) | {"revision": revision + 1}
            if revision:
                condition = "revision = :revision"
                actions.append(table.put(key, attributes, condition, revision=revision))
                continue
            actions.append(table.put_new(key, attributes))
            if isinstance(record, Dataset):
                owned = keys.tenant_dataset(record.tenant_id, record.dataset_id)
                actions.append(table.put_new(owned, {"dataset_id": record.dataset_id}))
        return actions

    def _get(self, key: Key) -> Record | None:
        if key in self._changed:
            return self._changed[key]
        return record_from(self.items[key]) if key in self.items else None


def dataset_with_totals(table: Table, dataset_id: str) -> tuple[Dataset, Mapping[str, int]] | None:
    """A dataset and the counters of its present epoch, in one Query. None if there is no such."""
    dataset: Dataset | None = None
    totals: dict[str, Mapping[str, int]] = {}
    for item in table.query(keys.dataset(dataset_id).pk, keys.DATASET_SK):
        if item["SK"] == keys.DATASET_SK:
            record = record_from(item)
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
        record = record_from(item)
        if isinstance(record, CatalogObject):
            yield record, item["revision"]


def _required(item: Mapping[str, Any], name: str) -> Any:
    return version_from(item[name])
