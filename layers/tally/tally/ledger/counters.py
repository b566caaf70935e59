"""What the ledger's entries count: what buyers spend, what providers earn, by day and by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tally.kernel.counters import Deltas, Totals, adds, total
from tally.kernel.keys import Key
from tally.kernel.money import Micros
from tally.kernel.periods import Day, Period
from tally.ledger.model.charges import SpendKind
from tally.ledger.model.entries import EntrySide, LedgerEntry

_KINDS = tuple(kind.value for kind in SpendKind)


@dataclass(frozen=True, slots=True)
class SpendTotals(Totals):
    """A buyer's spend in a month by kind, in micro-units, net of refunds."""

    FIELDS: ClassVar = _KINDS
    tenant_id: str
    period: Period

    @property
    def key(self) -> Key:
        """`TENANT#acme` / `TOTALS#SPEND#2026-04`"""
        return Key(f"TENANT#{self.tenant_id}", f"TOTALS#SPEND#{self.period}")


# Three years of days are read at once, so the keys and attributes of a day are short.


@dataclass(frozen=True, slots=True)
class BuyerDay(Totals):
    """A buyer's spend by posting day, as in SpendTotals; its searches and accesses by the day on
    which they happened."""

    FIELDS: ClassVar = (*_KINDS, "searches", "accesses")
    BACKFILLED: ClassVar = True
    tenant_id: str
    day: Day

    @property
    def key(self) -> Key:
        """`SPENT#acme` / `2026-04-05`"""
        return Key(f"SPENT#{self.tenant_id}", self.day)


@dataclass(frozen=True, slots=True)
class ProviderDay(Totals):
    """A provider's revenue of a posting day in one currency: by kind in micro-units, net of
    refunds; the refunds, positive; how many charges there were."""

    FIELDS: ClassVar = (*_KINDS, "refunds", "sales")
    BACKFILLED: ClassVar = True
    tenant_id: str
    currency: str
    day: Day

    @property
    def key(self) -> Key:
        """`SOLD#acme` / `USD#2026-04-05`"""
        return Key(f"SOLD#{self.tenant_id}", f"{self.currency}#{self.day}")


@dataclass(frozen=True, slots=True)
class DatasetDay(Totals):
    """The same of one dataset. It has one owner for ever."""

    FIELDS: ClassVar = ProviderDay.FIELDS
    BACKFILLED: ClassVar = True
    dataset_id: str
    currency: str
    day: Day

    @property
    def key(self) -> Key:
        """`SOLD-OF#dset_1` / `USD#2026-04-05`"""
        return Key(f"SOLD-OF#{self.dataset_id}", f"{self.currency}#{self.day}")


@dataclass(frozen=True, slots=True)
class DatasetMonth(Totals):
    """A line of a provider's statement, before that is made: the exact amount, in micro-units, and
    the number of entries."""

    FIELDS: ClassVar = ("amount", "entries")
    BACKFILLED: ClassVar = True
    APART: ClassVar = True
    tenant_id: str
    period: Period
    currency: str
    dataset_id: str

    @property
    def key(self) -> Key:
        """`LINES#acme` / `2026-04#USD#dset_1`"""
        return Key(f"LINES#{self.tenant_id}", f"{self.period}#{self.currency}#{self.dataset_id}")


def named_by(sort_key: str) -> list[str]:
    """What identifies one of these days, or months, beside its partition; in the key's order."""
    return sort_key.split("#")


def entry_contribution(entry: LedgerEntry) -> Deltas:
    return _of_debit(entry) if entry.side is EntrySide.DEBIT else _of_credit(entry)


def _of_debit(entry: LedgerEntry) -> Deltas:
    spent = {entry.posting.kind.value: entry.amount}
    month, day = SpendTotals(entry.tenant_id, entry.period), BuyerDay(entry.tenant_id, entry.day)
    return total([adds(month, **spent), adds(day, **spent)])


def _of_credit(entry: LedgerEntry) -> Deltas:
    tenant_id, kind, currency = entry.tenant_id, entry.posting.kind, entry.posting.currency
    parts = [adds(ProviderDay(tenant_id, currency, entry.day), **_sold(kind, entry.amount))]
    for dataset_id, amount in entry.lines.items():
        line = DatasetMonth(tenant_id, entry.period, currency, dataset_id)
        parts += [
            adds(DatasetDay(dataset_id, currency, entry.day), **_sold(kind, amount)),
            adds(line, amount=amount, entries=1),
        ]
    return total(parts)


def _sold(kind: SpendKind, amount: Micros) -> dict[str, int]:
    """What a charge, or a refund, which is negative, adds to a day."""
    return {kind.value: amount, "refunds": max(0, -amount), "sales": int(amount > 0)}
