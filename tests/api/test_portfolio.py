"""GET /partner/analytics and /partner/usage: any range of days, exactly."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.api.answers import (
    invalid,
    partner_failure,
)
from tests.api.portfolios import (
    ANALYTICS,
    USAGE,
    analytics,
    ask,
    configured,
    happen,
    identified,
    ok,
    open_portfolio,
    organization,
    usage,
    used,
)
from tests.world import World

each_url = pytest.mark.parametrize("url", [ANALYTICS, USAGE])


@pytest.fixture
def portfolio(world: World) -> World:
    return open_portfolio(world)


# ------------------------------------------------------------------------- the reference's


def test_a_portfolio(portfolio: World) -> None:
    happen(
        portfolio,
        configured("2026-01-01T00:00:00Z", 5000),
        organization("created", "org_2"),
        organization("created", "org_3", status="suspended"),
        organization("created", "org_4"),
        organization("deleted", "org_4", "2026-04-02T00:00:00Z"),
        identified("2026-03-31T12:00:00Z", 700),
        identified("2026-04-01T12:00:00Z", 200, organization_id="org_2"),
        identified("2026-04-02T12:00:00Z", 50, organization_id="org_3", credits=10),
        used("2026-04-02T12:00:00Z", 30),
        identified("2026-04-02T12:00:00Z", 999, partner_id="rival"),
    )

    assert ask(portfolio, f"{ANALYTICS}?startDate=2026-03-01&endDate=2026-04-30") == ok(
        {
            "partnerId": "acme",
            "startDate": "2026-03-01",
            "endDate": "2026-04-30",
            "totalOrganizations": 3,
            "activeOrganizations": 2,
            "totalIdentifications": 950,
            "creditsRemaining": 4790,
            "creditsUsed": 910,
        }
    )
    assert ask(portfolio, f"{USAGE}?startDate=2026-03-01&endDate=2026-04-30") == ok(
        {
            "startDate": "2026-03-01",
            "endDate": "2026-04-30",
            "totalQuantity": 980,
            "totalEvents": 4,
        }
    )


def test_a_partner_without_data(world: World) -> None:
    world.tenant("acme")

    nobody = {"totalOrganizations": 0, "activeOrganizations": 0}
    assert ask(world, ANALYTICS) == ok(analytics("2026-03-06", "2026-04-05", **nobody))
    assert ask(world, USAGE) == ok(usage("2026-04-01", "2026-04-05", 0, 0))


def test_organizations_are_counted_as_they_are_now(portfolio: World) -> None:
    """Whatever the range is."""
    url = f"{ANALYTICS}?startDate=2021-01-01&endDate=2021-01-31"
    steps: list[tuple[dict[str, Any], int, int]] = [
        (organization("created", "org_2", "2026-04-01T00:00:00Z"), 2, 2),
        (organization("updated", "org_2", "2026-04-03T00:00:00Z", status="suspended"), 2, 1),
        (organization("updated", "org_2", "2026-04-02T00:00:00Z", status="active"), 2, 1),
        (organization("updated", "org_2", "2026-04-04T00:00:00Z", status=None), 2, 2),
        (organization("deleted", "org_2", "2026-04-05T00:00:00Z"), 1, 1),
        (organization("created", "org_2", "2026-04-05T01:00:00Z", status="canceled"), 2, 1),
    ]
    for sent, total, active in steps:
        happen(portfolio, sent)
        counted = {"totalOrganizations": total, "activeOrganizations": active}
        assert ask(portfolio, url) == ok(analytics("2021-01-01", "2021-01-31", **counted))


# ---------------------------------------------------------------------------------- ranges

# The ends of months and years, and a leap day; each has a quantity that no sum can hide.
DAYS = {
    day: 2**n
    for n, day in enumerate(
        [
            "2023-04-06",
            "2023-12-31",
            "2024-01-01",
            "2024-02-28",
            "2024-02-29",
            "2024-03-01",
            "2025-02-28",
            "2025-03-01",
            "2025-12-31",
            "2026-01-01",
            "2026-03-31",
            "2026-04-01",
            "2026-04-05",
        ]
    )
}
# Days that are bounds of ranges: those, their neighbours, and the ends of what can be asked.
RANGES = [
    *[(day, day) for day in DAYS],
    ("2024-02-01", "2024-02-29"),
    ("2024-02-01", "2024-02-28"),
    ("2024-03-01", "2024-03-31"),
    ("2024-02-29", "2024-03-01"),
    ("2023-12-31", "2024-01-01"),
    ("2023-12-31", "2024-02-29"),
    ("2023-12-31", "2024-03-02"),
    ("2024-01-01", "2024-12-31"),
    ("2024-01-02", "2026-01-01"),
    ("2024-02-29", "2025-12-31"),
    ("2024-03-01", "2026-04-05"),
    ("2025-03-01", "2025-12-30"),
    ("2023-04-06", "2026-04-05"),
    ("2023-04-07", "2026-04-06"),
    ("2023-05-01", "2026-04-30"),
    ("2026-04-02", "2026-04-04"),
    ("2026-04-06", "2028-04-06"),
    ("9997-01-01", "9999-12-31"),
    ("9999-12-31", "9999-12-31"),
    ("0001-01-01", "0004-01-01"),
    ("0001-01-01", "0001-01-01"),
]


def test_a_range_has_both_of_its_days(portfolio: World) -> None:
    """From the first instant of the first one to the last of the last."""
    clocks = ("00:00:00Z", "23:59:59.999999999Z")
    portfolio.now = "2026-04-05T23:59:59.000000000Z"
    happen(portfolio, *[identified(f"{d}T{clocks[n % 2]}", n) for d, n in DAYS.items() if n > 1])
    happen(portfolio, used("2023-04-06T00:00:00Z", 1))

    for start, end in RANGES:
        within = {day: n for day, n in DAYS.items() if start <= day <= end}
        identifications = sum(n for n in within.values() if n > 1)
        query = f"?startDate={start}&endDate={end}"
        assert ask(portfolio, USAGE + query) == ok(
            usage(start, end, sum(within.values()), len(within))
        )
        counts = {"totalIdentifications": identifications, "creditsUsed": identifications}
        assert ask(portfolio, ANALYTICS + query) == ok(analytics(start, end, **counts))


@pytest.mark.parametrize(
    ("now", "start_of_usage", "start_of_analytics", "end"),
    [
        ("2026-04-01T00:00:00.000000000Z", "2026-04-01", "2026-03-02", "2026-04-01"),
        ("2026-03-31T23:59:59.999999999Z", "2026-03-01", "2026-03-01", "2026-03-31"),
        ("2026-01-01T00:00:00.000000000Z", "2026-01-01", "2025-12-02", "2026-01-01"),
        ("2024-02-29T12:00:00.000000000Z", "2024-02-01", "2024-01-30", "2024-02-29"),
        ("2024-03-30T23:59:59.000000000Z", "2024-03-01", "2024-02-29", "2024-03-30"),
    ],
)
def test_ranges_by_default(
    now: str, start_of_usage: str, start_of_analytics: str, end: str, portfolio: World
) -> None:
    """The last 30 days, and the current month; both up to the end of the present day."""
    day = timedelta(days=1)
    bounds = {start_of_usage, start_of_analytics, end}
    outside = [date.fromisoformat(each) - day for each in (start_of_usage, start_of_analytics)]
    days = sorted({*bounds, *map(str, outside), str(date.fromisoformat(end) + day)})
    quantities = {each: 10**n for n, each in enumerate(days)}
    happen(portfolio, *[used(f"{each}T00:00:00Z", n) for each, n in quantities.items()])
    portfolio.now = now

    in_usage = [n for each, n in quantities.items() if start_of_usage <= each <= end]
    assert ask(portfolio, USAGE) == ok(
        usage(start_of_usage, end, sum(in_usage), len(in_usage)),
    )
    assert ask(portfolio, ANALYTICS) == ok(analytics(start_of_analytics, end))


def test_of_one_bound_alone_the_other_has_its_default(portfolio: World) -> None:
    happen(portfolio, *[used(f"{day}T09:00:00Z", n) for day, n in DAYS.items()])
    april = DAYS["2026-04-01"]

    assert ask(portfolio, f"{USAGE}?startDate=2026-03-31") == ok(
        usage("2026-03-31", "2026-04-05", DAYS["2026-03-31"] + april + DAYS["2026-04-05"], 3)
    )
    assert ask(portfolio, f"{USAGE}?endDate=2026-04-04") == ok(
        usage("2026-04-01", "2026-04-04", april, 1)
    )
    assert ask(portfolio, f"{ANALYTICS}?startDate=2026-04-05") == ok(
        analytics("2026-04-05", "2026-04-05")
    )
    assert ask(portfolio, f"{ANALYTICS}?endDate=2027-01-01") == ok(
        analytics("2026-03-06", "2027-01-01")
    )


# How a day may be written -> the day.
WRITTEN = {
    "2026-04-05": "2026-04-05",
    "2026-04-05T00:00:00Z": "2026-04-05",
    "2026-04-05t23:59:59z": "2026-04-05",
    "2026-04-05T23:59:59.999999999Z": "2026-04-05",
    "2026-04-05T09:30:00.123Z": "2026-04-05",
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
def test_ranges_that_are_none(url: str, portfolio: World) -> None:
    """They end before they start, or are longer than 1,096 days; by default too."""
    reversed_ = {
        "startDate=2026-04-05&endDate=2026-04-04": ("2026-04-05", "2026-04-04"),
        "startDate=9999-12-31&endDate=0001-01-01": ("9999-12-31", "0001-01-01"),
        "startDate=2026-04-06": ("2026-04-06", "2026-04-05"),
        "startDate=9999-12-31": ("9999-12-31", "2026-04-05"),
        "startDate=2026-04-05T23:30:00-01:00&endDate=2026-04-05": ("2026-04-06", "2026-04-05"),
    }
    too_long = {
        "startDate=2023-04-05": ("2023-04-05", "2026-04-05"),
        "startDate=2023-04-05&endDate=2026-04-05": ("2023-04-05", "2026-04-05"),
        "startDate=2024-03-01&endDate=2027-03-02": ("2024-03-01", "2027-03-02"),
        "startDate=0001-01-01&endDate=9999-12-31": ("0001-01-01", "9999-12-31"),
        "startDate=0001-01-01": ("0001-01-01", "2026-04-05"),
    }
    for query, (start, end) in reversed_.items():
        reason = f"The startDate, {start}, is after the endDate, {end}."
        assert ask(portfolio, f"{url}?{query}") == partner_failure(400, reason, startDate=reason)
    for query, (start, end) in too_long.items():
        reason = f"From the startDate, {start}, to the endDate, {end}, are more than 1096 days."
        assert ask(portfolio, f"{url}?{query}") == partner_failure(400, reason, startDate=reason)
    for query in ("startDate=2023-04-06", "startDate=2024-03-01&endDate=2027-03-01"):
        assert ask(portfolio, f"{url}?{query}").status == 200
    assert ask(portfolio, f"{url}?endDate=9999-12-31").status == 400
    assert ask(portfolio, f"{url}?endDate=0001-01-01").status == 400


def test_three_years_are_a_few_reads(portfolio: World) -> None:
    """Of the key, of the terms and the organizations' counts, and of days and months."""
    happen(portfolio, *[used(f"{day}T09:00:00Z", n) for day, n in DAYS.items()])
    calls: list[str] = []
    ask(portfolio, USAGE)  # which makes the key
    with portfolio.on_call(calls.append):
        ask(portfolio, f"{USAGE}?startDate=2023-04-06&endDate=2026-04-05")
        assert calls == ["GetItem", *["Query"] * 3]
        calls.clear()
        ask(portfolio, f"{ANALYTICS}?startDate=2023-04-06&endDate=2026-04-05")
        assert calls == ["GetItem", *["Query"] * 4]
        calls.clear()
        ask(portfolio, f"{ANALYTICS}?startDate=2020-01-02&endDate=2022-12-30")
        assert calls == ["GetItem", *["Query"] * 5]
        calls.clear()
        ask(portfolio, ANALYTICS)
        assert calls == ["GetItem", *["Query"] * 2]
