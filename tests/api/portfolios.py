"""A partner's portfolio: what happens in it, and what is answered about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dev.gateway import Answer
from tally.access.model.scopes import Scope
from tests.api.answers import ALWAYS
from tests.builders import event
from tests.world import World

ANALYTICS = "/partner/analytics"
SERIES = "/partner/analytics/series"
USAGE = "/partner/usage"
BILLING = "/partner/billing"
BILLING_USAGE = "/partner/billing/usage"
ORGANIZATIONS = "/partner/organizations"
ORGANIZATIONS_USAGE = "/partner/organizations/usage"

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


def identified(time: str, quantity: int = 1, **data: Any) -> dict[str, Any]:
    return event("identification.recorded", time, quantity=quantity, **data)


def used(time: str, quantity: int, kind: str = "page_view", **data: Any) -> dict[str, Any]:
    return event("usage.recorded", time, kind=kind, quantity=quantity, **data)


def organization(
    verb: str, organization_id: str, time: str = "2026-04-01T00:00:00Z", **data: Any
) -> dict[str, Any]:
    return event(f"organization.{verb}", time, organization_id=organization_id, **data)


def configured(time: str, credit_pool_total: int = 1000, **terms: Any) -> dict[str, Any]:
    return event("partner.configured", time, credit_pool_total=credit_pool_total, **terms)


def ask(world: World, url: str, partner_id: str = "acme") -> Answer:
    """With a key that may read this and no more."""
    scope = Scope.BILLING_READ if url.startswith(BILLING) else Scope.USAGE_READ
    return world.request("GET", url, key=world.key(partner_id, scope))


def ok(body: Any) -> Answer:
    """A whole answer; partners get no envelope."""
    headers = {"Content-Type": "application/json", "X-Request-Id": "req_00000000"}
    return Answer(200, ALWAYS | headers, body)


def as_list(answer: Answer) -> Answer:
    """The same of a route whose rows are also sent as CSV; its errors are not."""
    if answer.status >= 300:
        return answer
    return replace(answer, headers={**answer.headers, "Vary": "Accept"})


def ok_list(body: Any) -> Answer:
    return as_list(ok(body))


def analytics(start: str, end: str, **fields: Any) -> dict[str, Any]:
    """The answer about a range in which nothing happened, but for these fields."""
    nothing = {
        "partnerId": "acme",
        "startDate": start,
        "endDate": end,
        "totalOrganizations": 1,
        "activeOrganizations": 1,
        "totalIdentifications": 0,
        "creditsRemaining": 0,
        "creditsUsed": 0,
    }
    assert nothing.keys() >= fields.keys()
    return nothing | fields


def usage(start: str, end: str, quantity: int, events: int) -> dict[str, Any]:
    return {"startDate": start, "endDate": end, "totalQuantity": quantity, "totalEvents": events}
