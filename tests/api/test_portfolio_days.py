"""GET /partner/analytics and /partner/usage: how the days of a range may be written."""

from __future__ import annotations

import pytest

from tests import builders
from tests.api.answers import (
    invalid,
    partner_failure,
)
from tests.api.portfolios import (
    ANALYTICS,
    DAYS,
    USAGE,
    ask,
    used,
)
from tests.builders import happen
from tests.world import World

each_url = pytest.mark.parametrize("url", [ANALYTICS, USAGE])


@pytest.fixture
def portfolio(world: World) -> World:
    return builders.portfolio(world)


# ---------------------------------------------------------------------- days in a query


# How a day may be written -> the day.
WRITTEN = {
    "2026-04-05": "2026-04-05",
    "2026-04-05T00:00:00Z": "2026-04-05",
    "2026-04-05t23:59:59z": "2026-04-05",
    "2026-04-05T23:59:59.999999999Z": "2026-04-05",
    "2026-04-05T09:30:00.123Z": "2026-04-05",
    "2026-04-05T23:59:60Z": "2026-04-05",
    # Without an offset it is UTC.
    "2026-04-05T09:30:00": "2026-04-05",
    "2026-04-05T09:30:00.123456": "2026-04-05",
    # The day in UTC is what counts.
    "2026-04-05T23:30:00-01:00": "2026-04-06",
    "2026-04-05T23:59:59.999999999-00:00": "2026-04-05",
    "2026-04-05T00:30:00%2B01:00": "2026-04-04",
    "2026-01-01T00:00:00%2B14:00": "2025-12-31",
    # In a query, a + that was not escaped is a blank.
    "2026-04-05T00:30:00+01:00": "2026-04-04",
    "2026-04-05T00:30:00%2001:00": "2026-04-04",
    "2026-04-05T00:30:00.5+00:30": "2026-04-05",
}


@each_url
def test_a_day_may_be_written_as_a_date_or_a_date_time(url: str, portfolio: World) -> None:
    days = {}
    for written in WRITTEN:
        begins = ask(portfolio, f"{url}?startDate={written}&endDate=2026-05-01").body
        ends = ask(portfolio, f"{url}?startDate=2025-06-01&endDate={written}").body
        assert (begins["endDate"], ends["startDate"]) == ("2026-05-01", "2025-06-01")
        days[written] = (begins["startDate"], ends["endDate"])

    assert days == {written: (day, day) for written, day in WRITTEN.items()}


NO_DAYS = [
    "",
    "yesterday",
    "null",
    "2026",
    "2026-04",
    "20260405",
    "2026-4-5",
    "05/04/2026",
    "2026-02-30",
    "2026-13-01",
    "2026-00-10",
    "2026-04-00",
    "2025-02-29",
    "0000-01-01",
    "12026-04-05",
    "-2026-04-05",
    "2026-W14-7",
    "2026-095",
    "%D9%A2026-04-05",
    "%EF%BC%92026-04-05",
    "2026-04-05%00",
    "2026-04-05%0A",
    "%202026-04-05",
    "2026-04-05Z",
    "2026-04-05T",
    "2026-04-05T25:00:00Z",
    "2026-04-05T24:00:00Z",
    "2026-04-05T09:60:00Z",
    "2026-04-05T09:30:60Z",
    "2026-04-05T09:30:00ZZ",
    "2026-04-05T09:30:00junkZ",
    "2026-04-05T09:30:00%2B25:00",
    "2026-04-05T09:30:00%2B0200",
    "2026-04-05T09:30:00.Z",
    "2026-04-05T09:30:00.1234567890Z",
    "2026-04-05 09:30:00Z",
    "0001-01-01T00:00:00%2B00:01",
    "9999-12-31T23:59:59-00:01",
    "1775381400",
    "2026-04-05,2026-04-06",
    "%ED%A0%80",
    "9" * 5000,
]
NO_DAY = "must be a date like 2026-04-05 or a date-time like 2026-04-05T09:30:00Z"


