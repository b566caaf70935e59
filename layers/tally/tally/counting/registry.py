"""Every counted record and every counter that the stream feeds, as the subjects declare them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tally.activity.counted import COUNTED as ACTIVITY
from tally.activity.counted import COUNTERS as ACTIVITY_COUNTERS
from tally.catalog.counted import COUNTED as CATALOG
from tally.catalog.counted import COUNTERS as CATALOG_COUNTERS
from tally.kernel.counted import CountedRecord, CounterKind
from tally.kernel.counters import Deltas, difference
from tally.kernel.instants import EARLIEST, Instant
from tally.ledger.counted import COUNTED as LEDGER
from tally.ledger.counted import COUNTERS as LEDGER_COUNTERS
from tally.partners.counted import COUNTED as PARTNERS
from tally.partners.counted import COUNTERS as PARTNERS_COUNTERS

COUNTED: tuple[CountedRecord[Any], ...] = (*CATALOG, *ACTIVITY, *LEDGER, *PARTNERS)
COUNTERS: tuple[CounterKind[Any], ...] = (
    *CATALOG_COUNTERS,
    *ACTIVITY_COUNTERS,
    *LEDGER_COUNTERS,
    *PARTNERS_COUNTERS,
)
_BY_TYPE = {kind.record: kind for kind in COUNTED}


def kind_of(sort_key: str) -> CountedRecord[Any] | None:
    """What an item with this sort key is counted as; None if it is not."""
    return next((kind for kind in COUNTED if kind.matches(sort_key)), None)


def record_from(item: Mapping[str, Any]) -> Any:
    """KeyError, TypeError or ValueError for an item that is not a counted record."""
    kind = kind_of(item["SK"])
    if kind is None:
        raise ValueError(f"{item['SK']} is not the sort key of a counted record")
    return kind.read(item)


def contribution(record: Any) -> Deltas:
    """What a record in this state adds to the counters; None adds nothing."""
    return Counter() if record is None else _BY_TYPE[type(record)].contribution(record)


def change(old: Any, new: Any) -> Deltas:
    """What a change of a record adds to the counters; fields that do not change are absent."""
    return difference(contribution(new), contribution(old))


def backfilled(record: Any, since: Instant) -> bool:
    """Whether counters that are backfilled have the record from their backfill, and not from the
    stream: it was accepted before the table's moment. A function of what never changes in it."""
    kind = _BY_TYPE[type(record)]
    accepted = kind.accepted_at(record) if kind.accepted_at else None
    return (accepted or EARLIEST) < since


def happened_at(record: Any) -> str | None:
    """When the record happened, if a counter keeps that."""
    dated = _BY_TYPE[type(record)].happened_at if record is not None else None
    return dated(record) if dated else None
