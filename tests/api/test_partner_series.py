"""GET /partner/analytics/series: what was used, day by day or month by month."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from dev.gateway import Answer
from tests import builders
from tests.api.answers import invalid, partner_failure
from tests.api.portfolios import DAYS, SERIES, as_list, ask, identified, ok, organization, used
from tests.builders import happen
from tests.portfolios import portfolio_histories, usage
from tests.world import World, new_world

NOTHING = {"identifications": 0, "creditsUsed": 0, "quantity": 0, "events": 0}


@pytest.fixture
def portfolio(world: World) -> World:
    return builders.portfolio(world)


def shown(body: Any) -> Answer:
    return as_list(ok(body))


def series(
    start: str, end: str, granularity: str, periods: dict[str, dict[str, int]]
) -> dict[str, Any]:
    """The whole answer, with the totals of its periods."""
    return {
        "partnerId": "acme",
        "startDate": start,
        "endDate": end,
        "granularity": granularity,
        "periods": [{"period": period} | NOTHING | told for period, told in periods.items()],
        "totals": {
            name: sum((NOTHING | told)[name] for told in periods.values()) for name in NOTHING
        },
    }


def test_every_day_of_the_range_is_there(portfolio: World) -> None:
    happen(
        portfolio,
        identified("2026-03-30T23:59:59.999Z", 5),
        identified("2026-04-01T00:00:00Z", 7, credits=3),
        used("2026-04-01T12:00:00Z", 30),
        identified("2026-04-03T12:00:00Z", 1, partner_id="rival"),
        identified("2026-04-04T12:00:00Z", 11),
    )

    april_1 = {"identifications": 7, "creditsUsed": 3, "quantity": 37, "events": 2}
    days: dict[str, dict[str, int]] = {
        "2026-03-31": {},
        "2026-04-01": april_1,
        "2026-04-02": {},
        "2026-04-03": {},
    }
    answered = ask(portfolio, f"{SERIES}?startDate=2026-03-31&endDate=2026-04-03")
    assert answered == shown(series("2026-03-31", "2026-04-03", "day", days))
    assert ask(portfolio, f"{SERIES}?startDate=2026-03-31&endDate=2026-04-03&granularity=day") == (
        answered
    )


def test_of_a_month_the_days_of_the_range_are_counted(portfolio: World) -> None:
    happen(portfolio, *[identified(f"{day}T09:00:00Z", n) for day, n in DAYS.items()])

    def told(*days: str) -> dict[str, int]:
        number = sum(DAYS[day] for day in days)
        return {
            "identifications": number,
            "creditsUsed": number,
            "quantity": number,
            "events": len(days),
        }

    assert ask(
        portfolio, f"{SERIES}?startDate=2025-12-31&endDate=2026-04-04&granularity=month"
    ) == shown(
        series(
            "2025-12-31",
            "2026-04-04",
            "month",
            {
                "2025-12": told("2025-12-31"),
                "2026-01": told("2026-01-01"),
                "2026-02": {},
                "2026-03": told("2026-03-31"),
                "2026-04": told("2026-04-01"),
            },
        )
    )


def test_a_partner_without_data_sees_zeros_of_the_last_30_days(world: World) -> None:
    world.tenant("acme")

    days = [f"2026-03-{day:02}" for day in range(6, 32)]
    days += [f"2026-04-{day:02}" for day in range(1, 6)]
    assert ask(world, SERIES) == shown(
        series("2026-03-06", "2026-04-05", "day", {day: {} for day in days})
    )


def test_late_events_and_those_of_deleted_organizations_are_on_their_days(
    portfolio: World,
) -> None:
    happen(portfolio, identified("2026-04-04T09:00:00Z", 2))
    happen(portfolio, organization("deleted", "org_1", "2026-04-05T09:00:00Z"))
    portfolio.wait(days=40)
    happen(portfolio, identified("2026-04-04T10:00:00Z", 5))

    told = {"identifications": 7, "creditsUsed": 7, "quantity": 7, "events": 2}
    assert ask(portfolio, f"{SERIES}?startDate=2026-04-04&endDate=2026-04-04") == shown(
        series("2026-04-04", "2026-04-04", "day", {"2026-04-04": told})
    )


def test_there_are_at_most_1096_periods(portfolio: World) -> None:
    """Of days as of months."""
    reason = "The range may span at most 1,096 {}; {} to {} is longer."
    days = reason.format("days", "2023-04-05", "2026-04-05")
    months = reason.format("months", "2000-01-31", "2091-05-01")

    assert ask(portfolio, f"{SERIES}?startDate=2023-04-05") == as_list(
        partner_failure(400, days, startDate=days)
    )
    assert len(ask(portfolio, f"{SERIES}?startDate=2023-04-06").body["periods"]) == 1096
    by_month = f"{SERIES}?granularity=month&startDate=2000-01-31&endDate=2091-0"
    assert ask(portfolio, f"{by_month}5-01") == as_list(
        partner_failure(400, months, startDate=months)
    )
    assert len(ask(portfolio, f"{by_month}4-30").body["periods"]) == 1096


@pytest.mark.parametrize("granularity", ["", "week", "Day", "days", "day,month", "1"])
def test_what_is_no_granularity(granularity: str, portfolio: World) -> None:
    rule = "must be one of: day, month"
    message = invalid(("granularity", rule))["error"]["message"]
    refused = as_list(partner_failure(400, message, granularity=rule))
    assert ask(portfolio, f"{SERIES}?granularity={granularity}") == refused


def test_what_is_no_day(portfolio: World) -> None:
    rule = "must be a date like 2026-04-05 or a date-time like 2026-04-05T09:30:00Z"
    message = invalid(("startDate", rule))["error"]["message"]
    refused = as_list(partner_failure(400, message, startDate=rule))
    assert ask(portfolio, f"{SERIES}?startDate=2026-04") == refused


def test_three_years_are_one_read(portfolio: World) -> None:
    calls: list[str] = []
    ask(portfolio, SERIES)  # which makes the key
    with portfolio.on_call(calls.append):
        ask(portfolio, f"{SERIES}?startDate=2023-04-06&endDate=2026-04-05")
    assert calls == ["GetItem", "GetItem", "Query"]


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(portfolio_histories())
def test_series_say_what_was_accepted(history: list[dict[str, Any]]) -> None:
    with new_world() as world:
        for partner in ("acme", "globex"):
            world.tenant(partner)
        taken = [each for each in history if _accepted(world, each)]
        world.deliver()
        for partner in ("acme", "globex"):
            own = usage([each for each in taken if each["data"]["partner_id"] == partner])
            url = f"{SERIES}?startDate=2024-02-29&endDate=2026-04-05"
            told = world.get_partner(url, partner)["periods"]
            assert {
                period["period"]: {
                    "identifications": period["identifications"],
                    "quantity": period["quantity"],
                    "events": period["events"],
                    "credits": period["creditsUsed"],
                }
                for period in told
                if period["events"]
            } == own


def _accepted(world: World, event: dict[str, Any]) -> bool:
    return bool(world.send(event).body["data"]["accepted"])
