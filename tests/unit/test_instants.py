from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.kernel.instants import (
    TooEarly,
    for_display,
    parse_instant,
    plus,
    to_datetime,
    to_instant,
)

aware = st.datetimes(
    min_value=datetime(2000, 1, 3),  # noqa: DTZ001  the strategy adds the zone
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(aware)
def test_an_instant_is_the_same_moment_at_any_offset(moment: datetime) -> None:
    assert parse_instant(moment.isoformat()) == to_instant(moment)
    assert to_datetime(to_instant(moment)) == moment


@given(aware, aware)
def test_order_of_text_is_order_of_time(one: datetime, other: datetime) -> None:
    assert (to_instant(one) < to_instant(other)) == (one < other)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-04-05T09:30:00Z", "2026-04-05T09:30:00.000000000Z"),
        ("2026-04-05t09:30:00z", "2026-04-05T09:30:00.000000000Z"),
        ("2026-04-05T09:30:00.5Z", "2026-04-05T09:30:00.500000000Z"),
        ("2026-04-05T09:30:00.123456789Z", "2026-04-05T09:30:00.123456789Z"),
        ("2026-04-05T00:30:00.1+02:00", "2026-04-04T22:30:00.100000000Z"),
        ("2024-02-29T23:59:59-00:30", "2024-03-01T00:29:59.000000000Z"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000000000Z"),
        ("1999-12-31T23:00:00-01:00", "2000-01-01T00:00:00.000000000Z"),
        # A leap second is the last instant of its minute, wherever on Earth it is told.
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999999Z"),
        ("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:59.999999999Z"),
        ("2016-12-31T15:59:60-08:00", "2016-12-31T23:59:59.999999999Z"),
        ("2017-01-01T05:29:60+05:30", "2016-12-31T23:59:59.999999999Z"),
    ],
)
def test_spellings_of_a_moment(text: str, instant: str) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-04-05",
        "2026-04-05T09:30:00",
        "2026-04-05 09:30:00Z",
        "2026-04-05T09:30Z",
        "2026-02-29T00:00:00Z",
        "2026-04-05T24:00:00Z",
        "2026-04-05T09:30:60Z",  # a leap second comes at 23:59:60 UTC only
        "2026-04-05T23:58:60Z",
        "2026-04-05T23:59:60+01:00",
        "2026-04-05T23:59:61Z",
        "2026-02-30T23:59:60Z",
        "2026-04-05T09:30:00.1234567890Z",
        "2026-04-05T09:30:00+25:00",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        "\uff12\uff10\uff12\uff16-04-05T09:30:00Z",  # full-width digits
    ],
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="date-time"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text",
    [
        "1999-12-31T23:59:59.999999999Z",
        "1999-12-31T23:59:60Z",
        "2000-01-01T00:59:59+01:00",
        "0999-06-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
    ],
)
def test_nothing_is_before_the_year_2000(text: str) -> None:
    with pytest.raises(TooEarly, match=r"^must not be before 2000-01-01$"):
        parse_instant(text)


def test_display_and_arithmetic() -> None:
    instant = to_instant(datetime(2026, 12, 31, 23, 59, 59, 900_000, tzinfo=UTC))
    assert for_display(instant) == "2026-12-31T23:59:59Z"
    assert for_display(plus(instant, timedelta(seconds=1))) == "2027-01-01T00:00:00Z"
