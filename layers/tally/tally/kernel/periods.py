"""Posting periods: calendar months in UTC, open until five hours into the next."""

from __future__ import annotations

from calendar import monthrange
from datetime import timedelta

from tally.kernel.instants import Instant, plus

type Period = str
"""`2026-04`."""

type Day = str
"""`2026-04-05`, in UTC."""


_STAYS_OPEN_FOR = timedelta(hours=5)


def month_of(instant: Instant) -> Period:
    return instant[:7]


def posting_period(time: Instant, now: Instant) -> Period:
    """The month of `time` while that is open at `now`, else the present one."""
    month = month_of(time)
    return month if month >= month_of(plus(now, -_STAYS_OPEN_FOR)) else month_of(now)


def closes_at(period: Period) -> Instant:
    """From then on nothing posts to the month but imported history."""
    year, month = map(int, period.split("-"))
    following = f"{year + month // 12:04}-{month % 12 + 1:02}"
    return plus(f"{following}-01T00:00:00.000000000Z", _STAYS_OPEN_FOR)


def month_before(period: Period) -> Period:
    year, month = map(int, period.split("-"))
    return f"{year - (month == 1):04}-{(month - 2) % 12 + 1:02}"


def bounds(period: Period) -> tuple[Instant, Instant]:
    """The first and the last second, for display."""
    year, month = map(int, period.split("-"))
    last_day = monthrange(year, month)[1]
    return f"{period}-01T00:00:00.000000000Z", f"{period}-{last_day:02}T23:59:59.000000000Z"
