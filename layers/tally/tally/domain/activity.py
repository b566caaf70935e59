"""What buyers did: searches and accesses, one record each.

`entry_id` names the event that told of it; it tells records of the same instant apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from tally.domain.instants import Instant
from tally.domain.money import Micros


@dataclass(frozen=True, slots=True)
class SearchActivity:
    """One search, as the buyer's list shows it."""

    tenant_id: str
    search_activity_id: str
    query_text: str
    dataset_ids: tuple[str, ...]
    result_count: int
    amount: Micros
    currency: str
    occurred_at: Instant
    entry_id: str


@dataclass(frozen=True, slots=True)
class AccessActivity:
    """One retrieval or download."""

    tenant_id: str
    dataset_id: str
    object_id: str | None
    kind: str
    accessed_at: Instant
    entry_id: str
