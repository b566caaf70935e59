"""The ledger's own event: a charge is refunded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import StringConstraints

from tally.aws.draft import Draft, Item, Postponed
from tally.kernel.events import Door, Event, UnknownCharge, event_key
from tally.kernel.keys import Key
from tally.kernel.versions import Version
from tally.ledger.items import charge_attributes, charge_from
from tally.ledger.model.entries import refunded
from tally.ledger.model.refunds import ChargeRefunded, refund
from tally.ledger.posting import check_currency, months_to_import, post
from tally.wire.event_types import EventData, EventType
from tally.wire.fields import Amount, Currency, Id, Identity


class ChargeEvent(EventData):
    source: Identity
    id: Identity


class RefundData(EventData):
    tenant_id: Id
    charge_event: ChargeEvent
    amount: Amount
    currency: Currency
    reason: Annotated[str, StringConstraints(max_length=1000)] | None = None


def _fact(data: RefundData, version: Version) -> ChargeRefunded:
    return ChargeRefunded(
        tenant_id=data.tenant_id,
        charge_source=data.charge_event.source,
        charge_id=data.charge_event.id,
        amount=data.amount,
        currency=data.currency,
        time=version.time,
    )


def _reads(fact: ChargeRefunded) -> Iterable[Key]:
    return [event_key(fact.charge_source, fact.charge_id)]


def _reads_history(event: Event[ChargeRefunded], items: Mapping[Key, Item]) -> Iterable[Key]:
    fact = event.fact
    charge = charge_from(items.get(event_key(fact.charge_source, fact.charge_id), {}))
    providers = [part.provider_id for part in charge.parts] if charge else []
    return months_to_import(event, providers, fact.currency)


def _decide(event: Event[ChargeRefunded], draft: Draft, door: Door) -> Mapping[str, Any]:
    fact = event.fact
    mark = event_key(fact.charge_source, fact.charge_id)
    if draft.creates(mark):
        raise Postponed  # the charge must be in the books first
    # An event that names itself is no charge; if its id is a charge's, the two are in conflict.
    charge = None if mark == event.mark else charge_from(draft.read(mark) or {})
    if charge is None or charge.tenant_id != fact.tenant_id:
        raise UnknownCharge(
            f"data.charge_event: no event {fact.charge_id} of source {fact.charge_source} charged "
            f"tenant {fact.tenant_id}.",
            field="data.charge_event",
        )
    check_currency(fact.tenant_id, fact.currency, draft)
    after, parts = refund(charge, fact.amount)
    if parts:
        draft.amend(mark, charge_attributes(after), unchanged="parts")
    post(
        event, charge, lambda posting, months: refunded(after, parts, posting, months), draft, door
    )
    return {}


EVENT_TYPES = (EventType("charge.refunded", RefundData, _fact, _reads, _decide, _reads_history),)
