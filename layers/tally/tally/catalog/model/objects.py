"""Objects, each the outcome of its events in any order of arrival.

Every field is a maximum over versions, so applying events commutes: late and reordered events do
no harm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tally.kernel.versions import Version, is_newer, newest


class ObjectEventKind(StrEnum):
    UPLOADED = "uploaded"
    APPROVED = "approved"
    REJECTED = "rejected"
    INDEXED = "indexed"
    DELETED = "deleted"


class Review(StrEnum):
    """An object's state of review, named as the dashboard's counters are."""

    PENDING = "pending_review"
    APPROVED = "approved"
    REJECTED = "rejected"


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
        """None unless uploaded since its own and its dataset's last deletion (`born_after`).

        A review or an index counts if it is newer than `since`, on this line of time:

            deleted or floor ... approved, indexed ... uploaded      first upload: both count
                  ^ since
            deleted or floor ... uploaded (previous) ... approved ... uploaded   replaced: back
                                                                      ^ since    to review
        """
        born_after = newest(self.deleted, self.floor)
        if not is_newer(self.uploaded, born_after):
            return None
        since = self.uploaded if is_newer(self.previous, born_after) else born_after
        review = self.review if is_newer(self.reviewed, since) else Review.PENDING
        active = review is Review.APPROVED and is_newer(self.indexed, since)
        return ObjectState(self.size_bytes, review, active)

    def apply(self, event: ObjectEvent) -> CatalogObject:
        version = event.version
        match event.kind:
            case ObjectEventKind.UPLOADED:
                if is_newer(version, self.uploaded):
                    return replace(
                        self,
                        uploaded=version,
                        size_bytes=event.size_bytes,
                        previous=self.uploaded,
                    )
                return replace(self, previous=newest(self.previous, version))
            case ObjectEventKind.APPROVED | ObjectEventKind.REJECTED:
                if is_newer(version, self.reviewed):
                    return replace(self, reviewed=version, review=Review(event.kind.value))
                return self
            case ObjectEventKind.INDEXED:
                return replace(self, indexed=newest(self.indexed, version))
            case ObjectEventKind.DELETED:
                return replace(self, deleted=newest(self.deleted, version))

    def moved_to(self, floor: Version | None) -> CatalogObject:
        """The same object, known to have survived (or not) its dataset's deletion `floor`."""
        return replace(self, floor=newest(self.floor, floor))


def new_object(event: ObjectEvent) -> CatalogObject:
    """An object of which nothing was said yet."""
    return CatalogObject(event.tenant_id, event.dataset_id, event.object_id)


def outlives(
    deletion: Version | None,
    *,
    uploaded: Version | None,
    deleted: Version | None,
    floor: Version | None,
) -> bool:
    """Whether an object with these versions is younger than its dataset's deletion, and does not
    know of that deletion yet: moved to it, it is another object, and has a state."""
    return is_newer(deletion, floor) and is_newer(uploaded, newest(deleted, deletion))
