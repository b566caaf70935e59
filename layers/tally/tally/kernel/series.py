"""Series: what happened day by day or month by month, periods without anything included."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

MAX_PERIODS = 1096  # of days: three years, one of them a leap year


class Granularity(StrEnum):
    DAY = "day"
    MONTH = "month"

    def period_of(self, day: date) -> str:
        """`2026-04-05` or `2026-04`."""
        return day.isoformat()[: 10 if self is Granularity.DAY else 7]

    def number(self, first: date, last: date) -> int:
        """How many periods a range of days has some days of."""
        if self is Granularity.DAY:
            return (last - first).days + 1
        return (last.year - first.year) * 12 + last.month - first.month + 1


def periods(first: date, last: date, granularity: Granularity) -> list[str]:
    """Every period that a range of days has some days of, the oldest first."""
    days = (last - first).days + 1
    each = (granularity.period_of(first + timedelta(days=n)) for n in range(days))
    return list(dict.fromkeys(each))


class Span(NamedTuple):
    """A range of days, both included, and by what it is shown."""

    first: date
    last: date
    by: Granularity

    @property
    def periods(self) -> list[str]:
        return periods(*self)
