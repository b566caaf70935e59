"""What may be said of datasets and objects, and how it changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import Field

from tally.aws.draft import Draft, Postponed
from tally.catalog.counters import present_epoch
from tally.catalog.items import (
    dataset_attributes,
    dataset_from,
    dataset_key,
    key_of_place,
    listing_attributes,
    object_attributes,
    object_from,
    object_key,
    owned_dataset_key,
)
from tally.catalog.model.datasets import Dataset, DatasetEvent, DatasetEventKind, new_dataset
from tally.catalog.model.objects import ObjectEvent, ObjectEventKind, new_object
from tally.kernel.events import Door, Event, UnknownDataset
from tally.kernel.keys import Key
from tally.kernel.versions import Version
from tally.wire.event_types import EventData, EventType
from tally.wire.fields import Id, Name


class DatasetData(EventData):
    tenant_id: Id
    dataset_id: Id


class NamedDatasetData(DatasetData):
    name: Name


class ObjectData(DatasetData):
    object_id: Id


class UploadData(ObjectData):
    size_bytes: int = Field(ge=0, lt=2**63)


def _dataset_fact(kind: DatasetEventKind) -> Callable[[DatasetData, Version], DatasetEvent]:
    return lambda data, version: DatasetEvent(kind=kind, version=version, **data.model_dump())


def _object_fact(kind: ObjectEventKind) -> Callable[[ObjectData, Version], ObjectEvent]:
    return lambda data, version: ObjectEvent(kind=kind, version=version, **data.model_dump())


def _reads_dataset(fact: DatasetEvent) -> Iterable[Key]:
    return [dataset_key(fact.dataset_id)]


def _reads_object(fact: ObjectEvent) -> Iterable[Key]:
    return [dataset_key(fact.dataset_id), object_key(fact.dataset_id, fact.object_id)]


def _decide_dataset(event: Event[DatasetEvent], draft: Draft, _door: Door) -> Mapping[str, Any]:
    fact = event.fact
    key = dataset_key(fact.dataset_id)
    item = draft.read(key)
    if item is None and fact.kind is DatasetEventKind.CREATED:
        _store(new_dataset(fact), None, draft)
        owned = owned_dataset_key(fact.tenant_id, fact.dataset_id)
        draft.create(owned, {"dataset_id": fact.dataset_id})
        return {}
    dataset = _dataset_for(fact, draft)
    if fact.kind is DatasetEventKind.DELETED and _is_deleted_here(key, draft):
        raise Postponed  # one change of the item is one epoch that ends with it
    changed = dataset.apply(fact)
    if changed != dataset:
        _store(changed, dataset, draft)
    return {}


def _store(dataset: Dataset, before: Dataset | None, draft: Draft) -> None:
    """The dataset, and its place in the list of those that are not deleted."""
    draft.revise(dataset_key(dataset.dataset_id), dataset_attributes(dataset))
    place = key_of_place(dataset)
    if before and key_of_place(before) != place:
        draft.delete(key_of_place(before))
    if dataset.alive:
        draft.put(place, listing_attributes(dataset, present_epoch(dataset).epoch))
    else:
        draft.delete(place)


def _decide_object(event: Event[ObjectEvent], draft: Draft, _door: Door) -> Mapping[str, Any]:
    fact = event.fact
    key = object_key(fact.dataset_id, fact.object_id)
    dataset = _dataset_for(fact, draft)
    item = draft.read(key)
    known = object_from(item) if item else None
    record = known or new_object(fact)
    # Nothing counts in a deleted dataset: its objects stay in the epoch that ended with it.
    moved = record.moved_to(dataset.deleted) if dataset.alive else record
    changed = moved.apply(fact)
    if changed != known:
        draft.revise(key, object_attributes(changed))
    return {}


def _dataset_for(fact: DatasetEvent | ObjectEvent, draft: Draft) -> Dataset:
    """UnknownDataset unless the event speaks of a dataset that its tenant has."""
    item = draft.read(dataset_key(fact.dataset_id))
    dataset = dataset_from(item) if item else None
    if dataset is None or not dataset.exists_for(fact):
        raise UnknownDataset(
            f"data.dataset_id: tenant {fact.tenant_id} has no dataset {fact.dataset_id}.",
            field="data.dataset_id",
        )
    return dataset


def _is_deleted_here(key: Key, draft: Draft) -> bool:
    """Whether the draft holds a deletion that the dataset did not have when it was read."""
    before, after = draft.items.get(key), draft.read(key)
    deletions = [dataset_from(item).deleted if item else None for item in (before, after)]
    return deletions[0] != deletions[1]


EVENT_TYPES: tuple[EventType[Any, Any], ...] = (
    *(
        EventType(
            f"dataset.{kind}",
            DatasetData if kind is DatasetEventKind.DELETED else NamedDatasetData,
            _dataset_fact(kind),
            _reads_dataset,
            _decide_dataset,
        )
        for kind in DatasetEventKind
    ),
    *(
        EventType(
            f"object.{kind}",
            UploadData if kind is ObjectEventKind.UPLOADED else ObjectData,
            _object_fact(kind),
            _reads_object,
            _decide_object,
        )
        for kind in ObjectEventKind
    ),
)
