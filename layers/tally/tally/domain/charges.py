"""Charges and refunds: what a buyer owes, and to which providers it is owed, to the micro-unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from tally.domain.instants import Instant
from tally.domain.money import Micros, split
from tally.domain.periods import Period


class SpendKind(StrEnum):
    SEARCH = "search"
    RETRIEVAL = "retrieval"


@dataclass(frozen=True, slots=True)
class SearchPerformed:
    """A buyer's search. `allocations` is empty for an equal split over the datasets."""

    tenant_id: str
    search_activity_id: str
    query_text: str
    dataset_ids: tuple[str, ...]
    result_count: int
    amount: Micros
    currency: str
    allocations: Mapping[str, Micros]
    time: Instant


@dataclass(frozen=True, slots=True)
class DatasetAccessed:
    """One retrieval or download of a buyer's."""

    tenant_id: str
    dataset_id: str
    object_id: str | None
    kind: str
    amount: Micros
    currency: str
    time: Instant


@dataclass(frozen=True, slots=True)
class ChargeRefunded:
    """All or part of an earlier charge, which (`charge_source`, `charge_id`) names."""

    tenant_id: str
    charge_source: str
    charge_id: str
    amount: Micros
    currency: str
    time: Instant


class Part(NamedTuple):
    """A dataset's share of a charge, what of it was refunded, and to whom it is owed."""

    dataset_id: str
    provider_id: str
    amount: Micros
    refunded: Micros = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as it stands after its refunds; its parts sum to it."""

    tenant_id: str
    kind: SpendKind
    currency: str
    parts: tuple[Part, ...]

    @property
    def left(self) -> Micros:
        """What can still be refunded."""
        return sum(part.amount - part.refunded for part in self.parts)

    def refund(self, amount: Micros) -> tuple[Charge, tuple[Part, ...]]:
        """The charge after a refund of at most `left`, and the refund's own parts.

        Pro rata to the parts as they were charged, all refunds taken together, so that a full
        refund leaves nothing, in however many steps.
        """
        if amount == 0:
            return self, ()
        charged = {part.dataset_id: part.amount for part in self.parts}
        shares = split(amount, charged, {part.dataset_id: part.refunded for part in self.parts})
        after = tuple(p._replace(refunded=p.refunded + shares[p.dataset_id]) for p in self.parts)
        reversed_parts = tuple(
            Part(p.dataset_id, p.provider_id, shares[p.dataset_id]) for p in self.parts
        )
        return replace(self, parts=after), reversed_parts


def charge_for(fact: SearchPerformed | DatasetAccessed, owners: Mapping[str, str]) -> Charge:
    """The charge of a search or an access; `owners`: dataset -> provider."""
    if isinstance(fact, DatasetAccessed):
        kind, shares = SpendKind.RETRIEVAL, {fact.dataset_id: fact.amount}
    else:
        kind = SpendKind.SEARCH
        equally = dict.fromkeys(fact.dataset_ids, 1)
        shares = dict(fact.allocations) or split(fact.amount, equally)
    parts = tuple(Part(dataset, owners[dataset], shares[dataset]) for dataset in sorted(shares))
    return Charge(fact.tenant_id, kind, fact.currency, parts)


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
