"""Instants as text: UTC, nine fractional digits, so that order of text is order of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:[0-5]\d)", re.ASCII
)
_NO_MOMENT = "is not a date-time that exists"


type Instant = str
"""`2026-04-05T09:30:00.000000000Z`: always 30 characters."""

EARLIEST: Instant = "2000-01-01T00:00:00.000000000Z"
"""Nobody may name an earlier instant, day or month."""


class TooEarly(ValueError):
    """What was named is before EARLIEST."""


def not_too_early(text: str) -> str:
    """The same text: an instant, a day such as `2026-04-05` or a month; or TooEarly."""
    if text < EARLIEST[: len(text)]:
        raise TooEarly(f"must not be before {EARLIEST[:10]}")
    return text


def parse_instant(text: str) -> Instant:
    """RFC 3339 with any offset, up to nanoseconds -> Instant. ValueError says what is wrong.

    A leap second, 23:59:60 UTC, is the last instant of its minute.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("must be an RFC 3339 date-time with an offset, like 2026-04-05T09:30:00Z")
    day, clock, fraction, offset = match.groups()
    leap = clock.endswith(":60")
    if leap:
        clock, fraction = f"{clock[:-2]}59", "9" * 9
    try:
        # Offsets are whole minutes: the fraction passes through the conversion untouched.
        moment = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(_NO_MOMENT) from error
    if leap and (moment.hour, moment.minute) != (23, 59):
        raise ValueError(_NO_MOMENT)
    return not_too_early(_text(moment, fraction or ""))


def to_instant(moment: datetime) -> Instant:
    """An aware datetime -> Instant."""
    return _text(moment.astimezone(UTC), f"{moment:%f}")


def to_datetime(instant: Instant) -> datetime:
    """Instant -> aware datetime, cut to microseconds."""
    return datetime.fromisoformat(instant[:26]).replace(tzinfo=UTC)


def plus(instant: Instant, delta: timedelta) -> Instant:
    return to_instant(to_datetime(instant) + delta)


def for_display(instant: Instant) -> str:
    """Instant -> `2026-04-05T09:30:00Z`, the form of every time in an answer."""
    return f"{instant[:19]}Z"


def _text(moment: datetime, fraction: str) -> Instant:
    # strftime does not pad years before 1000 everywhere; isoformat does.
    return f"{moment.replace(microsecond=0, tzinfo=None).isoformat()}.{fraction:0<9}Z"
