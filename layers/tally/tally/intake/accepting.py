"""Accepting events: each durable, once, together with all that it changes and posts.

Events are decided one after the other, each in a branch of a draft. As long as the branch fits into
one transaction it becomes the draft; then the draft is written, and the rest is decided anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from typing import Any

from tally.access.items import tenant_key
from tally.aws.draft import Draft, Postponed
from tally.aws.table import Table
from tally.aws.transactions import MAX_TRANSACTION_ACTIONS, Cancelled
from tally.intake.announcing import Announcer
from tally.intake.registry import EVENT_TYPES
from tally.kernel.errors import Unavailable
from tally.kernel.events import Door, Event, EventConflict, Fact, Rejected, UnknownTenant
from tally.kernel.keys import Key

_ATTEMPTS = 20
_announcer = Announcer()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event is in the books."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The event was in the books before; nothing changed."""


type Outcome = Accepted | Duplicate | Rejected


def ingest(table: Table, events: Sequence[Event[Fact]], door: Door) -> list[Outcome]:
    """The outcome of each event, in the order given: they are decided one after the other.

    Unavailable if the database refuses: what was accepted by then stays so, and a repetition of
    the whole finds it as duplicates.
    """
    outcomes: list[Outcome] = []
    known_marks: dict[Key, str] = {}
    stalled = 0
    while len(outcomes) < len(events):
        some = _likely_to_fit(events[len(outcomes) :])
        batch = _Batch(door, Draft(_read(table, some, door)), known_marks)
        for event in some:
            if not batch.decide(event):
                break
        try:
            settled = batch.write(table)
        except Cancelled as cancelled:
            found = batch.marks_met(cancelled)
            stalled = 0 if found else stalled + 1
            known_marks |= found
        else:
            outcomes += settled
            stalled = 0
        if stalled == _ATTEMPTS:
            raise Unavailable("Other requests keep changing the same data; send this one again.")
    return outcomes


def _likely_to_fit(events: Sequence[Event[Fact]]) -> Sequence[Event[Fact]]:
    """As many events as one transaction is likely to take."""
    sizes = accumulate(EVENT_TYPES[event.type].actions for event in events)
    return events[: sum(1 for _ in takewhile(lambda size: size < MAX_TRANSACTION_ACTIONS, sizes))]


def _read(table: Table, events: Sequence[Event[Fact]], door: Door) -> Mapping[Key, Any]:
    """What it takes to decide the events."""
    wanted = [tenant_key(event.fact.tenant_id) for event in events]
    wanted += [key for event in events for key in EVENT_TYPES[event.type].reads(event.fact)]
    items = table.get_many(wanted)
    if door.backfill:
        months = (EVENT_TYPES[event.type].reads_history(event, items) for event in events)
        items |= table.get_many([key for keys in months for key in keys])
    return items


@dataclass(slots=True)
class _Batch:
    """Events decided together, to be written in one transaction.

    `known_marks`: mark -> content, of events that an earlier attempt found to be accepted before.
    """

    door: Door
    draft: Draft
    known_marks: Mapping[Key, str]
    outcomes: list[Outcome] = field(default_factory=list)
    _rejected: dict[int, Event[Fact]] = field(default_factory=dict)
    _accepted: dict[Key, str] = field(default_factory=dict)

    def decide(self, event: Event[Fact]) -> bool:
        """Decide an event; False if it has to wait for the next transaction."""
        content = self._accepted_before(event)
        branch = self.draft.branch()
        try:
            if self.door.sender not in (None, event.fact.tenant_id):
                # Before all else: whether the tenant sent such an event is nobody else's business.
                raise _unknown_tenant(event)
            if content is not None:
                self.outcomes.append(_repeated(event, content))
                return True
            _apply(event, branch, self.door)
        except Postponed:
            return False
        except Rejected as rejection:
            if self.door.sender in (None, event.fact.tenant_id):
                self._rejected[len(self.outcomes)] = event
            self.outcomes.append(rejection)
            return True
        if len(branch.writes) > MAX_TRANSACTION_ACTIONS:
            return False
        self.draft = branch
        self._accepted[event.mark] = event.content
        self.outcomes.append(Accepted())
        return True

    def _accepted_before(self, event: Event[Fact]) -> str | None:
        """The content of an event of this identity that was accepted, as far as is known."""
        # A mark is read only if an event of the same request refunds its charge.
        read = self.draft.items.get(event.mark, {}).get("content")
        return self._accepted.get(event.mark) or self.known_marks.get(event.mark) or read

    def write(self, table: Table) -> list[Outcome]:
        """The outcomes, once what was accepted is durable. Cancelled if somebody was first."""
        if self.draft.writes:
            _announcer.announce(table, self.draft.ahead)
            table.transact(self.draft.actions(table))
        # Had one of this id been accepted before, the transaction would have been cancelled.
        doubtful = {n: e for n, e in self._rejected.items() if e.mark not in self._accepted}
        marks = table.get_many([event.mark for event in doubtful.values()]) if doubtful else {}
        for n, event in doubtful.items():
            if event.mark in marks:  # out of order by now, but accepted when it was not
                self.outcomes[n] = _repeated(event, marks[event.mark]["content"])
        return self.outcomes

    def marks_met(self, cancelled: Cancelled) -> dict[Key, str]:
        """The marks that stood in the way of the transaction, and their contents."""
        return {
            key: reason.item["content"]
            for key, reason in zip(self.draft.writes, cancelled.reasons, strict=True)
            if reason and key in self._accepted
        }


def _apply(event: Event[Fact], draft: Draft, door: Door) -> None:
    """Write all that the event changes into the draft, its mark included."""
    if event.mark in draft.writes:
        raise Postponed  # a refund before it rewrites the mark that it would write
    if draft.read(tenant_key(event.fact.tenant_id)) is None:
        raise _unknown_tenant(event)
    remembered = EVENT_TYPES[event.type].decide(event, draft, door)
    draft.create(
        event.mark,
        {
            "source": event.source,
            "event_id": event.event_id,
            "type": event.type,
            "time": event.time,
            "content": event.content,
            "accepted_at": door.now,
            **remembered,
        },
    )


def _unknown_tenant(event: Event[Fact]) -> UnknownTenant:
    field = f"data.{EVENT_TYPES[event.type].tenant_field}"
    return UnknownTenant(f"{field}: tenant {event.fact.tenant_id} does not exist.", field=field)


def _repeated(event: Event[Fact], content: str) -> Outcome:
    if event.content == content:
        return Duplicate()
    return EventConflict(
        "An event with this source and id, but different content, was accepted before. "
        "Send a new event under a new id."
    )
