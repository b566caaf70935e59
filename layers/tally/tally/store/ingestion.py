"""Accepting events: each durable, once, together with all that it changes and posts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any

from tally.domain.activity import AccessActivity, SearchActivity
from tally.domain.billing import PartnerConfigured
from tally.domain.catalog import (
    DatasetEvent,
    DatasetEventKind,
    ObjectEvent,
    new_dataset,
    new_object,
)
from tally.domain.charges import (
    Charge,
    ChargeRefunded,
    DatasetAccessed,
    Months,
    Posting,
    SearchPerformed,
    charge_for,
    charged,
    refunded,
)
from tally.domain.errors import Unavailable
from tally.domain.events import (
    Charging,
    CurrencyMismatch,
    Event,
    EventConflict,
    InvalidEvent,
    NotPermitted,
    RefundExceedsCharge,
    Rejected,
    UnknownCharge,
    UnknownDataset,
    UnknownOrganization,
    UnknownTenant,
)
from tally.domain.instants import Instant
from tally.domain.money import to_decimal
from tally.domain.organizations import (
    OrganizationEvent,
    OrganizationEventKind,
    new_organization,
)
from tally.domain.periods import closes_at, month_of, posting_period
from tally.domain.usage import UsageRecorded
from tally.store import keys
from tally.store.keys import Key
from tally.store.ledger import (
    access_attributes,
    access_key,
    charge_attributes,
    charge_from,
    search_attributes,
    search_key,
)
from tally.store.table import MAX_TRANSACTION_ACTIONS, Action, Cancelled, Table
from tally.store.usage import recorded_attributes
from tally.store.work import Work

# About how many actions an event takes; what it really takes is reckoned when it is decided.
_ACTIONS_OF_USAGE, _ACTIONS_OF_OTHERS = 1, 2
_ATTEMPTS = 20
# A mark, a search and a debit; then a credit and a register each.
_MOST_IMPORTED_PROVIDERS = 48

# Registers that this process knows to be there; they are never removed.
_known_registers: set[tuple[str, Key]] = set()
_MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event is in the books."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The event was in the books before; nothing changed."""


type Outcome = Accepted | Duplicate | Rejected


@dataclass(frozen=True, slots=True)
class Door:
    """How events came in: when, for which tenant alone (None: any), and whether as history."""

    now: Instant
    sender: str | None = None
    backfill: bool = False


def ingest(table: Table, events: Sequence[Event], door: Door) -> list[Outcome]:
    """The outcome of each event, in the order given: they are decided one after the other.

    Unavailable if the database refuses: what was accepted by then stays so, and a repetition of
    the whole finds it as duplicates.
    """
    outcomes: dict[int, Outcome] = {}
    left = list(range(len(events)))
    stalled = 0
    while left:
        chunk = left[: _room(events[i] for i in left)]
        settled = _ingest_some(table, [events[i] for i in chunk], door)
        outcomes |= {chunk[n]: outcome for n, outcome in settled.items()}
        left = [i for i in left if i not in outcomes]
        stalled = 0 if settled else stalled + 1
        if stalled == _ATTEMPTS:
            raise Unavailable("Too many writers change the same things; send the request again.")
    return [outcomes[i] for i in range(len(events))]


def _room(events: Iterable[Event]) -> int:
    """How many events to read for: as many as one transaction is likely to take."""
    actions = accumulate(
        _ACTIONS_OF_USAGE if isinstance(event.fact, UsageRecorded) else _ACTIONS_OF_OTHERS
        for event in events
    )
    return sum(1 for _ in takewhile(lambda taken: taken < MAX_TRANSACTION_ACTIONS, actions))


