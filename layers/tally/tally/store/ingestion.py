"""Accepting events: each durable, once, together with the records that it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tally.domain.catalog import (
    DatasetEvent,
    DatasetEventKind,
    ObjectEvent,
    new_dataset,
    new_object,
)
from tally.domain.errors import Unavailable
from tally.domain.events import (
    Event,
    EventConflict,
    Rejected,
    UnknownDataset,
    UnknownTenant,
)
from tally.domain.instants import Instant
from tally.store import keys
from tally.store.catalog import Records
from tally.store.keys import Key
from tally.store.table import MAX_TRANSACTION_ACTIONS, Action, Cancelled, Table

# One event writes its own mark and at most a record and a dataset's mark at its owner.
_MOST_ACTIONS_PER_EVENT = 3
_EVENTS_PER_TRANSACTION = 49
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event is in the books."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The event was in the books before; nothing changed."""


type Outcome = Accepted | Duplicate | Rejected


def ingest(
    table: Table, events: Sequence[Event], now: Instant, *, sender: str | None = None
) -> list[Outcome]:
    """The outcome of each event, in the order given: they are decided one after the other.

    `sender` limits them to one tenant's events. Unavailable if the database refuses: what was
    accepted by then stays so, and a repetition of the whole finds it as duplicates.
    """
    outcomes: dict[int, Outcome] = {}
    left = list(range(len(events)))
    stalled = 0
    while left:
        chunk = left[:_EVENTS_PER_TRANSACTION]
        settled = _ingest_some(table, [events[i] for i in chunk], now, sender)
        outcomes |= {chunk[n]: outcome for n, outcome in settled.items()}
        left = [i for i in left if i not in outcomes]
        stalled = 0 if settled else stalled + 1
        if stalled == _ATTEMPTS:
            raise Unavailable("Too many writers change the same things; send the request again.")
    return [outcomes[i] for i in range(len(events))]


def _ingest_some(
    table: Table, events: Sequence[Event], now: Instant, sender: str | None
) -> dict[int, Outcome]:
    """Try one transaction; the outcomes that are certain by then, perhaps none."""
    records = Records(table.get_many([key for event in events for key in _reads(event)]))
    accepted: dict[int, Event] = {}
    outcomes: dict[int, Outcome] = {}
    rejected: dict[int, Rejected] = {}
    for n, event in enumerate(events):
        if len(accepted) + records.writes + _MOST_ACTIONS_PER_EVENT > MAX_TRANSACTION_ACTIONS:
            break
        if _is_deletion(event) and records.is_newly_deleted(event.fact.dataset_id):
            break  # one write, one change of the item, one epoch that ends with it
        if sender not in (None, event.fact.tenant_id):
            # Before all else: whether the tenant sent such an event is nobody else's business.
            outcomes[n] = _unknown_tenant(event)
            continue
        twin = next((e for e in accepted.values() if e.identity == event.identity), None)
        if twin is not None:
            outcomes[n] = _again(event, twin.content)
            continue
        try:
            _apply(event, records)
        except Rejected as rejection:
            rejected[n] = rejection
        else:
            accepted[n] = event

    actions = [_mark(table, event, now) for event in accepted.values()]
    try:
        if actions:
            table.transact(actions + records.actions(table))
    except Cancelled as cancelled:
        return _marked_before(accepted, cancelled)
    outcomes |= dict.fromkeys(accepted, Accepted())
    return outcomes | _unless_accepted_before(table, events, rejected)


def _is_deletion(event: Event) -> bool:
    return isinstance(event.fact, DatasetEvent) and event.fact.kind is DatasetEventKind.DELETED


def _reads(event: Event) -> Iterator[Key]:
    fact = event.fact
    yield keys.tenant(fact.tenant_id)
    yield keys.dataset(fact.dataset_id)
    if isinstance(fact, ObjectEvent):
        yield keys.catalog_object(fact.dataset_id, fact.object_id)


def _apply(event: Event, records: Records) -> None:
    fact = event.fact
    if keys.tenant(fact.tenant_id) not in records.items:
        raise _unknown_tenant(event)
    dataset = records.dataset(fact.dataset_id)
    if dataset is None and isinstance(fact, DatasetEvent) and fact.kind is DatasetEventKind.CREATED:
        records.set(new_dataset(fact))
        return
    if dataset is None or not dataset.exists_for(fact):
        raise UnknownDataset(
            f"Tenant {fact.tenant_id} has no dataset {fact.dataset_id}.", field="data.dataset_id"
        )
    match fact:
        case DatasetEvent():
            records.set(dataset.apply(fact))
        case ObjectEvent():
            known = records.catalog_object(fact.dataset_id, fact.object_id) or new_object(fact)
            # Of a deleted dataset nothing counts: its objects stay in the epoch that ended with it.
            moved = known.moved_to(dataset.deleted) if dataset.alive else known
            records.set(moved.apply(fact))


def _unknown_tenant(event: Event) -> UnknownTenant:
    return UnknownTenant(f"There is no tenant {event.fact.tenant_id}.", field="data.tenant_id")


def _mark(table: Table, event: Event, now: Instant) -> Action:
    return table.put_new(
        keys.event(event.source, event.event_id),
        {
            "source": event.source,
            "event_id": event.event_id,
            "type": event.type,
            "time": event.time,
            "content": event.content,
            "accepted_at": now,
        },
    )


def _again(event: Event, content: str) -> Outcome:
    if event.content == content:
        return Duplicate()
    return EventConflict("An event with this source and id but other content was accepted before.")


def _marked_before(accepted: dict[int, Event], cancelled: Cancelled) -> dict[int, Outcome]:
    """Those of a cancelled transaction's events that were accepted before; the rest goes again."""
    marks = cancelled.reasons[: len(accepted)]
    conditions = [reason for reason in cancelled.reasons if reason and reason.is_condition]
    if not conditions:
        raise cancelled
    return {
        n: _again(event, reason.item["content"])
        for (n, event), reason in zip(accepted.items(), marks, strict=True)
        if reason and reason.is_condition
    }


def _unless_accepted_before(
    table: Table, events: Sequence[Event], rejected: dict[int, Rejected]
) -> dict[int, Outcome]:
    """An event that is out of order by now is a duplicate all the same if it was accepted once."""
    if not rejected:
        return {}
    marks = {n: keys.event(events[n].source, events[n].event_id) for n in rejected}
    known = table.get_many(list(marks.values()))
    return {
        n: _again(events[n], known[marks[n]]["content"]) if marks[n] in known else rejection
        for n, rejection in rejected.items()
    }
