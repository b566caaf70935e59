"""Posting a charge or a refund: to which months, and the double entry in a draft."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tally.access.items import tenant_key
from tally.aws.draft import Draft
from tally.kernel.events import CurrencyMismatch, Door, Event, Fact, InvalidEvent
from tally.kernel.keys import Key
from tally.kernel.periods import closes_at, month_of, posting_period
from tally.ledger.items import (
    buyer_month_key,
    entry_attributes,
    key_of_entry,
    period_key,
    provider_month_key,
    provider_month_places,
)
from tally.ledger.model.charges import Charge
from tally.ledger.model.entries import EntrySide, LedgerEntry, Months, Posting
from tally.ledger.provider_months import ProviderMonth, count_import, is_closed

# A mark, a record with its id and its text, and a debit; then a credit and a month for each.
_MAX_IMPORTED_PROVIDERS = 47

type MakeEntries = Callable[[Posting, Months], Sequence[LedgerEntry]]


def check_currency(tenant_id: str, currency: str, draft: Draft) -> None:
    """CurrencyMismatch unless the buyer is billed in this currency."""
    tenant: Any = draft.read(tenant_key(tenant_id))
    billed = tenant["billing_currency"]
    if currency != billed:
        raise CurrencyMismatch(
            f"data.currency: tenant {tenant_id} is billed in {billed}, not in {currency}.",
            field="data.currency",
        )


def post(
    event: Event[Fact], charge: Charge, entries: MakeEntries, draft: Draft, door: Door
) -> None:
    """Write what `entries` makes of the event's posting and its months."""
    posting = Posting(
        entry_id=event.digest,
        kind=charge.kind,
        currency=charge.currency,
        time=event.time,
        posted_at=door.now,
    )
    for entry in entries(posting, _months(event, charge, draft, door)):
        draft.create(key_of_entry(entry), entry_attributes(entry))
        _announce(entry, draft)


def months_to_import(event: Event[Fact], providers: Iterable[str], currency: str) -> Iterable[Key]:
    """The providers' months that imported history would post to."""
    for each in dict.fromkeys(providers):
        yield from provider_month_places(month_of(event.time), each, currency)


def _months(event: Event[Fact], charge: Charge, draft: Draft, door: Door) -> Months:
    """The open month, or for history its own: of each provider that has no statement for it."""
    if not door.backfill:
        return Months(posting_period(event.time, door.now))
    month = month_of(event.time)
    if door.now < closes_at(month):
        return Months(month)
    providers = sorted({part.provider_id for part in charge.parts if part.amount})
    if len(providers) > _MAX_IMPORTED_PROVIDERS:
        raise InvalidEvent(
            "time: what is imported into an ended month may concern at most "
            f"{_MAX_IMPORTED_PROVIDERS} providers; name fewer, or send it without backfill",
            field="time",
        )
    stated = [each for each in providers if not _import(month, each, charge.currency, draft)]
    return Months(month, dict.fromkeys(stated, month_of(door.now)))


def _import(period: str, provider_id: str, currency: str, draft: Draft) -> bool:
    """Count history into a provider's ended month; False if its statement is made."""
    month = ProviderMonth(provider_id, period, currency)
    places = provider_month_places(period, provider_id, currency)
    if any(is_closed(draft.items.get(place)) for place in places):
        return False
    draft.write(month.key, lambda table: count_import(table, month))
    return True


def _announce(entry: LedgerEntry, draft: Draft) -> None:
    """What leads a payout run and the books to the entry's month."""
    period, currency, tenant_id = entry.period, entry.posting.currency, entry.tenant_id
    of_tenant = {"tenant_id": tenant_id, "currency": currency}
    draft.announce(period_key(period), {"period": period})
    if entry.side is EntrySide.DEBIT:
        draft.announce(buyer_month_key(period, tenant_id), of_tenant)
    else:
        draft.announce(provider_month_key(period, tenant_id, currency), of_tenant)
