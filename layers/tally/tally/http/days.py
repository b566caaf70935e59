"""Days in queries: what is read as one, and which ranges of them are answered."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import NamedTuple

from tally.kernel.errors import InvalidRequest
from tally.kernel.instants import Instant, TooEarly, parse_instant
from tally.kernel.series import MAX_PERIODS, Granularity

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_OFFSET = re.compile(r"[Zz]|[+-]\d{2}:\d{2}", re.ASCII)


class Names(NamedTuple):
    """What the query calls the first and the last day of a range."""

    first: str
    last: str


def day(text: str) -> date:
    """A date, or the UTC day of a date-time. Without an offset, a date-time is in UTC."""
    # In a query, an unescaped + means a space.
    moment = text.replace(" ", "+")
    if _DAY.fullmatch(moment):
        moment += "T00:00:00Z"
    elif not _OFFSET.search(moment[19:]):
        moment += "Z"
    try:
        return date.fromisoformat(parse_instant(moment)[:10])
    except TooEarly:
        raise
    except ValueError as error:
        raise ValueError(
            "must be a date like 2026-04-05 or a date-time like 2026-04-05T09:30:00Z"
        ) from error


def first_day(text: str) -> date:
    """A day, or the first one of a month such as `2026-04`."""
    return day(f"{text}-01" if _MONTH.fullmatch(text) else text)


def last_day(text: str) -> date:
    """A day, or the last one of a month."""
    if not _MONTH.fullmatch(text):
        return day(text)
    first = first_day(text)
    return first.replace(day=monthrange(first.year, first.month)[1])


def today(now: Instant) -> date:
    """The UTC day."""
    return date.fromisoformat(now[:10])


def check_range(first: date, last: date, granularity: Granularity, names: Names) -> None:
    """Both days are included. InvalidRequest if the range is reversed or has more days, or months,
    than MAX_PERIODS."""
    if first > last:
        raise InvalidRequest(
            f"{names.first} ({first}) must not be after {names.last} ({last}).", field=names.first
        )
    if granularity.number(first, last) > MAX_PERIODS:
        raise InvalidRequest(
            f"The range may span at most {MAX_PERIODS:,} {granularity}s; "
            f"{first} to {last} is longer.",
            field=names.first,
        )