@each_url
def test_what_is_no_day(url: str, portfolio: World) -> None:
    answers = {each: ask(portfolio, f"{url}?startDate={each}&endDate={each}") for each in NO_DAYS}

    both = invalid(("startDate", NO_DAY), ("endDate", NO_DAY))["error"]["message"]
    refused = partner_failure(400, both, startDate=NO_DAY, endDate=NO_DAY)
    assert answers == dict.fromkeys(NO_DAYS, refused)
    for field in ("startDate", "endDate"):
        reason = f"The request is not valid: {field}: {NO_DAY}."
        refused = partner_failure(400, reason, **{field: NO_DAY})
        assert ask(portfolio, f"{url}?{field}=2026-02-30") == refused


@each_url
def test_no_day_is_before_the_year_2000(url: str, portfolio: World) -> None:
    days = ("1999-12-31", "0999-01-01", "2000-01-01T00:59:59%2B01:00", "1999-12-31T23:59:60Z")

    answers = {day: ask(portfolio, f"{url}?startDate={day}&endDate=2000-06-01") for day in days}

    reason = "must not be before 2000-01-01"
    message = f"The request is not valid: startDate: {reason}."
    assert answers == dict.fromkeys(days, partner_failure(400, message, startDate=reason))
    assert ask(portfolio, f"{url}?startDate=2000-01-01&endDate=2000-06-01").status == 200


@each_url
def test_ranges_that_are_none(url: str, portfolio: World) -> None:
    """They end before they start, or are longer than 1,096 days; by default too."""
    reversed_ = {
        "startDate=2026-04-05&endDate=2026-04-04": ("2026-04-05", "2026-04-04"),
        "startDate=9999-12-31&endDate=2000-01-01": ("9999-12-31", "2000-01-01"),
        "startDate=2026-04-06": ("2026-04-06", "2026-04-05"),
        "startDate=9999-12-31": ("9999-12-31", "2026-04-05"),
        "startDate=2026-04-05T23:30:00-01:00&endDate=2026-04-05": ("2026-04-06", "2026-04-05"),
    }
    too_long = {
        "startDate=2023-04-05": ("2023-04-05", "2026-04-05"),
        "startDate=2023-04-05&endDate=2026-04-05": ("2023-04-05", "2026-04-05"),
        "startDate=2024-03-01&endDate=2027-03-02": ("2024-03-01", "2027-03-02"),
        "startDate=2000-01-01&endDate=9999-12-31": ("2000-01-01", "9999-12-31"),
        "startDate=2000-01-01": ("2000-01-01", "2026-04-05"),
    }
    for query, (start, end) in reversed_.items():
        reason = f"startDate ({start}) must not be after endDate ({end})."
        assert ask(portfolio, f"{url}?{query}") == partner_failure(400, reason, startDate=reason)
    for query, (start, end) in too_long.items():
        reason = f"The range may span at most 1,096 days; {start} to {end} is longer."
        assert ask(portfolio, f"{url}?{query}") == partner_failure(400, reason, startDate=reason)
    for query in ("startDate=2023-04-06", "startDate=2024-03-01&endDate=2027-03-01"):
        assert ask(portfolio, f"{url}?{query}").status == 200
    assert ask(portfolio, f"{url}?endDate=9999-12-31").status == 400
    assert ask(portfolio, f"{url}?endDate=2000-01-01").status == 400


def test_three_years_are_a_few_reads(portfolio: World) -> None:
    """Of the key and the limit, of the terms and the organizations' counts, of days."""
    happen(portfolio, *[used(f"{day}T09:00:00Z", n) for day, n in DAYS.items()])
    caller = ["GetItem"] * 2
    calls: list[str] = []
    ask(portfolio, USAGE)  # which makes the key
    with portfolio.on_call(calls.append):
        ask(portfolio, f"{USAGE}?startDate=2023-04-06&endDate=2026-04-05")
        assert calls == [*caller, "Query"]
        calls.clear()
        ask(portfolio, f"{ANALYTICS}?startDate=2023-04-06&endDate=2026-04-05")
        assert calls == [*caller, *["Query"] * 2]
        calls.clear()
        ask(portfolio, f"{ANALYTICS}?startDate=2020-01-02&endDate=2022-12-30")
        assert calls == [*caller, *["Query"] * 3]
        calls.clear()
        ask(portfolio, ANALYTICS)
        assert calls == [*caller, *["Query"] * 2]
