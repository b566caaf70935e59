"""What buyers did: searches and accesses, one record each.

`entry_id` names the event that told of it; it tells records of the same instant apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from tally.kernel.instants import Instant, plus, to_datetime
from tally.kernel.money import Micros, split
from tally.ledger.model.charges import Charge, Part, SpendKind


@dataclass(frozen=True, slots=True)
class SearchActivity:
    """One search, as the buyer's list shows it.

    `query_text` is None where it is erased or expired, and where nobody asked for it. `accepted_at`
    is None, here and in accesses, if the record is from before it was kept.
    """

    tenant_id: str
    search_activity_id: str
    query_text: str | None
    dataset_ids: tuple[str, ...]
    result_count: int
    amount: Micros
    currency: str
    occurred_at: Instant
    entry_id: str
    accepted_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class AccessActivity:
    """One retrieval or download."""

    tenant_id: str
    dataset_id: str
    object_id: str | None
    kind: str
    accessed_at: Instant
    entry_id: str
    accepted_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class TextRules:
    """Which query texts of a tenant are kept: by the times of their searches.

    Those before `erased_before` are not, however late their events come, nor are those that are
    older than `retention`.
    """

    erased_before: Instant
    retention: timedelta

    def kept_from(self, now: Instant) -> Instant:
        """The texts of earlier searches are not shown and not stored."""
        return max(self.erased_before, plus(now, -self.retention))

    def keeps(self, occurred_at: Instant, now: Instant) -> bool:
        return occurred_at >= self.kept_from(now)

    def deleted_before(self, now: Instant) -> Instant:
        """The texts of earlier searches are deleted, those included that should have expired.

        DynamoDB lets texts expire at no cost, and gets a day for it.
        """
        return max(self.erased_before, plus(now, -self.retention - timedelta(days=1)))

    def expires_at(self, occurred_at: Instant) -> int:
        """Unix seconds."""
        return int(to_datetime(plus(occurred_at, self.retention)).timestamp())


@dataclass(frozen=True, slots=True)
class SearchPerformed:
    """A buyer's search. `allocations` is empty for an equal split over the datasets."""

    tenant_id: str
    search_activity_id: str | None
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
