"""The ledger, searches and accesses as items; charges live in the mark of their event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.domain.activity import AccessActivity, SearchActivity
from tally.domain.charges import Charge, EntrySide, LedgerEntry, Part, Posting, SpendKind
from tally.domain.periods import Period
from tally.store import keys
from tally.store.keys import Key
from tally.store.table import Table

# Takes 7 MiB of memory to read, however many there are; a page of 1 MB would take 19.
_ENTRIES_PER_PAGE = 1_000


def entry_key(entry: LedgerEntry) -> Key:
    entry_id = entry.posting.entry_id
    return keys.ledger_entry(entry.tenant_id, entry.period, entry.side.value, entry_id)


def entry_attributes(entry: LedgerEntry) -> dict[str, Any]:
    posting = entry.posting
    return {
        "tenant_id": entry.tenant_id,
        "amount": entry.amount,
        "lines": dict(entry.lines) or None,
        "entry_id": posting.entry_id,
        "kind": posting.kind.value,
        "currency": posting.currency,
        "period": entry.period,
        "time": posting.time,
        "posted_at": posting.posted_at,
    }


def entry_from(item: Mapping[str, Any]) -> LedgerEntry:
    """KeyError, TypeError or ValueError for an item that is none."""
    is_debit = item["SK"].startswith(keys.DEBIT_PREFIX)
    return LedgerEntry(
        posting=Posting(
            entry_id=item["entry_id"],
            kind=SpendKind(item["kind"]),
            currency=item["currency"],
            time=item["time"],
            posted_at=item["posted_at"],
        ),
        side=EntrySide.DEBIT if is_debit else EntrySide.CREDIT,
        tenant_id=item["tenant_id"],
        period=item["period"],
        amount=item["amount"],
        lines=item.get("lines", {}),
    )


def periods(table: Table) -> Iterator[Period]:
    """The months that anything was posted to, oldest first."""
    for item in table.query(keys.PERIODS_PK, consistent=True):
        yield item["period"]


def tenants_of(table: Table, period: Period, side: EntrySide) -> Iterator[str]:
    """The tenants that may have entries on one side of a month: buyers or providers."""
    prefix = keys.BUYER_PREFIX if side is EntrySide.DEBIT else keys.PROVIDER_PREFIX
    registered = table.query(keys.period_pk(period), prefix, consistent=True)
    yield from dict.fromkeys(item["tenant_id"] for item in registered)


def entries(table: Table, tenant_id: str, period: Period, side: EntrySide) -> Iterator[LedgerEntry]:
    """One side of a tenant's month, in one Query, read consistently, a page in memory at a time."""
    pk = keys.ledger_pk(tenant_id, period)
    prefix = keys.DEBIT_PREFIX if side is EntrySide.DEBIT else keys.CREDIT_PREFIX
    for item in table.query(pk, prefix, page=_ENTRIES_PER_PAGE, consistent=True):
        yield entry_from(item)


def charge_attributes(charge: Charge) -> dict[str, Any]:
    """What the mark of a charge's event says beside the event's identity."""
    return {
        "tenant_id": charge.tenant_id,
        "kind": charge.kind.value,
        "currency": charge.currency,
        "parts": [list(part) for part in charge.parts],
    }


def charge_from(mark: Mapping[str, Any]) -> Charge | None:
    """None for the mark of an event that charged nobody."""
    if "parts" not in mark:
        return None
    return Charge(
        tenant_id=mark["tenant_id"],
        kind=SpendKind(mark["kind"]),
        currency=mark["currency"],
        parts=tuple(Part(*part) for part in mark["parts"]),
    )


def search_key(search: SearchActivity) -> Key:
    return keys.search(search.tenant_id, search.occurred_at, search.entry_id)


def search_attributes(search: SearchActivity) -> dict[str, Any]:
    return {
        "tenant_id": search.tenant_id,
        "search_activity_id": search.search_activity_id,
        "query_text": search.query_text,
        "dataset_ids": list(search.dataset_ids),
        "result_count": search.result_count,
        "amount": search.amount,
        "currency": search.currency,
        "occurred_at": search.occurred_at,
        "entry_id": search.entry_id,
    }


def search_from(item: Mapping[str, Any]) -> SearchActivity:
    return SearchActivity(
        tenant_id=item["tenant_id"],
        search_activity_id=item["search_activity_id"],
        query_text=item["query_text"],
        dataset_ids=tuple(item["dataset_ids"]),
        result_count=item["result_count"],
        amount=item["amount"],
        currency=item["currency"],
        occurred_at=item["occurred_at"],
        entry_id=item["entry_id"],
    )


def access_key(access: AccessActivity) -> Key:
    return keys.access(access.tenant_id, access.accessed_at, access.entry_id)


def access_attributes(access: AccessActivity) -> dict[str, Any]:
    return {
        "tenant_id": access.tenant_id,
        "dataset_id": access.dataset_id,
        "object_id": access.object_id,
        "kind": access.kind,
        "accessed_at": access.accessed_at,
        "entry_id": access.entry_id,
    }


def access_from(item: Mapping[str, Any]) -> AccessActivity:
    return AccessActivity(
        tenant_id=item["tenant_id"],
        dataset_id=item["dataset_id"],
        object_id=item.get("object_id"),
        kind=item["kind"],
        accessed_at=item["accessed_at"],
        entry_id=item["entry_id"],
    )
