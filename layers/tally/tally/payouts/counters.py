"""The counters of payouts. Each is written in the transaction of what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tally.kernel.counters import Deltas, Totals, adds
from tally.kernel.keys import Key
from tally.kernel.periods import Period
from tally.payouts.items import Payout, payout_run_key


@dataclass(frozen=True, slots=True)
class StatementTotals(Totals):
    """The number of a provider's statements."""

    FIELDS: ClassVar = ("payouts",)
    tenant_id: str

    @property
    def key(self) -> Key:
        """`TENANT#acme` / `TOTALS#PAYOUTS`"""
        return Key(f"TENANT#{self.tenant_id}", "TOTALS#PAYOUTS")


@dataclass(frozen=True, slots=True)
class RunTotals(Totals):
    """The providers of a run by outcome. The first part's sums are attributes of the run's item."""

    FIELDS: ClassVar = ("generated", "unchanged", "failed")
    PARTS: ClassVar = 16
    period: Period
    run_id: str

    @property
    def key(self) -> Key:
        """`PAYOUTRUNS` / `2026-03#run_k3j5...`; its parts: `2026-03#run_k3j5...#01`"""
        return payout_run_key(self.period, self.run_id)


def statement_contribution(payout: Payout) -> Deltas:
    return adds(StatementTotals(payout.statement.tenant_id), payouts=1)
