"""Checks that the books balance: buyers owe what providers are owed, in every currency."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from tally.aws.table import Table
from tally.kernel.instants import Instant, plus
from tally.kernel.money import Micros
from tally.ledger.model.entries import EntrySide
from tally.ledger.reads import entries, periods, tenants_of

# Entries carry the time when their request began, and no request runs longer than this. Of older
# entries both sides are stored, or neither, so the check is exact while events arrive.
SETTLED_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Balance:
    """Both sides in one currency; refunds and reversals are positive here."""

    currency: str
    debits: Micros
    refunds: Micros
    credits: Micros
    reversals: Micros

    @property
    def difference(self) -> Micros:
        """0 if the books balance."""
        return (self.debits - self.refunds) - (self.credits - self.reversals)


def check_books(
    table: Table, now: Instant, settled_after: timedelta = SETTLED_AFTER
) -> list[Balance]:
    """The books as they were `settled_after` ago, by currency; reads the whole ledger.

    Months are not checked one by one: imported history may credit a provider in a later month.
    """
    until = plus(now, -settled_after)
    sums: Counter[tuple[str, EntrySide, bool]] = Counter()
    for period in periods(table):
        for side in EntrySide:
            for tenant_id in tenants_of(table, period, side):
                for entry in entries(table, tenant_id, period, side):
                    if entry.posting.posted_at <= until:
                        is_refund = entry.amount < 0
                        sums[entry.posting.currency, side, is_refund] += abs(entry.amount)
    return [
        Balance(
            currency,
            debits=sums[currency, EntrySide.DEBIT, False],
            refunds=sums[currency, EntrySide.DEBIT, True],
            credits=sums[currency, EntrySide.CREDIT, False],
            reversals=sums[currency, EntrySide.CREDIT, True],
        )
        for currency in sorted({currency for currency, _, _ in sums})
    ]
