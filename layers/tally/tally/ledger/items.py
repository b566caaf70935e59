"""Ledger entries as items, with their keys. A charge is stored in the mark of its event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from tally.kernel.keys import Key
from tally.kernel.periods import Period
from tally.ledger.model.charges import Charge, Part, SpendKind
from tally.ledger.model.entries import EntrySide, LedgerEntry, Posting

DEBIT_PREFIX = "DEBIT#"
CREDIT_PREFIX = "CREDIT#"
BUYER_PREFIX = "BUYER#"
PROVIDER_PREFIX = "PROVIDER#"
PERIODS_PK = "PERIODS"

# One partition takes 1,000 writes a second: too few when a month begins for very many tenants.
_REGISTER_PARTS = 16
SPREAD_FROM: Period = "2027-01"
"""The first month whose register is spread. The item of a provider's month says whether a statement
closed it, so where it is stored must never change."""


def ledger_entry_key(tenant_id: str, period: Period, side: str, entry_id: str) -> Key:
    """`LEDGER#acme#2026-04` / `DEBIT#{event digest}`; providers' entries are `CREDIT#...`"""
    return Key(ledger_pk(tenant_id, period), f"{side.upper()}#{entry_id}")


def ledger_pk(tenant_id: str, period: Period) -> str:
    return f"LEDGER#{tenant_id}#{period}"


def period_key(period: Period) -> Key:
    """`PERIODS` / `2026-04`: that something was posted to the month"""
    return Key(PERIODS_PK, period)


def buyer_month_key(period: Period, tenant_id: str) -> Key:
    """`PERIOD#2027-04#0e` / `BUYER#acme`: that the tenant has debits in the month"""
    return Key(_register_pk(period, tenant_id), f"{BUYER_PREFIX}{tenant_id}")


def provider_month_key(period: Period, tenant_id: str, currency: str) -> Key:
    """`PERIOD#2027-04#0e` / `PROVIDER#acme#USD`: that the tenant has credits in the month"""
    return Key(_register_pk(period, tenant_id), f"{PROVIDER_PREFIX}{tenant_id}#{currency}")


def unspread_provider_month_key(period: Period, tenant_id: str, currency: str) -> Key:
    """`PERIOD#2027-04` / `PROVIDER#acme#USD`: the same, from a release that spread no register"""
    return Key(_unspread_pk(period), f"{PROVIDER_PREFIX}{tenant_id}#{currency}")


def provider_month_places(period: Period, tenant_id: str, currency: str = "") -> Sequence[Key]:
    """Where a month may be noted: each release reads both, and writes the first."""
    places = (provider_month_key, unspread_provider_month_key)
    return list(dict.fromkeys(place(period, tenant_id, currency) for place in places))


def register_pks(period: Period) -> Sequence[str]:
    """The partitions with a month's buyers and providers: `PERIOD#2027-04`, and from SPREAD_FROM on
    `PERIOD#2027-04#00` to `...#0f`. What releases before that wrote into the first one counts."""
    return [_unspread_pk(period), *_spread_pks(period)]


def _register_pk(period: Period, tenant_id: str) -> str:
    pks = _spread_pks(period) or [_unspread_pk(period)]
    return pks[crc32(tenant_id.encode()) % len(pks)]


def _unspread_pk(period: Period) -> str:
    return f"PERIOD#{period}"


def _spread_pks(period: Period) -> Sequence[str]:
    """None for months before SPREAD_FROM."""
    if period < SPREAD_FROM:
        return []
    return [f"PERIOD#{period}#{part:02x}" for part in range(_REGISTER_PARTS)]


def key_of_entry(entry: LedgerEntry) -> Key:
    entry_id = entry.posting.entry_id
    return ledger_entry_key(entry.tenant_id, entry.period, entry.side.value, entry_id)


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
    is_debit = item["SK"].startswith(DEBIT_PREFIX)
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
