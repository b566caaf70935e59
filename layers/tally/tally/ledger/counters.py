"""What the ledger's entries count: a buyer's spend."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from tally.kernel.counters import Deltas, Totals, adds
from tally.kernel.keys import Key
from tally.kernel.periods import Period
from tally.ledger.model.charges import SpendKind
from tally.ledger.model.entries import EntrySide, LedgerEntry


@dataclass(frozen=True, slots=True)
class SpendTotals(Totals):
    """A buyer's spend in a month by kind, in micro-units, net of refunds."""

    FIELDS: ClassVar = tuple(kind.value for kind in SpendKind)
    tenant_id: str
    period: Period

    @property
    def key(self) -> Key:
        """`TENANT#acme` / `TOTALS#SPEND#2026-04`"""
        return Key(f"TENANT#{self.tenant_id}", f"TOTALS#SPEND#{self.period}")


def entry_contribution(entry: LedgerEntry) -> Deltas:
    if entry.side is not EntrySide.DEBIT:
        return Counter()
    spend = SpendTotals(entry.tenant_id, entry.period)
    return adds(spend, **{entry.posting.kind.value: entry.amount})
