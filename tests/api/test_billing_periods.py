"""GET /partner/billing and /partner/billing/usage: periods, and what they cost."""

from __future__ import annotations

import json
from itertools import count

import pytest

from tally.partners.counters import UsageTotals
from tests import builders
from tests.api.billing import billing, billing_usage
from tests.api.portfolios import (
    ANALYTICS,
    BILLING,
    BILLING_USAGE,
    ask,
    configured,
    identified,
    ok,
    used,
)
from tests.api.posting import post
from tests.builders import happen
from tests.world import World


@pytest.fixture
def portfolio(world: World) -> World:
    return builders.portfolio(world)


# ------------------------------------------------------------------------------- periods


def first_second(day: str) -> str:
    return f"{day}T00:00:00Z"


def last_second(day: str) -> str:
    return f"{day}T23:59:59Z"


def test_a_period_begins_on_the_billing_day(portfolio: World) -> None:
    """At 00:00:00Z, and not an instant before."""
    periods = {
        1: {
            "2026-03-31T23:59:59.999999999Z": ("2026-03-01", "2026-03-31", "2026-04-01"),
            "2026-04-01T00:00:00.000000000Z": ("2026-04-01", "2026-04-30", "2026-05-01"),
            "2025-12-31T23:59:59.999999999Z": ("2025-12-01", "2025-12-31", "2026-01-01"),
            "2026-01-01T00:00:00.000000000Z": ("2026-01-01", "2026-01-31", "2026-02-01"),
            "2024-02-29T23:59:59.999999999Z": ("2024-02-01", "2024-02-29", "2024-03-01"),
        },
        15: {
            "2026-04-14T23:59:59.999999999Z": ("2026-03-15", "2026-04-14", "2026-04-15"),
            "2026-04-15T00:00:00.000000000Z": ("2026-04-15", "2026-05-14", "2026-05-15"),
            "2026-01-14T23:59:59.999999999Z": ("2025-12-15", "2026-01-14", "2026-01-15"),
            "2025-12-15T00:00:00.000000000Z": ("2025-12-15", "2026-01-14", "2026-01-15"),
        },
        28: {
            "2026-02-27T23:59:59.999999999Z": ("2026-01-28", "2026-02-27", "2026-02-28"),
            "2026-02-28T00:00:00.000000000Z": ("2026-02-28", "2026-03-27", "2026-03-28"),
            "2024-02-29T00:00:00.000000000Z": ("2024-02-28", "2024-03-27", "2024-03-28"),
            "2025-12-31T23:59:59.999999999Z": ("2025-12-28", "2026-01-27", "2026-01-28"),
        },
    }
    for day, moments in periods.items():
        portfolio.now = "2026-04-05T10:00:00.000000000Z"
        terms = configured(f"2026-04-01T00:00:{day:02}Z", 0, billing_day_of_month=day)
        assert portfolio.send(terms).status == 202
        for now, (first, last, following) in moments.items():
            portfolio.now = now
            period = {
                "billingPeriodStart": first_second(first),
                "nextBillingDate": first_second(following),
            }
            assert ask(portfolio, BILLING) == ok(billing(billingDayOfMonth=day, **period))
            period = {"periodStart": first_second(first), "periodEnd": last_second(last)}
            assert ask(portfolio, BILLING_USAGE) == ok(billing_usage(**period))


MARCH = ("2026-03-15", "2026-04-14", "2026-04-15")
# The moment -> its period, and what is used in all of it: identifications, others, credits.
MOMENTS = {
    "2026-03-14T23:59:59.000000000Z": (("2026-02-15", "2026-03-14", "2026-03-15"), (1, 0, 1)),
    "2026-03-15T00:00:00.000000000Z": (MARCH, (4320, 0, 520)),
    "2026-04-14T23:59:59.000000000Z": (MARCH, (4320, 0, 520)),
    "2026-04-15T00:00:00.000000000Z": (
        ("2026-04-15", "2026-05-14", "2026-05-15"),
        (50_000, 600_000, 499),
    ),
    "2026-05-15T00:00:00.000000000Z": (("2026-05-15", "2026-06-14", "2026-06-15"), (0, 0, 0)),
}
EVENTS_OF = {1: 1, 4320: 3, 50_000: 2, 0: 0}


