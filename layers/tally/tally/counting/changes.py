"""A change of a record, as the stream delivers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tally.aws.items import from_item
from tally.catalog.counters import may_have_survivors
from tally.counting.guards import Raw
from tally.counting.items import kind_of
from tally.counting.markers import created_second
from tally.counting.registry import backfilled, change, happened_at, record_from
from tally.kernel.counters import DatedTotals, Deltas
from tally.kernel.instants import EARLIEST, Instant
from tally.kernel.versions import Version

# A transaction has 100 actions, some of which are for markers.
_MOST_COUNTERS = 90
_APART = "apart"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one record, made in the second `created` of DynamoDB's clock; None if the
    stream did not say. `deltas` is what it adds to the counters."""

    raw: Raw
    old: Any
    new: Any
    created: int | None
    deltas: Deltas

    @property
    def dates(self) -> dict[DatedTotals, Instant]:
        """When the record happened, for each counter that keeps it."""
        happened = happened_at(self.new)
        dated = [totals for totals, _ in self.deltas if isinstance(totals, DatedTotals)]
        return dict.fromkeys(dated, happened) if happened else {}


@dataclass(frozen=True, slots=True)
class Poison:
    """A stream record that cannot be counted, and why."""

    raw: Raw
    reason: str

    @property
    def kind(self) -> str:
        """For log lines."""
        return kind_of(self.reason)


@dataclass(slots=True)
class Counted:
    """What became of a batch."""

    counted: int = 0
    already_counted: int = 0
    without_effect: int = 0
    parked: list[Poison] = field(default_factory=list)
    to_rescue: dict[str, Version] = field(default_factory=dict)
    """Datasets whose objects may have outlived a deletion -> the newest one."""

    def note_survivors(self, old: Any, new: Any) -> None:
        """Of a change of a dataset, if it may have any."""
        if may_have_survivors(old, new):
            deletion: Version = new.deleted
            known = self.to_rescue.get(new.dataset_id, deletion)
            self.to_rescue[new.dataset_id] = max(known, deletion)


def read_changes(raw: Raw, since: Instant) -> list[Change]:
    """A stream record as what is counted with one marker: two changes if it adds to more counters
    than fit into a transaction. What is apart names itself so, also when it is read again.

    Counters that are backfilled count what was accepted at `since` or later.
    """
    whole = read_change(raw, since)
    if _APART in raw:
        return [_only(whole, apart=True)]
    if len({totals for totals, _ in whole.deltas}) <= _MOST_COUNTERS:
        return [whole]
    apart = {**raw, "eventID": f"{raw['eventID']}:{_APART}", _APART: True}
    return [_only(whole, apart=False), _only(replace(whole, raw=apart), apart=True)]


def _only(whole: Change, *, apart: bool) -> Change:
    kept = {of: amount for of, amount in whole.deltas.items() if of[0].APART is apart}
    return replace(whole, deltas=Counter(kept))


def read_change(raw: Raw, since: Instant = EARLIEST) -> Change:
    """A DynamoDB stream record with its images in wire format. ValueError says what is wrong."""
    try:
        images = raw["dynamodb"]
        old, new = (
            record_from(from_item(images[name])) if name in images else None
            for name in ("OldImage", "NewImage")
        )
        deltas = change(old, new)
        if any(totals.BACKFILLED for totals, _ in deltas) and backfilled(new or old, since):
            deltas = Counter({of: n for of, n in deltas.items() if not of[0].BACKFILLED})
        read = Change(raw, old, new, created_second(raw), deltas)
        # An image may be complete and still make no sense.
        amounts: Mapping[Any, object] = read.deltas
        if strange := [name for (_, name), by in amounts.items() if not isinstance(by, int)]:
            raise TypeError(f"{strange[0]} is not a whole number")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"unreadable image: {type(error).__name__}: {error}") from error
    return read
