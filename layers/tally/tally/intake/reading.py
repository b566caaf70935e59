"""Reading what it takes to decide the events of a request, each item once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tally.access.items import tenant_key
from tally.aws.table import MAX_KEYS_A_CALL, Table
from tally.intake.registry import EVENT_TYPES
from tally.kernel.events import Door, Event, Fact, event_key
from tally.kernel.keys import Key

PLATFORM = "*"
"""What a mark says of its sender if that is the platform; no tenant has this id."""


class Reader:
    """The items of one request, and the contents of the marks that it met.

    What was read may have changed since: a transaction that depends on it says so, and what it
    finds changed is forgotten and read again.
    """

    def __init__(self, table: Table, door: Door) -> None:
        self.items: dict[Key, Mapping[str, Any]] = {}
        self._table = table
        self._door = door
        self._looked_for: set[Key] = set()
        self._contents: dict[Key, str] = {}

    def provide(self, events: Sequence[Event[Fact]]) -> None:
        """Read what it takes to decide the first of the events, unless that is known, and what the
        next ones take, as far as it comes with the same call."""
        self._read_ahead(events, self._wanted)
        if self._door.backfill:
            self._read_ahead(events, self._wanted_of_history)

    def read_marks(self, events: Iterable[Event[Fact]]) -> None:
        marks = [event.mark for event in events]
        found = self._table.get_many(marks) if marks else {}
        self._contents |= {key: item["content"] for key, item in found.items()}

    def forget(self, keys: Iterable[Key] | None = None) -> None:
        """Read these again when they are wanted; all, if none are named."""
        for key in list(self._looked_for if keys is None else keys):
            self._looked_for.discard(key)
            self.items.pop(key, None)

    def accepted_before(self, event: Event[Fact]) -> str | None:
        """The content of the event of this identity that was accepted, as far as is known."""
        if event.mark in self._contents:
            return self._contents[event.mark]
        # It is among the items only if an event of the same request refunds its charge.
        mark = self.items.get(event.mark) or self._mark_without_sender(event)
        return mark["content"] if mark else None

    def _mark_without_sender(self, event: Event[Fact]) -> Mapping[str, Any] | None:
        """A mark of the very same event, from when all senders shared their identities.

        Nothing else of such a mark is a tenant's business: it may be anybody's.
        """
        mark = self.items.get(event_key(event.source, event.event_id)) if event.sender else None
        return mark if mark and "sender" not in mark and mark["content"] == event.content else None

    def _wanted(self, event: Event[Fact]) -> Iterator[Key]:
        if event.mark in self._contents:
            return
        yield tenant_key(event.fact.tenant_id)
        yield from EVENT_TYPES[event.type].reads(event.fact)
        if event.sender:
            yield event_key(event.source, event.event_id)

    def _wanted_of_history(self, event: Event[Fact]) -> Iterable[Key]:
        return EVENT_TYPES[event.type].reads_history(event, self.items)

    def _read_ahead(
        self, events: Sequence[Event[Fact]], wanted: Callable[[Event[Fact]], Iterable[Key]]
    ) -> None:
        keys: set[Key] = set()
        for event in events:
            more = set(wanted(event)) - self._looked_for - keys
            if not keys and not more:
                return  # the first event lacks nothing
            if keys and len(keys) + len(more) > MAX_KEYS_A_CALL:
                break
            keys |= more
        self.items |= self._table.get_many(sorted(keys))
        self._looked_for |= keys
