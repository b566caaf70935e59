"""A change of a record, as the stream delivers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tally.aws.items import from_item
from tally.aws.table import Table
from tally.aws.transactions import Action
from tally.counting.items import marker_key
from tally.counting.registry import change, happened_at, record_from
from tally.kernel.counters import DatedTotals, Deltas, total
from tally.kernel.instants import Instant, plus, to_datetime

# Longer than any delivery can be late: the stream keeps a change for a day, the bucket of failed
# batches keeps it for 28.
MARKER_LIFETIME = timedelta(days=35)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one record, made in the second `created` of DynamoDB's clock.

    Its guard is what makes it count once: written with the counters, it fails if the change was
    counted before. `created` is None if the stream did not say.
    """

    raw: Mapping[str, Any]
    old: Any
    new: Any
    guard: Action
    created: int | None
    also: Deltas = field(default_factory=Counter)

    @property
    def deltas(self) -> Deltas:
        """What the change adds to the counters, `also` included."""
        return total([change(self.old, self.new), self.also])

    @property
    def dates(self) -> dict[DatedTotals, Instant]:
        """When the record happened, for each counter that keeps it."""
        happened = happened_at(self.new)
        dated = [totals for totals, _ in self.deltas if isinstance(totals, DatedTotals)]
        return dict.fromkeys(dated, happened) if happened else {}


@dataclass(frozen=True, slots=True)
class Poison:
    """A stream record that cannot be counted, and why."""

    raw: Mapping[str, Any]
    reason: str

    @property
    def kind(self) -> str:
        """The reason without what the record says, for log lines: `unreadable image`."""
        return self.reason.partition(":")[0]


@dataclass(slots=True)
class Counted:
    """What became of a batch."""

    counted: int = 0
    already_counted: int = 0
    without_effect: int = 0
    parked: list[Poison] = field(default_factory=list)


def read_change(raw: Mapping[str, Any], guard: Action) -> Change:
    """A DynamoDB stream record with its images in wire format. ValueError says what is wrong."""
    try:
        images = raw["dynamodb"]
        old, new = (
            record_from(from_item(images[name])) if name in images else None
            for name in ("OldImage", "NewImage")
        )
        created = images.get("ApproximateCreationDateTime")
        read = Change(raw, old, new, guard, None if created is None else int(created))
        # An image may be complete and still make no sense.
        amounts: Mapping[Any, object] = read.deltas
        if strange := [name for (_, name), by in amounts.items() if not isinstance(by, int)]:
            raise TypeError(f"{strange[0]} is not a whole number")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"unreadable image: {type(error).__name__}: {error}") from error
    return read


def put_marker(table: Table, raw: Mapping[str, Any], now: Instant) -> Action:
    """The guard of a change that comes from the stream."""
    forget_at = int(to_datetime(plus(now, MARKER_LIFETIME)).timestamp())
    return table.put_new(marker_key(raw["eventID"]), {"ttl": forget_at})
