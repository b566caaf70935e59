"""The demo's partner: two dozen organizations, and a year of identifications and page views."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from dev.demo_api import Said

PARTNER = "demo-partner"
DAYS = 365

# Name, tier, final status, and the day of the year when it changed to that.
_ORGANIZATIONS = (
    ("Alder & Finch Interiors", "paid", "active", DAYS),
    ("Bluewater Marine Supply", "paid", "active", DAYS),
    ("Cobalt Cycling", "paid", "canceled", 205),
    ("Driftwood Hotels", "paid", "active", DAYS),
    ("Eastgate Dental Group", "paid", "active", DAYS),
    ("Fernhill Garden Centres", "paid", "suspended", 341),
    ("Granite Peak Outfitters", "paid", "active", DAYS),
    ("Harborview Realty", "paid", "active", DAYS),
    ("Ironbridge Tools", "paid", "active", DAYS),
    ("Juniper Skincare", "paid", "active", DAYS),
    ("Kestrel Bookshops", "paid", "active", DAYS),
    ("Larkspur Florists", "trial", "canceled", 96),
    ("Meridian Travel", "paid", "active", DAYS),
    ("Northbay Coffee Roasters", "paid", "active", DAYS),
    ("Oakline Furniture", "paid", "suspended", 262),
    ("Pinecrest Veterinary", "paid", "active", DAYS),
    ("Quayside Brewing", "paid", "active", DAYS),
    ("Redstone Fitness", "trial", "suspended", 318),
    ("Silverlake Optics", "paid", "active", DAYS),
    ("Tamarack Law", "paid", "active", DAYS),
    ("Umbra Lighting", "trial", "active", DAYS),
    ("Verdant Foods", "paid", "active", DAYS),
    ("Wrenfield Academy", "trial", "active", DAYS),
    ("Yarrow Pharmacy", "trial", "active", DAYS),
)
# So many existed before the year began; another one joined every so many days.
_AT_FIRST, _APART = 10, 25
_REGIONS = "EMEA", "AMER", "APAC"
_TERMS = {
    "credit_pool_total": 60_000,
    "billing_mode": "credit_pool",
    "billing_day_of_month": 15,
    "currency": "USD",
    "pricing_tiers": [
        {"tier": 1, "price_per_identification": "0.05", "min_usage": 0, "max_usage": 10_000},
        {"tier": 2, "price_per_identification": "0.04", "min_usage": 10_001, "max_usage": 30_000},
        {"tier": 3, "price_per_identification": "0.0325", "min_usage": 30_001, "max_usage": None},
    ],
}
# The identifications of this one include contact details, for a second credit each.
_DEAR = 3


def portfolio(today: date) -> Iterator[Said]:
    """The events of the year that ends today; always the same for the same day."""
    first = today - timedelta(days=DAYS - 1)
    began = first - timedelta(days=30)
    yield Said("partner.configured", PARTNER, {"partner_id": PARTNER} | _TERMS, _at(began))
    for n, (name, tier, status, until) in enumerate(_ORGANIZATIONS):
        organization = _organization(n) | {"name": name}
        profile = {
            "external_id": f"crm-{2001 + n}",
            "tier": tier,
            "credits": 500 if tier == "trial" else 2_500,
            "metadata": {"region": _REGIONS[n % 3]},
        }
        joined, subject = _at(first + timedelta(days=_joined(n))), organization["organization_id"]
        yield Said("organization.created", subject, organization | profile, joined)
        if until < DAYS:
            left = _at(first + timedelta(days=until))
            yield Said("organization.updated", subject, organization | {"status": status}, left)
    for n in range(DAYS):
        yield from _day(n, first + timedelta(days=n))


def _day(n: int, day: date) -> Iterator[Said]:
    """Usage of a day: it grows from month to month, drops on weekends, and varies a little."""
    there = [o for o, (*_, until) in enumerate(_ORGANIZATIONS) if _joined(o) <= n < until]
    is_weekend = day.weekday() >= 5
    quantity = (300 + 2 * n) * (3 if is_weekend else 10) * (95 + n * 7 % 11) // 1000
    for turn in range(1 if is_weekend else 2):
        who = there[(2 * n + turn) % len(there)]
        data = _organization(who) | {"quantity": quantity + 13 * turn}
        if who == _DEAR:
            data["credits"] = 2 * data["quantity"]
        yield Said("identification.recorded", f"{day}-{turn}", data, _at(day, turn))
    views = {"kind": "page_view", "quantity": 9 * quantity + n % 9}
    who = there[n % len(there)]
    yield Said("usage.recorded", f"{day}", _organization(who) | views, _at(day, 2))


def _organization(n: int) -> dict[str, Any]:
    word = _ORGANIZATIONS[n][0].partition(" ")[0].lower()
    return {"partner_id": PARTNER, "organization_id": f"org_{word}"}


def _joined(n: int) -> int:
    """The day of the year, negative before the year began."""
    return n - _AT_FIRST if n < _AT_FIRST else _APART * (n - _AT_FIRST + 1)


def _at(day: date, second: int = 0) -> str:
    """At the very start of the day, so that today's events are not in the future."""
    return f"{day}T00:00:{second:02}Z"
