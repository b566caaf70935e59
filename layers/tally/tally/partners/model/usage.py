"""Identifications and other usage of a partner's organizations, and the days they are counted by.

Events are entered in sums: one entry for all that a transaction accepts of a partner's day. Entries
are counted into days and months, so that any range is a few days and months together. An event that
comes alone is counted at once, if nobody else is counting for the partner just then.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from tally.kernel.versions import Version

type Day = str
"""`2026-04-05`, in UTC."""


# Up to here a range is read day by day, in one go.
_SHORT_RANGE_DAYS = 62


@dataclass(frozen=True, slots=True)
class UsageRecorded:
    """`kind` is None for an identification; only those use credits."""

    partner_id: str
    organization_id: str
    kind: str | None
    quantity: int
    credits: int
    version: Version

    @property
    def tenant_id(self) -> str:
        return self.partner_id

    @property
    def day(self) -> Day:
        return self.version.time[:10]

    @property
    def usage(self) -> Usage:
        identifications = self.quantity if self.kind is None else 0
        return Usage(identifications, self.quantity, 1, self.credits)


class Usage(NamedTuple):
    """Sums over usage events; identifications are in `quantity` and `events` too."""

    identifications: int = 0
    quantity: int = 0
    events: int = 0
    credits: int = 0


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """What was accepted at once of a partner's day; `entry_id` names the first event of it."""

    partner_id: str
    day: Day
    entry_id: str
    usage: Usage

    @property
    def tenant_id(self) -> str:
        return self.partner_id


@dataclass(frozen=True, slots=True)
class LoneUsage:
    """What was accepted of a partner's day event by event, each counted when it was accepted."""

    partner_id: str
    day: Day
    usage: Usage

    @property
    def tenant_id(self) -> str:
        return self.partner_id


class Bucket(StrEnum):
    DAY = "DAY"
    MONTH = "MONTH"


# At most so many days from one day or month to the next.
_STEP_DAYS = {Bucket.DAY: 1, Bucket.MONTH: 31}


class Stretch(NamedTuple):
    """Neighbouring days, or neighbouring whole months that are named by their first days."""

    bucket: Bucket
    first: date
    last: date


def usage_sum(parts: Iterable[Usage]) -> Usage:
    return Usage(*map(sum, zip(*parts, strict=True))) if (parts := tuple(parts)) else Usage()


def stretches(first: date, last: date) -> Sequence[Stretch]:
    """The fewest stretches that make up a range of days, both included: one to three."""
    if (last - first).days < _SHORT_RANGE_DAYS:
        return [Stretch(Bucket.DAY, first, last)]
    one = timedelta(days=1)
    whole_from = first if first.day == 1 else month_after(first)
    ends_whole = last.day == monthrange(last.year, last.month)[1]
    whole_to = (last if ends_whole else last.replace(day=1) - one).replace(day=1)
    parts = [Stretch(Bucket.MONTH, whole_from, whole_to)]
    if first < whole_from:
        parts.insert(0, Stretch(Bucket.DAY, first, whole_from - one))
    if not ends_whole:
        parts.append(Stretch(Bucket.DAY, last.replace(day=1), last))
    return parts


def joined(stretches: Iterable[Stretch]) -> Sequence[Stretch]:
    """The same days and months without overlap; neighbours become one stretch."""
    whole: list[Stretch] = []
    for each in sorted(stretches):
        before = whole[-1] if whole else None
        if before and before.bucket is each.bucket and _touch(before, each):
            whole[-1] = before._replace(last=max(before.last, each.last))
        else:
            whole.append(each)
    return whole


def _touch(before: Stretch, after: Stretch) -> bool:
    """Whether nothing lies between two stretches of one kind, in order."""
    return (after.first - before.last).days <= _STEP_DAYS[before.bucket]


def month_after(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
