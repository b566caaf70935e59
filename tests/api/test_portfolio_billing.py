"""GET /partner/billing and /partner/billing/usage: terms, credits and the cost of a period."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from tally.domain.counting import UsageTotals
from tally.domain.usage import Bucket
from tally.store import keys
from tests.api.answers import accepted, duplicate, ingested
from tests.api.portfolios import (
    ANALYTICS,
    BILLING,
    BILLING_USAGE,
    ask,
    configured,
    happen,
    identified,
    ok,
    open_portfolio,
    used,
)
from tests.api.posting import post
from tests.world import World


@pytest.fixture
def portfolio(world: World) -> World:
    return open_portfolio(world)


def billing(**fields: Any) -> dict[str, Any]:
    """The answer to a partner that has no terms and used nothing, but for these fields."""
    nothing = {
        "partnerId": "acme",
        "billingMode": "credit_pool",
        "billingPeriod": "monthly",
        "billingDayOfMonth": 1,
        "billingPeriodStart": "2026-04-01",
        "nextBillingDate": "2026-05-01",
        "currency": "USD",
        "pricingTiers": [],
        "creditPoolTotal": 0,
        "creditPoolUsed": 0,
        "creditPoolAvailable": 0,
    }
    assert nothing.keys() >= fields.keys()
    return nothing | fields


def billing_usage(**fields: Any) -> dict[str, Any]:
    nothing = {
        "partnerId": "acme",
        "periodStart": "2026-04-01",
        "periodEnd": "2026-04-30",
        "totalIdentifications": 0,
        "totalQuantity": 0,
        "totalEvents": 0,
        "creditsUsed": 0,
        "estimatedCost": Decimal("0.00"),
        "currency": "USD",
    }
    assert nothing.keys() >= fields.keys()
    return nothing | fields


def tier(name: str | int, price: str, first: int, last: int | None = None) -> dict[str, Any]:
    """As the API writes it."""
    return {
        "tier": name,
        "pricePerIdentification": Decimal(price),
        "minUsage": first,
        "maxUsage": last,
    }


SNAKE = [
    {"tier": "starter", "price_per_identification": "0.1", "min_usage": 0, "max_usage": 1000},
    {"tier": "growth", "price_per_identification": 0.05, "min_usage": 1001, "max_usage": 5000},
    {"tier": 3, "price_per_identification": "0.0031", "min_usage": 5001},
]
CAMEL = [
    {"tier": "starter", "pricePerIdentification": 0.10, "minUsage": 0, "maxUsage": 1000},
    {"tier": "growth", "pricePerIdentification": "0.050", "minUsage": 1001, "maxUsage": 5000},
    {"tier": 3, "pricePerIdentification": "0.003100", "minUsage": 5001, "maxUsage": None},
]
ANSWERED = [
    tier("starter", "0.10", 0, 1000),
    tier("growth", "0.05", 1001, 5000),
    tier(3, "0.0031", 5001),
]


# --------------------------------------------------------------------------------- terms


def test_a_partner_that_nobody_configured(world: World) -> None:
    world.tenant("acme", billing_currency="JPY")

    assert ask(world, BILLING) == ok(billing(currency="JPY"))
    assert ask(world, BILLING_USAGE) == ok(billing_usage(currency="JPY"))


def test_a_configured_partner(portfolio: World) -> None:
    happen(
        portfolio,
        configured(
            "2026-01-01T00:00:00Z",
            10_000,
            billing_mode="prepaid",
            billing_day_of_month=15,
            pricing_tiers=SNAKE,
            currency="EUR",
        ),
        identified("2026-03-14T23:59:59Z", 7),
        identified("2026-03-15T00:00:00Z", 1500, credits=300),
        identified("2026-04-05T09:00:00Z", 1),
        used("2026-04-05T09:00:00Z", 20),
    )

    answered = ask(portfolio, BILLING)

    assert answered == ok(
        {
            "partnerId": "acme",
            "billingMode": "prepaid",
            "billingPeriod": "monthly",
            "billingDayOfMonth": 15,
            "billingPeriodStart": "2026-03-15",
            "nextBillingDate": "2026-04-15",
            "currency": "EUR",
            "pricingTiers": ANSWERED,
            "creditPoolTotal": 10_000,
            "creditPoolUsed": 301,
            "creditPoolAvailable": 9699,
        }
    )
    assert '{"tier": "starter", "pricePerIdentification": 0.10, "minUsage": 0, ' in answered.text
    assert '{"tier": 3, "pricePerIdentification": 0.0031, "minUsage": 5001, ' in answered.text
    answered = ask(portfolio, BILLING_USAGE)
    assert answered == ok(
        {
            "partnerId": "acme",
            "periodStart": "2026-03-15",
            "periodEnd": "2026-04-14",
            "totalIdentifications": 1501,
            "totalQuantity": 1521,
            "totalEvents": 3,
            "creditsUsed": 301,
            "estimatedCost": Decimal("125.05"),
            "currency": "EUR",
        }
    )
    assert '"estimatedCost": 125.05, ' in answered.text
    assert ask(portfolio, BILLING, "rival") == ok(billing(partnerId="rival"))


def test_tiers_have_two_spellings_and_one_meaning(portfolio: World) -> None:
    sent = configured("2026-04-01T00:00:00Z", pricing_tiers=SNAKE)
    camel = sent | {"data": sent["data"] | {"pricing_tiers": CAMEL}}
    turned = sent | {"data": sent["data"] | {"pricing_tiers": CAMEL[::-1]}}

    assert portfolio.send(sent) == ingested(202, accepted(sent))
    with portfolio.unchanged():
        assert portfolio.send(camel, turned) == ingested(202, *map(duplicate, (camel, turned)))
    pool = {"creditPoolTotal": 1000, "creditPoolAvailable": 1000}
    assert ask(portfolio, BILLING) == ok(billing(pricingTiers=ANSWERED, **pool))


TERMS: dict[str, Any] = {
    "billing_mode": "prepaid",
    "billing_day_of_month": 2,
    "pricing_tiers": SNAKE[:1],
    "currency": "EUR",
}
WHOLE = {
    "billingMode": "prepaid",
    "billingDayOfMonth": 2,
    "billingPeriodStart": "2026-04-02",
    "nextBillingDate": "2026-05-02",
    "pricingTiers": ANSWERED[:1],
    "currency": "EUR",
}


@pytest.mark.parametrize("in_order", [True, False])
def test_the_newest_word_holds_in_whatever_order_it_comes(
    in_order: bool,  # noqa: FBT001  pytest gives it by name
    portfolio: World,
) -> None:
    events = [
        configured("2026-04-01T00:00:00Z", 100, **TERMS),
        # What it does not name stays.
        configured("2026-04-02T00:00:00Z", 200, billing_mode="metered"),
        # Null is as if it had never been said.
        configured("2026-04-03T00:00:00Z", 300, currency=None, pricing_tiers=None),
        configured("2026-04-03T00:00:00.000000001Z", 400, pricing_tiers=[]),
    ]
    for sent in events if in_order else reversed(events):
        assert portfolio.send(sent).status == 202

    metered = WHOLE | {"billingMode": "metered", "currency": "USD", "pricingTiers": []}
    pool = {"creditPoolTotal": 400, "creditPoolAvailable": 400}
    assert ask(portfolio, BILLING) == ok(billing(**metered, **pool))


def test_null_is_as_if_it_had_never_been_said(portfolio: World) -> None:
    pool = {"creditPoolTotal": 1000, "creditPoolAvailable": 1000}
    assert portfolio.send(configured("2026-04-01T00:00:00Z", **TERMS)).status == 202
    assert ask(portfolio, BILLING) == ok(billing(**WHOLE, **pool))

    nothing: dict[str, Any] = dict.fromkeys(TERMS)
    reset = configured("2026-04-02T00:00:00Z", **nothing)
    assert portfolio.send(reset).status == 202
    assert ask(portfolio, BILLING) == ok(billing(**pool))


def test_of_one_instant_the_later_id_holds(portfolio: World) -> None:
    for id_ in ("evt-b", "evt-c", "evt-a"):
        sent = configured("2026-04-01T00:00:00Z", ord(id_[-1]), id=id_)
        assert portfolio.send(sent).status == 202

    pool = {"creditPoolTotal": ord("c"), "creditPoolAvailable": ord("c")}
    assert ask(portfolio, BILLING) == ok(billing(**pool))


# ------------------------------------------------------------------------------- periods


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
            period = {"billingPeriodStart": first, "nextBillingDate": following}
            assert ask(portfolio, BILLING) == ok(billing(billingDayOfMonth=day, **period))
            period = {"periodStart": first, "periodEnd": last}
            assert ask(portfolio, BILLING_USAGE) == ok(billing_usage(**period))


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
    march = ("2026-03-15", "2026-04-14", "2026-04-15")
    # The moment -> its period, and what is used in all of it: identifications, others, credits.
    moments = {
        "2026-03-14T23:59:59.000000000Z": (("2026-02-15", "2026-03-14", "2026-03-15"), (1, 0, 1)),
        "2026-03-15T00:00:00.000000000Z": (march, (4320, 0, 520)),
        "2026-04-14T23:59:59.000000000Z": (march, (4320, 0, 520)),
        "2026-04-15T00:00:00.000000000Z": (
            ("2026-04-15", "2026-05-14", "2026-05-15"),
            (50_000, 600_000, 499),
        ),
        "2026-05-15T00:00:00.000000000Z": (("2026-05-15", "2026-06-14", "2026-06-15"), (0, 0, 0)),
    }
    events = {1: 1, 4320: 3, 50_000: 2, 0: 0}
    for now, ((first, last, following), (identifications, others, spent)) in moments.items():
        portfolio.now = now
        left = max(0, 500 - spent)
        assert ask(portfolio, BILLING) == ok(
            billing(
                billingDayOfMonth=15,
                billingPeriodStart=first,
                nextBillingDate=following,
                creditPoolTotal=500,
                creditPoolUsed=spent,
                creditPoolAvailable=left,
            )
        )
        assert ask(portfolio, BILLING_USAGE) == ok(
            billing_usage(
                periodStart=first,
                periodEnd=last,
                totalIdentifications=identifications,
                totalQuantity=identifications + others,
                totalEvents=events[identifications],
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
    totals = keys.totals(UsageTotals("acme", Bucket.DAY, "2026-04-05"))
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