def _ingest_some(table: Table, events: Sequence[Event], door: Door) -> dict[int, Outcome]:
    """Try one transaction; the outcomes that are certain by then, perhaps none."""
    items = table.get_many([key for event in events for key in _reads(event)])
    if door.backfill:
        items |= table.get_many([key for event in events for key in _months(event, items)])
    work = Work(items)
    accepted: dict[int, Event] = {}
    outcomes: dict[int, Outcome] = {}
    rejected: dict[int, Rejected] = {}
    for n, event in enumerate(events):
        if accepted and not _fits(event, work, accepted, door):
            break
        if door.sender not in (None, event.fact.tenant_id):
            # Before all else: whether the tenant sent such an event is nobody else's business.
            outcomes[n] = _unknown_tenant(event)
            continue
        twin = next((e for e in accepted.values() if e.identity == event.identity), None)
        if twin is not None:
            outcomes[n] = _again(event, twin.content)
            continue
        try:
            _apply(event, work, door)
        except Rejected as rejection:
            rejected[n] = rejection
        else:
            accepted[n] = event

    actions = [_mark(table, event, work, door) for event in accepted.values()]
    try:
        if actions:
            _register(table, work.registers)
            table.transact(actions + work.actions(table))
    except Cancelled as cancelled:
        return _marked_before(accepted, cancelled)
    outcomes |= dict.fromkeys(accepted, Accepted())
    # Had one of this id been accepted before, the transaction would have been cancelled.
    new = {event.identity for event in accepted.values()}
    doubtful = [n for n in rejected if events[n].identity not in new]
    return outcomes | rejected | _if_accepted_before(table, events, doubtful)


def _fits(event: Event, work: Work, accepted: dict[int, Event], door: Door) -> bool:
    """Whether the event can be decided and written together with those before it."""
    fact = event.fact
    if work.rewrites(keys.event(event.source, event.event_id)):
        return False  # a refund before it rewrites the mark that it would write
    most = 3  # its own mark, a record, and what leads to it
    each = 2 if door.backfill else 1  # a credit, and for history its provider's register
    match fact:
        case DatasetEvent(kind=DatasetEventKind.DELETED):
            # One write, one change of the item, one epoch that ends with it.
            if work.is_newly_deleted(fact.dataset_id):
                return False
        case UsageRecorded():
            most = 1 if work.enters(fact) else 2  # its own mark, and the entry of its day
        case SearchPerformed():
            most = 3 + each * len(fact.dataset_ids)  # mark, search, debit
        case DatasetAccessed():
            most = 3 + each
        case ChargeRefunded():
            charge = (fact.charge_source, fact.charge_id)
            if any(e.identity == charge for e in accepted.values()):
                return False  # the charge must be in the books first
            known = work.charge(keys.event(*charge))
            most = 3 + each * (len(known.parts) if known else 0)
    return len(accepted) + work.writes + most <= MAX_TRANSACTION_ACTIONS


def _reads(event: Event) -> Iterator[Key]:
    fact = event.fact
    yield keys.tenant(fact.tenant_id)
    match fact:
        case DatasetEvent() | DatasetAccessed():
            yield keys.dataset(fact.dataset_id)
        case ObjectEvent():
            yield keys.dataset(fact.dataset_id)
            yield keys.catalog_object(fact.dataset_id, fact.object_id)
        case SearchPerformed():
            yield from map(keys.dataset, fact.dataset_ids)
        case ChargeRefunded():
            yield keys.event(fact.charge_source, fact.charge_id)
        case PartnerConfigured():
            yield keys.partner(fact.partner_id)
        case OrganizationEvent() | UsageRecorded():
            yield keys.organization(fact.partner_id, fact.organization_id)


def _apply(event: Event, work: Work, door: Door) -> None:
    fact = event.fact
    if keys.tenant(fact.tenant_id) not in work.items:
        raise _unknown_tenant(event)
    match fact:
        case DatasetEvent() | ObjectEvent():
            _change_catalog(fact, work)
        case SearchPerformed() | DatasetAccessed():
            _charge(event, fact, work, door)
        case ChargeRefunded():
            _refund(event, fact, work, door)
        case PartnerConfigured():
            if door.sender is not None:
                raise NotPermitted("Only the platform's sender may say what a partner pays.")
            work.set(work.partner(fact.partner_id).apply(fact))
        case OrganizationEvent():
            _change_organization(fact, work)
        case UsageRecorded():
            organization = work.organization(fact.partner_id, fact.organization_id)
            if organization is None or not organization.existed_at(fact.version):
                raise _unknown_organization(fact)
            work.use(fact, keys.event_digest(event.source, event.event_id))


def _change_organization(fact: OrganizationEvent, work: Work) -> None:
    organization = work.organization(fact.partner_id, fact.organization_id)
    if organization is None and fact.kind is OrganizationEventKind.CREATED:
        work.set(new_organization(fact))
        return
    if organization is None or not organization.exists_for(fact):
        raise _unknown_organization(fact)
    work.set(organization.apply(fact))


def _unknown_organization(fact: OrganizationEvent | UsageRecorded) -> UnknownOrganization:
    return UnknownOrganization(
        f"Partner {fact.partner_id} has no organization {fact.organization_id}.",
        field="data.organization_id",
    )


