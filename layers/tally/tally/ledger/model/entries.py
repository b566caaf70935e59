"""Double entries: a buyer's debit and the providers' credits, for every charge and refund."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tally.kernel.instants import Instant
from tally.kernel.money import Micros
from tally.kernel.periods import Day, Period, month_of
from tally.ledger.model.charges import Charge, Part, SpendKind


class EntrySide(StrEnum):
    """Debits are what buyers owe, credits what is owed to providers; a refund is negative."""

    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Posting:
    """What all entries of one event have in common: `time` is the event's, `posted_at` when Tally
    took it."""

    entry_id: str
    kind: SpendKind
    currency: str
    time: Instant
    posted_at: Instant


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One side of a charge (positive) or a refund (negative), in one tenant's month.

    The credits of a posting sum to its debit. `lines`: dataset -> its part of a credit.
    """

    posting: Posting
    side: EntrySide
    tenant_id: str
    period: Period
    amount: Micros
    lines: Mapping[str, Micros]

    @property
    def day(self) -> Day:
        return posting_day(self.posting, self.period)


def posting_day(posting: Posting, period: Period) -> Day:
    """The event's day if it posts to its own month, else the day on which it was posted. Either is
    a day of the period, so the days of a month sum to the month."""
    own = month_of(posting.time) == period
    return (posting.time if own else posting.posted_at)[:10]


@dataclass(frozen=True, slots=True)
class Months:
    """Where a posting counts: the buyer's month, and those of providers who differ from it."""

    debit: Period
    credits: Mapping[str, Period] = field(default_factory=dict)


def charged(charge: Charge, posting: Posting, months: Months) -> list[LedgerEntry]:
    """The double entry of a charge; none for one of nothing."""
    return _entries(charge, charge.parts, posting, months, sign=1)


def refunded(
    charge: Charge, parts: Sequence[Part], posting: Posting, months: Months
) -> list[LedgerEntry]:
    """The double entry of a refund of these parts; none for one of nothing."""
    return _entries(charge, parts, posting, months, sign=-1)


def _entries(
    charge: Charge, parts: Sequence[Part], posting: Posting, months: Months, *, sign: int
) -> list[LedgerEntry]:
    by_provider: dict[str, dict[str, Micros]] = {}
    for part in parts:
        if part.amount:
            by_provider.setdefault(part.provider_id, {})[part.dataset_id] = sign * part.amount
    if not by_provider:
        return []
    credited = [
        LedgerEntry(
            posting,
            EntrySide.CREDIT,
            provider,
            months.credits.get(provider, months.debit),
            sum(lines.values()),
            lines,
        )
        for provider, lines in sorted(by_provider.items())
    ]
    whole = sum(credit.amount for credit in credited)
    debit = LedgerEntry(posting, EntrySide.DEBIT, charge.tenant_id, months.debit, whole, {})
    return [debit, *credited]
