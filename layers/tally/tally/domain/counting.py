"""The heart of the counting: what each record adds to which counter.

A change adds `contribution(new) - contribution(old)`. Over any history these telescope to the
contribution of the last state, so counters kept from changes equal a recount of the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from tally.domain.activity import AccessActivity, SearchActivity
from tally.domain.catalog import CatalogObject, Dataset, Version
from tally.domain.charges import EntrySide, LedgerEntry
from tally.domain.organizations import Organization, OrganizationStatus
from tally.domain.periods import Period
from tally.domain.usage import Bucket, Day, UsageEntry


@dataclass(frozen=True, slots=True)
class ProviderTotals:
    """A provider's datasets, and the objects of those that are not deleted."""

    tenant_id: str


@dataclass(frozen=True, slots=True)
class DatasetTotals:
    """The objects of a dataset since its last deletion (`epoch`).

    They are part of their provider's totals until the next deletion supersedes the epoch: taking
    a dataset out of all counts is one subtraction, however many objects it has.
    """

    tenant_id: str
    dataset_id: str
    epoch: str


@dataclass(frozen=True, slots=True)
class BuyerTotals:
    """A buyer's searches, and the datasets that it ever accessed."""

    tenant_id: str


@dataclass(frozen=True, slots=True)
class SpendTotals:
    """A buyer's spend in a month by kind, in micro-units, net of refunds."""

    tenant_id: str
    period: Period


@dataclass(frozen=True, slots=True)
class AccessTotals:
    """How often a buyer accessed a dataset; the item also keeps when it last did."""

    tenant_id: str
    dataset_id: str


@dataclass(frozen=True, slots=True)
class PartnerTotals:
    """A partner's organizations, and those of them that are active."""

    partner_id: str


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """A partner's usage on a day or in a month; `date` is `2026-04-05` or `2026-04`."""

    partner_id: str
    bucket: Bucket
    date: Day | Period


type Totals = (
    ProviderTotals
    | DatasetTotals
    | BuyerTotals
    | SpendTotals
    | AccessTotals
    | PartnerTotals
    | UsageTotals
)
"""Names one counter item; each has named integer fields."""

type Record = (
    Dataset
    | CatalogObject
    | SearchActivity
    | AccessActivity
    | LedgerEntry
    | Organization
    | UsageEntry
)

type Deltas = Counter[tuple[Totals, str]]
"""(counter, field) -> amount; amounts may be negative. Fields with amount 0 may be absent."""


def epoch_of(deletion: Version | None) -> str:
    """A name for the time from one deletion of a dataset to the next; "0" before the first."""
    if deletion is None:
        return "0"
    unique = sha256(f"{deletion.event_id}\0{deletion.source}".encode()).hexdigest()
    return f"{deletion.time}-{unique[:12]}"


def contribution(record: Record | None) -> Deltas:  # noqa: PLR0911  one a kind
    """What a record in this state adds to the counters."""
    match record:
        case Dataset(alive=True):
            return Counter({(ProviderTotals(record.tenant_id), "datasets"): 1})
        case CatalogObject(state=state) if state is not None:
            totals = DatasetTotals(record.tenant_id, record.dataset_id, epoch_of(record.floor))
            fields = {
                "objects": 1,
                "bytes": state.size_bytes,
                state.review.value: 1,
                "active": int(state.active),
            }
            return Counter({(totals, field): n for field, n in fields.items() if n})
        case SearchActivity():
            return Counter({(BuyerTotals(record.tenant_id), "searches"): 1})
        case AccessActivity():
            return Counter({(AccessTotals(record.tenant_id, record.dataset_id), "accesses"): 1})
        case LedgerEntry(side=EntrySide.DEBIT):
            spend = SpendTotals(record.tenant_id, record.period)
            return Counter({(spend, record.posting.kind.value): record.amount})
        case Organization(alive=True, status=status):
            fields = {"organizations": 1, "active": int(status is OrganizationStatus.ACTIVE)}
            return Counter({(PartnerTotals(record.partner_id), f): n for f, n in fields.items()})
        case UsageEntry(partner_id=partner_id, day=day, usage=usage):
            buckets = (
                UsageTotals(partner_id, Bucket.DAY, day),
                UsageTotals(partner_id, Bucket.MONTH, day[:7]),
            )
            fields = usage._asdict()
            return Counter({(b, field): n for b in buckets for field, n in fields.items()})
        case _:
            return Counter()


def change(old: Record | None, new: Record | None) -> Deltas:
    """What a change of a record adds to the counters; fields that do not change are absent."""
    deltas = contribution(new)
    deltas.subtract(contribution(old))
    return without_zeros(deltas)


def superseded(old: Record | None, new: Record | None) -> DatasetTotals | None:
    """The dataset epoch that this change ends, if it does. A dataset may be born deleted."""
    before = old.deleted if isinstance(old, Dataset) else None
    if isinstance(new, Dataset) and new.deleted != before:
        return DatasetTotals(new.tenant_id, new.dataset_id, epoch_of(before))
    return None


def may_have_survivors(old: Record | None, new: Record | None) -> bool:
    """Whether objects of an ended epoch may belong to the dataset as it is now."""
    if not (isinstance(new, Dataset) and new.alive and new.deleted):
        return False
    return not (isinstance(old, Dataset) and old.alive and old.deleted == new.deleted)


def total(parts: Iterable[Deltas]) -> Deltas:
    """The sum of several changes."""
    result: Deltas = Counter()
    for part in parts:
        result.update(part)
    return without_zeros(result)


def rolled_up(deltas: Deltas) -> Deltas:
    """The deltas, and those of datasets once more for their providers."""
    result: Deltas = Counter(deltas)
    for (totals, field), amount in deltas.items():
        if isinstance(totals, DatasetTotals):
            result[ProviderTotals(totals.tenant_id), field] += amount
    return without_zeros(result)


def by_totals(deltas: Deltas) -> Mapping[Totals, Mapping[str, int]]:
    """The same, counter by counter."""
    grouped: dict[Totals, dict[str, int]] = {}
    for (totals, field), amount in deltas.items():
        grouped.setdefault(totals, {})[field] = amount
    return grouped


def without_zeros(deltas: Deltas) -> Deltas:
    return Counter({key: amount for key, amount in deltas.items() if amount})