def _change_catalog(fact: DatasetEvent | ObjectEvent, work: Work) -> None:
    dataset = work.dataset(fact.dataset_id)
    if dataset is None and isinstance(fact, DatasetEvent) and fact.kind is DatasetEventKind.CREATED:
        work.set(new_dataset(fact))
        return
    if dataset is None or not dataset.exists_for(fact):
        raise UnknownDataset(
            f"Tenant {fact.tenant_id} has no dataset {fact.dataset_id}.", field="data.dataset_id"
        )
    match fact:
        case DatasetEvent():
            work.set(dataset.apply(fact))
        case ObjectEvent():
            known = work.catalog_object(fact.dataset_id, fact.object_id) or new_object(fact)
            # Of a deleted dataset nothing counts: its objects stay in the epoch that ended with it.
            moved = known.moved_to(dataset.deleted) if dataset.alive else known
            work.set(moved.apply(fact))


def _charge(event: Event, fact: Charging, work: Work, door: Door) -> None:
    _check_currency(fact, work)
    entry_id = keys.event_digest(event.source, event.event_id)
    match fact:
        case SearchPerformed():
            owners = _owners(fact.dataset_ids, "data.dataset_ids", event, work)
            search = SearchActivity(
                tenant_id=fact.tenant_id,
                search_activity_id=fact.search_activity_id or f"sa_{entry_id[:12]}",
                query_text=fact.query_text,
                dataset_ids=fact.dataset_ids,
                result_count=fact.result_count,
                amount=fact.amount,
                currency=fact.currency,
                occurred_at=fact.time,
                entry_id=entry_id,
            )
            key, attributes = search_key(search), search_attributes(search)
        case DatasetAccessed():
            owners = _owners((fact.dataset_id,), "data.dataset_id", event, work)
            access = AccessActivity(
                tenant_id=fact.tenant_id,
                dataset_id=fact.dataset_id,
                object_id=fact.object_id,
                kind=fact.kind,
                accessed_at=fact.time,
                entry_id=entry_id,
            )
            key, attributes = access_key(access), access_attributes(access)
    charge = charge_for(fact, owners)
    work.add(key, attributes)
    work.new_charges[keys.event(event.source, event.event_id)] = charge
    months = _post_to(event, charge, work, door)
    for entry in charged(charge, _posting(event, charge, door), months):
        work.post(entry)


def _refund(event: Event, fact: ChargeRefunded, work: Work, door: Door) -> None:
    if door.sender is not None:
        raise NotPermitted("Only the platform's sender may refund: it takes from the providers.")
    mark = keys.event(fact.charge_source, fact.charge_id)
    # An event that names itself is no charge; if its id is a charge's, it is in conflict with it.
    itself = event.identity == (fact.charge_source, fact.charge_id)
    charge = None if itself else work.charge(mark)
    if charge is None or charge.tenant_id != fact.tenant_id:
        raise UnknownCharge(
            f"No event {fact.charge_id} of {fact.charge_source} charged tenant {fact.tenant_id}.",
            field="data.charge_event",
        )
    _check_currency(fact, work)
    if fact.amount > charge.left:
        raise RefundExceedsCharge(
            f"Only {to_decimal(charge.left)} {charge.currency} of the charge are left.",
            field="data.amount",
        )
    after, parts = charge.refund(fact.amount)
    if parts:
        work.set_charge(mark, after)
    months = _post_to(event, charge, work, door)
    for entry in refunded(after, parts, _posting(event, charge, door), months):
        work.post(entry)


def _posting(event: Event, charge: Charge, door: Door) -> Posting:
    return Posting(
        entry_id=keys.event_digest(event.source, event.event_id),
        kind=charge.kind,
        currency=charge.currency,
        time=event.time,
        posted_at=door.now,
    )


def _post_to(event: Event, charge: Charge, work: Work, door: Door) -> Months:
    """The open month, or for history its own: of each provider that has no statement for it."""
    if not door.backfill:
        return Months(posting_period(event.time, door.now))
    month = month_of(event.time)
    if door.now < closes_at(month):
        return Months(month)
    providers = sorted({part.provider_id for part in charge.parts if part.amount})
    if len(providers) > _MOST_IMPORTED_PROVIDERS:
        raise InvalidEvent(
            f"data.dataset_ids: into an ended month, a search may be imported over the datasets of "
            f"at most {_MOST_IMPORTED_PROVIDERS} providers",
            field="data.dataset_ids",
        )
    stated = [p for p in providers if not work.import_into(month, p, charge.currency)]
    return Months(month, dict.fromkeys(stated, month_of(door.now)))


