"""What datasets and objects count: per provider, and per dataset from one deletion to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from tally.catalog.model.datasets import Dataset
from tally.catalog.model.objects import CatalogObject
from tally.kernel.counters import Deltas, Totals, adds, without_zeros
from tally.kernel.keys import Key
from tally.kernel.versions import Version

OBJECT_FIELDS = ("objects", "bytes", "pending_review", "approved", "rejected", "active")


@dataclass(frozen=True, slots=True)
class ProviderTotals(Totals):
    """A provider's datasets, and the objects of those that are not deleted."""

    FIELDS: ClassVar = ("datasets", *OBJECT_FIELDS)
    PARTS: ClassVar = 16  # about 3 KB: still read in one go, at the price of one item
    tenant_id: str

    @property
    def key(self) -> Key:
        """`TENANT#acme` / `TOTALS#PROVIDER`; its parts: `TOTALS#PROVIDER#01`"""
        return Key(f"TENANT#{self.tenant_id}", "TOTALS#PROVIDER")


@dataclass(frozen=True, slots=True)
class DatasetTotals(Totals):
    """The objects of a dataset since its last deletion (`epoch`).

    They are part of their provider's totals until the next deletion ends the epoch: taking a
    dataset out of all counts is one subtraction, however many objects it has.
    """

    FIELDS: ClassVar = OBJECT_FIELDS
    tenant_id: str
    dataset_id: str
    epoch: str

    @property
    def key(self) -> Key:
        """`DATASET#dset_1` / `DATASET#TOTALS#0`: one Query reads it with the dataset"""
        return Key(f"DATASET#{self.dataset_id}", f"DATASET#TOTALS#{self.epoch}")

    @property
    def parent(self) -> ProviderTotals:
        return ProviderTotals(self.tenant_id)


def epoch_of(deletion: Version | None) -> str:
    """A name for the time from one deletion of a dataset to the next; "0" before the first."""
    if deletion is None:
        return "0"
    unique = sha256(f"{deletion.event_id}\0{deletion.source}".encode()).hexdigest()
    return f"{deletion.time}-{unique[:12]}"


def present_epoch(dataset: Dataset) -> DatasetTotals:
    return DatasetTotals(dataset.tenant_id, dataset.dataset_id, epoch_of(dataset.deleted))


def dataset_contribution(dataset: Dataset) -> Deltas:
    return adds(ProviderTotals(dataset.tenant_id), datasets=1) if dataset.alive else Counter()


def object_contribution(record: CatalogObject) -> Deltas:
    state = record.state
    if state is None:
        return Counter()
    totals = DatasetTotals(record.tenant_id, record.dataset_id, epoch_of(record.floor))
    counted = {"objects": 1, "bytes": state.size_bytes, "active": int(state.active)}
    return without_zeros(adds(totals, **counted, **{state.review.value: 1}))


def superseded(old: object, new: object) -> DatasetTotals | None:
    """The dataset epoch that this change ends, if it does. A dataset may be born deleted."""
    before = old.deleted if isinstance(old, Dataset) else None
    if isinstance(new, Dataset) and new.deleted != before:
        return DatasetTotals(new.tenant_id, new.dataset_id, epoch_of(before))
    return None


def may_have_survivors(old: object, new: object) -> bool:
    """Whether objects of an ended epoch may belong to the dataset as it is now."""
    if not (isinstance(new, Dataset) and new.alive and new.deleted):
        return False
    return not (isinstance(old, Dataset) and old.alive and old.deleted == new.deleted)
