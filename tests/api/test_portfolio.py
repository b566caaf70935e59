"""GET /partner/analytics and /partner/usage: any range of days, exactly."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests import builders
from tests.api.portfolios import (
    ANALYTICS,
    DAYS,
    USAGE,
    analytics,
    ask,
    configured,
    identified,
    ok,
    organization,
    usage,
    used,
)
from tests.builders import happen
from tests.world import World


@pytest.fixture
def portfolio(world: World) -> World:
    return builders.portfolio(world)


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
    ("2000-01-01", "2002-12-31"),
    ("2000-01-01", "2000-01-01"),
]


@pytest.mark.slow
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


@pytest.mark.slow
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
