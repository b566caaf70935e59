"""Markers: which changes of the stream were counted.

A batch pays for pages and not for changes. The changes of ten seconds and of one partition of the
table share pages of 1 KB, which hold a digest of each change that was counted. Window and partition
follow from the stream record alone, so a change meets the same pages whenever it is delivered, in
whatever batch. The pages of a slice are filled one after the other: all but the last are closed
and never change again, and the last one is written on condition that it is as it was read.

A record that does not say when it was made, or that was made before the table's changes began to
share markers, has a marker of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from tally.aws.table import Table
from tally.aws.transactions import Action
from tally.counting.guards import Raw, Reasons
from tally.counting.items import marker_key, marker_page_key
from tally.kernel.instants import Instant, to_datetime
from tally.kernel.keys import Key
from tally.kernel.memory import Memory

# Longer than any delivery can be late: the stream keeps a change for a day, the bucket of failed
# batches keeps it for 28.
MARKER_LIFETIME = timedelta(days=35)
WINDOW_S = 10
# A page with so many takes up to 1 KB, the least that a write is billed for.
DIGESTS_A_PAGE = 58
_DIGEST_BYTES = 16
_MOST_REMEMBERED = 50  # the busiest have 10,000 digests, about a MB


class Slice(NamedTuple):
    """The changes that share pages: those of ten seconds and of one partition key's hash."""

    window: int
    partition: str

    @property
    def expires(self) -> int:
        """Of all its pages at once, so that no page outlives the one before it."""
        return (self.window + 1) * WINDOW_S + int(MARKER_LIFETIME.total_seconds())

    def page_key(self, page: int) -> Key:
        return marker_page_key(self.window, self.partition, page)


