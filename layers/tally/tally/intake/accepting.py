"""Accepting events: each durable, once, together with all that it changes and posts.

Events are decided one after the other, each in a branch of a draft. As long as the branch fits into
one transaction it becomes the draft; then the draft is written, and the rest is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tally.access.items import tenant_key
from tally.aws.announcing import Announcer
from tally.aws.draft import Draft, Postponed
from tally.aws.moments import series_since
from tally.aws.table import Table
from tally.aws.transactions import (
    MAX_TRANSACTION_ACTIONS,
    Cancelled,
    Conflict,
    FailedCondition,
)
from tally.intake.reading import PLATFORM, Reader
from tally.intake.registry import EVENT_TYPES
from tally.kernel.errors import Unavailable
from tally.kernel.events import Door, Event, EventConflict, Fact, Rejected
from tally.kernel.instants import Instant, plus
from tally.kernel.keys import Key
from tally.kernel.memory import Memory

_ATTEMPTS = 20
# For so long after a conflict, the events of a tenant are left to the stream to count.
_BUSY_FOR = timedelta(minutes=1)
_announcer = Announcer()
_busy = Memory[tuple[str, str], Instant](10_000)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event is in the books."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The event was in the books before; nothing changed."""


type Outcome = Accepted | Duplicate | Rejected


def ingest_readings(
    table: Table, readings: Sequence[Event[Fact] | Rejected], door: Door
) -> list[Outcome]:
    """The outcome of each event, in the order given; those that could not be read are rejected."""
    events = [reading for reading in readings if isinstance(reading, Event)]
    ingested = iter(ingest(table, events, door))
    return [next(ingested) if isinstance(each, Event) else each for each in readings]


def ingest(table: Table, events: Sequence[Event[Fact]], door: Door) -> list[Outcome]:
    """The outcome of each event, in the order given: they are decided one after the other.

    Unavailable if the database refuses: what was accepted by then stays so, and a repetition of
    the whole finds it as duplicates.
    """
    outcomes: list[Outcome] = []
    if any(EVENT_TYPES[event.type].count_alone for event in events):  # no other type asks
        door = replace(door, in_series=door.now >= series_since(table, door.now))
    reader = Reader(table, door)
    stalled = 0
    while len(outcomes) < len(events):
        rest = events[len(outcomes) :]
        batch = _Batch(door, reader, is_alone=len(events) == 1)
        for position in range(len(rest)):
            if not batch.decide(rest[position:]):
                break
        try:
            outcomes += batch.write(table)
            stalled = 0
        except Cancelled as cancelled:
            reader.forget()
            stalled += 1
            if batch.has_met_marks(cancelled):
                reader.read_marks(rest)  # one repetition seldom comes alone
                stalled = 0
        if stalled == _ATTEMPTS:
            raise Unavailable("Other requests keep changing the same data; send this one again.")
    return outcomes


@dataclass(slots=True)
class _Batch:
    """Events decided together, to be written in one transaction."""

    door: Door
    reader: Reader
    is_alone: bool = False
    draft: Draft = field(init=False)
    outcomes: list[Outcome] = field(default_factory=list)
    _rejected: dict[int, Event[Fact]] = field(default_factory=dict)
    _accepted: dict[Key, str] = field(default_factory=dict)
    _events: list[Event[Fact]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draft = Draft(self.reader.items)

    def decide(self, events: Sequence[Event[Fact]]) -> bool:
        """Decide the first of the events; False if it has to wait for the next transaction."""
        event = events[0]
        self.reader.provide(events)
        content = self._accepted.get(event.mark) or self.reader.accepted_before(event)
        if content is not None:
            self.outcomes.append(_repeated(event, content))
            return True
        branch = self.draft.branch()
        try:
            _apply(event, branch, self.door)
        except Postponed:
            return False
        except Rejected as rejection:
            self._rejected[len(self.outcomes)] = event
            self.outcomes.append(rejection)
            return True
        # What does not even fit alone would wait for ever: let the transaction refuse it.
        if self.draft.writes and len(branch.writes) > MAX_TRANSACTION_ACTIONS:
            return False
        self.draft = branch
        self._accepted[event.mark] = event.content
        self._events.append(event)
        self.outcomes.append(Accepted())
        return True

    def write(self, table: Table) -> list[Outcome]:
        """The outcomes, once what was accepted is durable. Cancelled if somebody was first."""
        if self.draft.writes:
            _announcer.announce(table, self.draft.ahead)
            if not self._counted_alone(table):
                table.transact(self.draft.actions(table))
            self.reader.forget(self.draft.writes)
        # Had one of this id been accepted before, the transaction would have been cancelled.
        doubtful = {n: e for n, e in self._rejected.items() if e.mark not in self._accepted}
        self.reader.read_marks(doubtful.values())
        for n, event in doubtful.items():
            content = self.reader.accepted_before(event)
            if content is not None:  # out of order by now, but accepted when it was not
                self.outcomes[n] = _repeated(event, content)
        return self.outcomes

    def _counted_alone(self, table: Table) -> bool:
        """Write the mark of a request's only event with what it counts. False, and nothing is
        written, if its type has no such way, or if others are counting the same just now."""
        if not self.is_alone:
            return False
        event = self._events[0]
        count = EVENT_TYPES[event.type].count_alone
        busy_until = _busy.get((table.name, event.fact.tenant_id)) or ""
        if count is None or self.door.now < busy_until:
            return False
        mark = self.draft.writes[event.mark].action(table)
        try:
            table.transact([mark, *count(event, table, self.door)], yielding=True)
        except Conflict:
            leave_to_the_stream(table, event.fact.tenant_id, plus(self.door.now, _BUSY_FOR))
            return False
        except Cancelled:
            # Only the mark has a condition.
            raise Cancelled(
                [FailedCondition() if key == event.mark else None for key in self.draft.writes]
            ) from None
        return True

    def has_met_marks(self, cancelled: Cancelled) -> bool:
        """Whether the marks of events accepted before stood in the way of the transaction."""
        writes = zip(self.draft.writes, cancelled.reasons, strict=True)
        return any(reason and key in self._accepted for key, reason in writes)


def leave_to_the_stream(table: Table, tenant_id: str, until: Instant) -> None:
    """Do not count a tenant's lone events when they are accepted: many come at once."""
    _busy.put((table.name, tenant_id), until)


def _apply(event: Event[Fact], draft: Draft, door: Door) -> None:
    """Write all that the event changes into the draft, its mark included."""
    declared = EVENT_TYPES[event.type]
    if event.mark in draft.writes:
        raise Postponed  # a refund before it rewrites the mark that it would write
    if draft.read(tenant_key(event.fact.tenant_id)) is None:
        raise declared.unknown_tenant(event.fact)
    remembered = declared.decide(event, draft, door)
    draft.create(
        event.mark,
        {
            "source": event.source,
            "event_id": event.event_id,
            "sender": event.sender or PLATFORM,
            "type": event.type,
            "time": event.time,
            "content": event.content,
            "accepted_at": door.now,
            **remembered,
        },
    )


def _repeated(event: Event[Fact], content: str) -> Outcome:
    if event.content == content:
        return Duplicate()
    return EventConflict(
        "An event with this source and id, but different content, was accepted before. "
        "Send a new event under a new id."
    )