def _months(event: Event, items: Mapping[Key, Mapping[str, Any]]) -> Iterator[Key]:
    """The registers of the providers' months that an event of history may be imported into."""
    month, fact = month_of(event.time), event.fact
    match fact:
        case SearchPerformed():
            datasets = [items.get(keys.dataset(dataset_id)) for dataset_id in fact.dataset_ids]
            providers = [dataset["tenant_id"] for dataset in datasets if dataset]
        case DatasetAccessed():
            dataset = items.get(keys.dataset(fact.dataset_id))
            providers = [dataset["tenant_id"]] if dataset else []
        case ChargeRefunded():
            mark = items.get(keys.event(fact.charge_source, fact.charge_id))
            charge = charge_from(mark) if mark else None
            providers = [part.provider_id for part in charge.parts] if charge else []
        case _:
            return
    for provider in dict.fromkeys(providers):
        yield keys.period_provider(month, provider, fact.currency)


def _owners(dataset_ids: Sequence[str], field: str, event: Event, work: Work) -> dict[str, str]:
    """Dataset -> whose it is; UnknownDataset if one did not exist at the time of the event."""
    owners = {}
    for dataset_id in dataset_ids:
        dataset = work.dataset(dataset_id)
        if dataset is None or not dataset.existed_at(event.time):
            raise UnknownDataset(f"There is no dataset {dataset_id}.", field=field)
        owners[dataset_id] = dataset.tenant_id
    return owners


def _check_currency(fact: Charging | ChargeRefunded, work: Work) -> None:
    billed: Any = work.items[keys.tenant(fact.tenant_id)]["billing_currency"]
    if fact.currency != billed:
        raise CurrencyMismatch(
            f"Tenant {fact.tenant_id} is billed in {billed}, not in {fact.currency}.",
            field="data.currency",
        )


def _unknown_tenant(event: Event) -> UnknownTenant:
    is_partners = isinstance(event.fact, PartnerConfigured | OrganizationEvent | UsageRecorded)
    field = "data.partner_id" if is_partners else "data.tenant_id"
    return UnknownTenant(f"There is no tenant {event.fact.tenant_id}.", field=field)


def _register(table: Table, registers: Mapping[Key, Mapping[str, Any]]) -> None:
    """Written ahead of what they announce: a register of nothing does no harm.

    By its fields, not whole: since it was missed, a run may have closed the month in it.
    """
    unknown = [key for key in sorted(registers) if (table.name, key) not in _known_registers]
    for start in range(0, len(unknown), MAX_TRANSACTION_ACTIONS):
        some = unknown[start : start + MAX_TRANSACTION_ACTIONS]
        there = table.get_many(some)
        missing = [_fill(table, key, registers[key]) for key in some if key not in there]
        if missing:
            table.transact(missing)
    if len(_known_registers) > _MOST_KNOWN:
        _known_registers.clear()
    _known_registers.update((table.name, key) for key in unknown)


def _fill(table: Table, key: Key, fields: Mapping[str, Any]) -> Action:
    clauses = ", ".join(f"{name} = :{name}" for name in fields)
    return table.update(key, f"SET {clauses}", **fields)


def _mark(table: Table, event: Event, work: Work, door: Door) -> Action:
    key = keys.event(event.source, event.event_id)
    charge = work.new_charges.get(key)
    return table.put_new(
        key,
        {
            "source": event.source,
            "event_id": event.event_id,
            "type": event.type,
            "time": event.time,
            "content": event.content,
            "accepted_at": door.now,
        }
        | (charge_attributes(charge) if charge else {})
        | (recorded_attributes(event.fact) if isinstance(event.fact, UsageRecorded) else {}),
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


def _if_accepted_before(
    table: Table, events: Sequence[Event], rejected: Collection[int]
) -> dict[int, Outcome]:
    """An event that is out of order by now is a duplicate all the same if it was accepted once."""
    if not rejected:
        return {}
    marks = {n: keys.event(events[n].source, events[n].event_id) for n in rejected}
    known = table.get_many(list(marks.values()))
    return {
        n: _again(events[n], known[mark]["content"]) for n, mark in marks.items() if mark in known
    }
