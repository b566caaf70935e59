"""Datasets and objects, each the outcome of its events in any order of arrival.

Every field is a maximum over versions, so applying events commutes: that is what makes late and
re-ordered events harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from tally.domain.instants import Instant


class Version(NamedTuple):
    """Decides which of two events is the newer: time, then rank of the kind, then event id."""

    time: Instant
    rank: int
    event_id: str
    source: str


class DatasetEventKind(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class ObjectEventKind(StrEnum):
    UPLOADED = "uploaded"
    APPROVED = "approved"
    REJECTED = "rejected"
    INDEXED = "indexed"
    DELETED = "deleted"


# At equal times the later in the life of a thing wins; a deletion wins over all.
RANKS: dict[str, int] = {
    "created": 0,
    "uploaded": 0,
    "approved": 1,
    "updated": 1,
    "rejected": 2,
    "indexed": 3,
    "deleted": 4,
}


class Review(StrEnum):
    """An object's state of review, named as the dashboard's counters are."""

    PENDING = "pending_review"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class DatasetEvent:
    """`name` is given for all kinds but DELETED."""

    kind: DatasetEventKind
    tenant_id: str
    dataset_id: str
    version: Version
    name: str = ""


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """`size_bytes` is given for UPLOADED."""

    kind: ObjectEventKind
    tenant_id: str
    dataset_id: str
    object_id: str
    version: Version
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset; its owner never changes. It may be deleted and, by a newer event, come back."""

    tenant_id: str
    dataset_id: str
    name: str
    named: Version
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
            return replace(self, deleted=_newest(self.deleted, event.version))
        if event.version > self.named:
            return replace(self, name=event.name, named=event.version)
        return self


def new_dataset(event: DatasetEvent) -> Dataset:
    return Dataset(event.tenant_id, event.dataset_id, event.name, named=event.version)


@dataclass(frozen=True, slots=True)
class ObjectState:
    """What the counters see of an object that exists."""

    size_bytes: int
    review: Review
    active: bool


@dataclass(frozen=True, slots=True)
class CatalogObject:
    """All that was said of an object, and `floor`: its dataset's newest deletion, as known here.

    `previous` is the upload before the newest one: it tells a first upload from a replacement.
    """

    tenant_id: str
    dataset_id: str
    object_id: str
    uploaded: Version | None = None
    size_bytes: int = 0
    previous: Version | None = None
    reviewed: Version | None = None
    review: Review = Review.PENDING
    indexed: Version | None = None
    deleted: Version | None = None
    floor: Version | None = None

    @property
    def state(self) -> ObjectState | None:
        """None unless uploaded since its own and its dataset's last deletion.

        What was said before a first upload counts from the upload on; a replacement of an object
        that exists goes back to review.
        """
        born_after = _newest(self.deleted, self.floor)
        if not _is_newer(self.uploaded, born_after):
            return None
        since = self.uploaded if _is_newer(self.previous, born_after) else born_after
        review = self.review if _is_newer(self.reviewed, since) else Review.PENDING
        active = review is Review.APPROVED and _is_newer(self.indexed, since)
        return ObjectState(self.size_bytes, review, active)

    def apply(self, event: ObjectEvent) -> CatalogObject:
        version = event.version
        match event.kind:
            case ObjectEventKind.UPLOADED:
                if _is_newer(version, self.uploaded):
                    return replace(
                        self,
                        uploaded=version,
                        size_bytes=event.size_bytes,
                        previous=self.uploaded,
                    )
                return replace(self, previous=_newest(self.previous, version))
            case ObjectEventKind.APPROVED | ObjectEventKind.REJECTED:
                if _is_newer(version, self.reviewed):
                    return replace(self, reviewed=version, review=Review(event.kind.value))
                return self
            case ObjectEventKind.INDEXED:
                return replace(self, indexed=_newest(self.indexed, version))
            case ObjectEventKind.DELETED:
                return replace(self, deleted=_newest(self.deleted, version))

    def moved_to(self, floor: Version | None) -> CatalogObject:
        """The same object, known to have survived (or not) its dataset's deletion `floor`."""
        return replace(self, floor=_newest(self.floor, floor))


def new_object(event: ObjectEvent) -> CatalogObject:
    """An object of which nothing was said yet."""
    return CatalogObject(event.tenant_id, event.dataset_id, event.object_id)


def _is_newer(version: Version | None, than: Version | None) -> bool:
    return version is not None and (than is None or version > than)


def _newest(first: Version | None, second: Version | None) -> Version | None:
    return first if second is None or _is_newer(first, second) else second
