"""A month stays open until five hours into the next; a closed one never changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.kernel.instants import parse_instant, to_instant
from tally.kernel.periods import bounds, month_of, posting_period

moments = st.datetimes(datetime(2023, 12, 1), datetime(2025, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy adds the zone


@pytest.mark.parametrize(
    ("time", "now", "period"),
    [
        # In the month itself, and when an event comes late but in time.
        ("2026-03-15T12:00:00Z", "2026-03-15T12:00:00Z", "2026-03"),
        ("2026-03-01T00:00:00Z", "2026-03-31T23:59:59.999999999Z", "2026-03"),
        ("2026-03-31T23:59:59.999999999Z", "2026-04-01T00:00:00Z", "2026-03"),
        # The last moment that March is open, and the first that it is not.
        ("2026-03-31T23:59:59Z", "2026-04-01T04:59:59.999999999Z", "2026-03"),
        ("2026-03-31T23:59:59Z", "2026-04-01T05:00:00Z", "2026-04"),
        ("2026-03-01T00:00:00Z", "2026-04-01T05:00:00.000000001Z", "2026-04"),
        # April is open beside it.
        ("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-04"),
        ("2026-04-01T04:59:59Z", "2026-04-01T04:59:59.999999999Z", "2026-04"),
        # What is closed goes to the present month, not to the one that is still open beside it.
        ("2026-02-28T12:00:00Z", "2026-04-01T04:00:00Z", "2026-04"),
        ("2025-04-05T12:00:00Z", "2026-04-05T12:00:00Z", "2026-04"),
        # The end of a year.
        ("2025-12-31T23:59:59Z", "2026-01-01T04:59:59.999999999Z", "2025-12"),
        ("2025-12-31T23:59:59Z", "2026-01-01T05:00:00Z", "2026-01"),
        # The end of February, with and without its leap day.
        ("2024-02-29T23:59:59Z", "2024-03-01T04:59:59.999999999Z", "2024-02"),
        ("2024-02-29T23:59:59Z", "2024-03-01T05:00:00Z", "2024-03"),
        ("2026-02-28T23:59:59Z", "2026-03-01T04:59:59.999999999Z", "2026-02"),
        ("2026-02-28T23:59:59Z", "2026-03-01T05:00:00Z", "2026-03"),
        # Clocks that are minutes ahead: the next month, or the next year, has begun for them.
        ("2026-04-01T00:04:59Z", "2026-03-31T23:59:59Z", "2026-04"),
        ("2026-01-01T00:00:00Z", "2025-12-31T23:55:00Z", "2026-01"),
    ],
)
def test_where_a_charge_is_posted(time: str, now: str, period: str) -> None:
    assert posting_period(parse_instant(time), parse_instant(now)) == period


@given(moments, moments)
def test_a_charge_is_posted_to_its_own_month_or_to_the_present_one(
    time: datetime, now: datetime
) -> None:
    following = (time.replace(day=1) + timedelta(days=31)).replace(
        day=1, hour=5, minute=0, second=0, microsecond=0
    )
    expected = time if now < following else now
    assert posting_period(to_instant(time), to_instant(now)) == f"{expected:%Y-%m}"


@pytest.mark.parametrize(
    ("period", "last"),
    [
        ("2026-04", "2026-04-30"),
        ("2025-12", "2025-12-31"),
        ("2026-02", "2026-02-28"),
        ("2024-02", "2024-02-29"),
        ("2100-02", "2100-02-28"),
    ],
)
def test_bounds(period: str, last: str) -> None:
    start, end = bounds(period)
    assert start == parse_instant(f"{period}-01T00:00:00Z")
    assert end == parse_instant(f"{last}T23:59:59Z")


@given(moments)
def test_a_moment_lies_within_the_bounds_of_its_month(moment: datetime) -> None:
    instant = to_instant(moment.replace(microsecond=0))
    start, end = bounds(month_of(instant))
    assert start <= instant <= end
