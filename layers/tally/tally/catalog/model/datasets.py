"""Datasets, each the outcome of its events in any order of arrival.

Every field is a maximum over versions, so applying events commutes: late and reordered events do
no harm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tally.catalog.model.objects import ObjectEvent
from tally.kernel.instants import Instant
from tally.kernel.versions import Version, newest


class DatasetEventKind(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class DatasetEvent:
    """`name` is given for all kinds but DELETED."""

    kind: DatasetEventKind
    tenant_id: str
    dataset_id: str
    version: Version
    name: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset; its owner never changes. It may be deleted and, by a newer event, come back.

    `created` is its newest creation, `named` the newest event that gave it a name.
    """

    tenant_id: str
    dataset_id: str
    name: str
    named: Version
    created: Version
    deleted: Version | None = None

    @property
    def alive(self) -> bool:
        return self.deleted is None or self.named > self.deleted

    def exists_for(self, event: DatasetEvent | ObjectEvent) -> bool:
        """Whether the event speaks of a dataset that its tenant has, as far as is known by now.

        A late event from before a deletion is still in order; one from after it is not.
        """
        if event.tenant_id != self.tenant_id:
            return False
        if event.kind in (DatasetEventKind.CREATED, DatasetEventKind.DELETED) and isinstance(
            event, DatasetEvent
        ):
            return True
        return self.alive or (self.deleted is not None and event.version < self.deleted)

    def existed_at(self, time: Instant) -> bool:
        """Whether it can have been searched or accessed then, as far as is known by now."""
        return self.alive or (self.deleted is not None and time < self.deleted.time)

    def apply(self, event: DatasetEvent) -> Dataset:
        if event.kind is DatasetEventKind.DELETED:
            return replace(self, deleted=newest(self.deleted, event.version))
        known = self
        if event.kind is DatasetEventKind.CREATED:
            known = replace(self, created=max(self.created, event.version))
        if event.version > self.named:
            return replace(known, name=event.name, named=event.version)
        return known


def new_dataset(event: DatasetEvent) -> Dataset:
    version = event.version
    return Dataset(event.tenant_id, event.dataset_id, event.name, named=version, created=version)