def test_credits_are_those_of_the_present_period(portfolio: World) -> None:
    """They do not roll over, and what is left of them is never less than nothing."""
    portfolio.now = "2026-04-15T00:00:01.000000000Z"
    happen(
        portfolio,
        configured("2026-01-01T00:00:00Z", 500, billing_day_of_month=15),
        identified("2026-03-14T23:59:59.999999999Z", 1),
        identified("2026-03-15T00:00:00Z", 20),
        identified("2026-04-01T00:00:00Z", 300),
        identified("2026-04-14T23:59:59.999999999Z", 4000, credits=200),
        identified("2026-04-15T00:00:00Z", 50_000, credits=499),
        used("2026-04-15T00:00:00Z", 600_000),
    )
    for now, ((first, last, following), (identifications, others, spent)) in MOMENTS.items():
        portfolio.now = now
        left = max(0, 500 - spent)
        assert ask(portfolio, BILLING) == ok(
            billing(
                billingDayOfMonth=15,
                billingPeriodStart=first_second(first),
                nextBillingDate=first_second(following),
                creditPoolTotal=500,
                creditPoolUsed=spent,
                creditPoolAvailable=left,
            )
        )
        assert ask(portfolio, BILLING_USAGE) == ok(
            billing_usage(
                periodStart=first_second(first),
                periodEnd=last_second(last),
                totalIdentifications=identifications,
                totalQuantity=identifications + others,
                totalEvents=EVENTS_OF[identifications],
                creditsUsed=spent,
            )
        )
        # What remains is of now; what was used is of the range.
        of_an_old_range = f"{ANALYTICS}?startDate=2026-04-01&endDate=2026-04-01"
        found = ask(portfolio, of_an_old_range).body
        assert (found["creditsRemaining"], found["creditsUsed"]) == (left, 300)


# ---------------------------------------------------------------------------------- cost


def count_identifications(world: World, identifications: int) -> None:
    """The counter of a day says so."""
    counter = dict.fromkeys(("identifications", "quantity", "events", "credits"), identifications)
    totals = UsageTotals("acme", "2026-04-05").key
    world.table.transact([world.table.put(totals, counter)])


# (price, up to), ... and identifications -> the cost as it is written.
COSTS: dict[tuple[tuple[tuple[str, int | None], ...], int], str] = {
    ((), 10**12): "0.00",
    ((("0.10", None),), 0): "0.00",
    ((("0.10", None),), 3): "0.30",
    ((("0.000001", None),), 1): "0.000001",
    ((("0.0031", None),), 100): "0.31",
    ((("0.10", 1000), ("0.05", 5000), ("0.01", None)), 1000): "100.00",
    ((("0.10", 1000), ("0.05", 5000), ("0.01", None)), 1001): "100.05",
    ((("0.10", 1000), ("0.05", 5000), ("0.01", None)), 5000): "300.00",
    ((("0.10", 1000), ("0.05", 5000), ("0.01", None)), 5001): "300.01",
    ((("0", 1000), ("2.5", 2000)), 1500): "1250.00",
    ((("0", 1000), ("2.5", 2000)), 10_000): "22500.00",
    ((("999999999999.999999", None),), 10**12): "999999999999999999000000.00",
    ((("999999999999.999999", None),), 10**12 + 1): "1000000000000999998999999.999999",
}


@pytest.mark.slow
@pytest.mark.parametrize("gap", [0, 1])
def test_the_cost_is_graduated_and_exact(gap: int, portfolio: World) -> None:
    """A tier's min_usage is where the one before ends, or one more: both mean the same."""
    seconds = count(1)
    written = {}
    for prices, identifications in COSTS:
        ends = [0, *[end + gap for _, end in prices if end is not None]]
        tiers = [
            {"tier": "T", "price_per_identification": price, "min_usage": first, "max_usage": end}
            for first, (price, end) in zip(ends, prices, strict=False)
        ]
        time = f"2026-04-01T00:00:{next(seconds):02}Z"
        assert portfolio.send(configured(time, pricing_tiers=tiers)).status == 202
        count_identifications(portfolio, identifications)
        answered = ask(portfolio, BILLING_USAGE)
        assert answered.status == 200, answered
        _, _, cost = answered.text.partition('"estimatedCost": ')
        written[prices, identifications] = cost.partition(",")[0]

    assert written == COSTS


def test_prices_are_read_exactly_however_they_are_sent(portfolio: World) -> None:
    prices = {"0.1": "0.10", "1e-6": "0.000001", '"123.456"': "123.456", "1E2": "100.00"}
    for n, (sent, answered) in enumerate(prices.items()):
        terms = configured(f"2026-04-01T00:00:{n:02}Z")
        tiers = f'[{{"tier": "A", "price_per_identification": {sent}, "min_usage": 0}}]'
        body = json.dumps(terms | {"data": terms["data"] | {"pricing_tiers": "?"}})
        assert post(portfolio, body.replace('"?"', tiers)).status == 202
        text = ask(portfolio, BILLING).text
        assert f'"pricePerIdentification": {answered}, ' in text
