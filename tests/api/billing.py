"""What partners agreed to, and what is answered about it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def billing(**fields: Any) -> dict[str, Any]:
    """The answer to a partner that has no terms and used nothing, but for these fields."""
    nothing = {
        "partnerId": "acme",
        "billingMode": "credit_pool",
        "billingPeriod": "monthly",
        "billingDayOfMonth": 1,
        "billingPeriodStart": "2026-04-01T00:00:00Z",
        "nextBillingDate": "2026-05-01T00:00:00Z",
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
        "periodStart": "2026-04-01T00:00:00Z",
        "periodEnd": "2026-04-30T23:59:59Z",
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