def slice_of(raw: Raw, shared_since: int | None) -> Slice | None:
    """Where a change is marked; None if it has a marker of its own. A function of the record."""
    created = created_second(raw)
    if created is None or shared_since is None or created < shared_since:
        return None
    try:
        partition = raw["dynamodb"]["Keys"]["PK"]["S"]
        return Slice(created // WINDOW_S, sha256(partition.encode()).hexdigest()[:8])
    except (KeyError, TypeError, AttributeError):
        return None


def created_second(raw: Raw) -> int | None:
    """When a change was made, by DynamoDB's clock; None if its record does not say."""
    images = raw.get("dynamodb")
    created = images.get("ApproximateCreationDateTime") if isinstance(images, Mapping) else None
    return int(created) if isinstance(created, int | float) else None


def most_writes(changes: int) -> int:
    """How many items it may take to mark so many changes of one slice; one, if it is one."""
    # The open page has room for one at least.
    return 1 + -(-(changes - 1) // DIGESTS_A_PAGE)


def digest_of(raw: Raw) -> bytes:
    return sha256(raw["eventID"].encode()).digest()[:_DIGEST_BYTES]


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a slice as they were read. `page` is the one that is open; nothing is stored of
    it yet if its `revision` is 0. `closed` are the digests on the pages before it."""

    page: int = 0
    revision: int = 0
    open: tuple[bytes, ...] = ()
    closed: frozenset[bytes] = frozenset()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self.open or digest in self.closed

    def after(self, item: Mapping[str, Any]) -> Pages:
        """With the item of the open page read."""
        seen = tuple(digests(item["seen"]))
        if item.get("closed"):
            return Pages(self.page + 1, closed=self.closed.union(seen))
        return Pages(self.page, item["revision"], seen, self.closed)


def digests(seen: bytes) -> Iterator[bytes]:
    """Those on a page."""
    for start in range(0, len(seen), _DIGEST_BYTES):
        yield seen[start : start + _DIGEST_BYTES]


# The closed pages of busy slices, which this process need not read again.
_remembered = Memory[tuple[str, Slice], Pages](_MOST_REMEMBERED)


@dataclass(slots=True)
class SharedMarking:
    """Changes to be marked: pages to write, and what is then known of their slices."""

    markers: Markers
    actions: list[Action] = field(default_factory=list)
    pages: dict[Slice, Pages] = field(default_factory=dict)
    _slices: list[Slice | None] = field(default_factory=list)
    _alone: list[str] = field(default_factory=list)

    def add_marker(self, record_id: str, action: Action) -> None:
        self.actions.append(action)
        self._slices.append(None)
        self._alone.append(record_id)

    def add_page(self, of: Slice, action: Action, then: Pages) -> None:
        self.actions.append(action)
        self._slices.append(of)
        self.pages[of] = then

    def written(self) -> None:
        self.markers.pages |= self.pages
        for of, pages in self.pages.items():
            self.markers.remember(of, pages)
        self.markers.marked_alone.update(self._alone)

    def failed(self, reasons: Reasons) -> None:
        alone = iter(self._alone)
        for of, reason in zip(self._slices, reasons, strict=True):
            if of is None:
                record_id = next(alone)
                if reason:
                    self.markers.marked_alone.add(record_id)
            elif reason:
                self.markers.pages.pop(of, None)  # a rival wrote on it: it is read again


@dataclass(slots=True)
class Markers:
    """The markers of one delivery's changes. `shared_since` (Unix seconds): changes made before it
    have markers of their own, as all have if it is None."""

    table: Table
    now: Instant
    shared_since: int | None
    pages: dict[Slice, Pages] = field(default_factory=dict)
    marked_alone: set[str] = field(default_factory=set)

    def unmarked(self, raws: Sequence[Raw]) -> Sequence[Raw]:
        """Pages are read as far as they are not known. Markers of one change are not read: most
        changes come once."""
        self._read({of for raw in raws if (of := self._slice_of(raw)) and of not in self.pages})
        return [raw for raw in raws if not self._is_marked(raw)]

    def marking(self, raws: Sequence[Raw]) -> SharedMarking:
        marking = SharedMarking(self)
        new: dict[Slice, list[bytes]] = {}
        if len(self.unmarked(raws)) < len(raws):
            raise ValueError("changes that are marked cannot be marked once more")
        for raw in raws:
            of = self._slice_of(raw)
            if of:
                new.setdefault(of, []).append(digest_of(raw))
            else:
                put = self.table.put_new(marker_key(raw["eventID"]), {"ttl": self._forget_at})
                marking.add_marker(raw["eventID"], put)
        for of, digests_of_slice in new.items():
            self._fill_pages(of, digests_of_slice, marking)
        return marking

    def place_of(self, raw: Raw) -> Slice | str:
        """A slice, or a marker of its own."""
        return self._slice_of(raw) or str(raw["eventID"])

    def _slice_of(self, raw: Raw) -> Slice | None:
        return slice_of(raw, self.shared_since)

    def _is_marked(self, raw: Raw) -> bool:
        of = self._slice_of(raw)
        return digest_of(raw) in self.pages[of] if of else raw["eventID"] in self.marked_alone

    @property
    def _forget_at(self) -> int:
        return int((to_datetime(self.now) + MARKER_LIFETIME).timestamp())

    # ------------------------------------------------------------------ pages

    def _read(self, slices: set[Slice]) -> None:
        """All of them in one call, and one more for each that has pages that nobody remembers."""
        begun = {of: _remembered.get((self.table.name, of)) or Pages() for of in sorted(slices)}
        found = self.table.get_many([of.page_key(pages.page) for of, pages in begun.items()])
        for of, pages in begun.items():
            item = found.get(of.page_key(pages.page))
            self.pages[of] = self._to_the_open_page(of, pages.after(item)) if item else pages

    def _to_the_open_page(self, of: Slice, pages: Pages) -> Pages:
        if pages.revision:
            return pages
        key = of.page_key(pages.page - 1)
        for item in self.table.query(key.pk, after=key.sk, consistent=True):
            if item["SK"] != of.page_key(pages.page).sk or pages.revision:
                break  # the page between was not written yet when it was read
            pages = pages.after(item)
        self.remember(of, pages)
        return pages

    def remember(self, of: Slice, pages: Pages) -> None:
        """What never changes: the closed pages."""
        if pages.page:
            _remembered.put((self.table.name, of), replace(pages, revision=0, open=()))

    def _fill_pages(self, of: Slice, new: Sequence[bytes], marking: SharedMarking) -> None:
        pages, rest = self.pages[of], list(new)
        while rest:
            room = DIGESTS_A_PAGE - len(pages.open)
            seen, rest = (*pages.open, *rest[:room]), rest[room:]
            full = len(seen) >= DIGESTS_A_PAGE
            attributes = {
                "seen": b"".join(seen),
                "revision": pages.revision + 1,
                "closed": full or None,
                "ttl": of.expires,
            }
            key = of.page_key(pages.page)
            if pages.revision:
                condition = "revision = :read"
                put = self.table.put(key, attributes, condition, read=pages.revision)
            else:
                put = self.table.put_new(key, attributes)
            pages = pages.after(attributes)
            marking.add_page(of, put, pages)
