"""How a subject declares a kind of record that is counted, and a kind of counter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tally.kernel.counters import Deltas, Totals
from tally.kernel.instants import Instant

UNSETTLED = "unsettled"
"""Said of an item by `items_of`: its record counts elsewhere for now, and will move by a change of
its own, which must not find its counters repaired."""


@dataclass(frozen=True, slots=True)
class CountedRecord[R]:
    """A kind of record that is counted, declared once.

    `sort_key` is that of its items; it is a prefix if it ends in `#`. `items_of(table, tenant_id)`
    reads all of a tenant's, consistently. `adds_to` are the counters of its contributions, and
    those that follow from them. `changes`: an item may change and then has a `revision`;
    otherwise it is written once. `happened_at` is for DatedTotals. `accepted_at` is for counters
    that are backfilled; None for a record that does not say it, which is an old one. `streamed`: it
    is counted from the table's stream; otherwise it is written in one transaction with its
    counters.
    """

    record: type[R]
    sort_key: str
    read: Callable[[Mapping[str, Any]], R]
    contribution: Callable[[R], Deltas]
    adds_to: tuple[type[Totals], ...]
    items_of: Callable[[Any, str], Iterable[Mapping[str, Any]]]
    changes: bool = False
    happened_at: Callable[[R], Instant] | None = None
    accepted_at: Callable[[R], Instant | None] | None = None
    streamed: bool = True

    def matches(self, sort_key: str) -> bool:
        if self.sort_key.endswith("#"):
            return sort_key.startswith(self.sort_key)
        return sort_key == self.sort_key


@dataclass(frozen=True, slots=True)
class CounterKind[T: Totals]:
    """A kind of counter. `all_of(table, tenant_id)` names all of a tenant's that may be stored."""

    totals: type[T]
    all_of: Callable[[Any, str], Iterable[T]]
