"""A partner's portfolio: what happens in it, and what is answered about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.domain.scopes import Scope
from tests.world import Answer, World, event

ANALYTICS = "/partner/analytics"
USAGE = "/partner/usage"
BILLING = "/partner/billing"
BILLING_USAGE = "/partner/billing/usage"
ORGANIZATIONS = "/partner/organizations"


def open_portfolio(world: World) -> World:
    """Partners acme and rival, each with an organization org_1 since 2020."""
    for partner_id in ("acme", "rival"):
        world.tenant(partner_id)
        created = event("organization.created", "2020-01-01T00:00:00Z", partner_id=partner_id)
        assert world.send(created).status == 202
    world.deliver()
    return world


def happen(world: World, *events: Mapping[str, Any]) -> None:
    """The events are accepted and counted."""
    answered = world.send(*events)
    assert answered.status == 202, answered
    world.deliver()


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
    return Answer(200, headers, body)


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
