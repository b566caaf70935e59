"""GET /partner/billing: a partner's terms and credits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests import builders
from tests.api.answers import accepted, duplicate, ingested
from tests.api.billing import billing, billing_usage, tier
from tests.api.portfolios import (
    BILLING,
    BILLING_USAGE,
    ask,
    configured,
    identified,
    ok,
    used,
)
from tests.builders import happen
from tests.world import World


@pytest.fixture
def portfolio(world: World) -> World:
    return builders.portfolio(world)


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
            "billingPeriodStart": "2026-03-15T00:00:00Z",
            "nextBillingDate": "2026-04-15T00:00:00Z",
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
            "periodStart": "2026-03-15T00:00:00Z",
            "periodEnd": "2026-04-14T23:59:59Z",
            "totalIdentifications": 1501,
            "totalQuantity": 1521,
            "totalEvents": 3,
            "creditsUsed": 301,
            "estimatedCost": Decimal("125.05"),
            "currency": "EUR",
        }
    )
    assert '"estimatedCost": 125.05, ' in answered.text


def test_a_partner_sees_its_own_terms_only(portfolio: World) -> None:
    happen(portfolio, configured("2026-01-01T00:00:00Z", 10_000, billing_mode="prepaid"))

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
    "billingPeriodStart": "2026-04-02T00:00:00Z",
    "nextBillingDate": "2026-05-02T00:00:00Z",
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
