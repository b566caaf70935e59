"""What a buyer's searches and accesses count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tally.activity.items import accessed_by
from tally.activity.model import AccessActivity, SearchActivity
from tally.kernel.counters import DatedTotals, Deltas, Totals, adds, total
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.ledger.counters import BuyerDay


@dataclass(frozen=True, slots=True)
class BuyerTotals(Totals):
    """A buyer's searches, and the datasets that it ever accessed."""

    FIELDS: ClassVar = ("searches", "accessed_datasets")
    tenant_id: str

    @property
    def key(self) -> Key:
        """`TENANT#acme` / `TOTALS#BUYER`"""
        return Key(f"TENANT#{self.tenant_id}", "TOTALS#BUYER")


@dataclass(frozen=True, slots=True)
class AccessTotals(DatedTotals):
    """How often a buyer accessed a dataset, and when it last did: a row of the buyer's list."""

    FIELDS: ClassVar = ("accesses",)
    DATE: ClassVar = "last_accessed_at"
    tenant_id: str
    dataset_id: str

    @property
    def key(self) -> Key:
        """`TENANT#acme` / `ACCESSED#dset_1`"""
        return Key(f"TENANT#{self.tenant_id}", f"ACCESSED#{self.dataset_id}")

    @property
    def row_count(self) -> tuple[Totals, str]:
        return BuyerTotals(self.tenant_id), "accessed_datasets"

    def texts(self, latest: Instant) -> dict[str, str]:
        return {
            "dataset_id": self.dataset_id,
            self.DATE: latest,
            "accessed_by": accessed_by(self.tenant_id),
        }


def search_contribution(search: SearchActivity) -> Deltas:
    day = BuyerDay(search.tenant_id, search.occurred_at[:10])
    return total([adds(BuyerTotals(search.tenant_id), searches=1), adds(day, searches=1)])


def access_contribution(access: AccessActivity) -> Deltas:
    accessed = AccessTotals(access.tenant_id, access.dataset_id)
    day = BuyerDay(access.tenant_id, access.accessed_at[:10])
    return total([adds(accessed, accesses=1), adds(day, accesses=1)])
