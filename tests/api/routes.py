"""The routes of the template, by who may call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dev.gateway import Answer
from dev.template import Route, routes
from tally.access.model.scopes import Scope
from tests.api.answers import (
    for_partners,
)
from tests.api.samples import (
    TENANT,
    caller_of,
    new_thing,
    visit,
)
from tests.world import World

STRANGER = "stranger"


# The contract's table: scope, if not any key will do, and whether it must be the platform tenant's.
CONTRACT: Mapping[str, tuple[Scope | None, bool]] = {
    "GET /v1/provider/dashboard": (Scope.USAGE_READ, False),
    "GET /v1/provider/datasets": (Scope.USAGE_READ, False),
    "GET /v1/provider/datasets/{id}/analytics": (Scope.USAGE_READ, False),
    "GET /v1/provider/series": (Scope.BILLING_READ, False),
    "GET /v1/buyer/series": (Scope.BILLING_READ, False),
    "GET /v1/provider/payouts": (Scope.BILLING_READ, False),
    "GET /v1/provider/payouts/upcoming": (Scope.BILLING_READ, False),
    "GET /v1/provider/payouts/{id}": (Scope.BILLING_READ, False),
    "GET /v1/buyer/dashboard": (Scope.USAGE_READ, False),
    "GET /v1/agent/activity/searches": (Scope.USAGE_READ, False),
    "DELETE /v1/agent/activity/searches/query-texts": (Scope.KEYS_WRITE, False),
    "GET /v1/agent/activity/accesses": (Scope.USAGE_READ, False),
    "GET /v1/buyer/spend": (Scope.BILLING_READ, False),
    "GET /partner/analytics": (Scope.USAGE_READ, False),
    "GET /partner/analytics/series": (Scope.USAGE_READ, False),
    "GET /partner/usage": (Scope.USAGE_READ, False),
    "GET /partner/billing": (Scope.BILLING_READ, False),
    "GET /partner/billing/usage": (Scope.BILLING_READ, False),
    "GET /partner/organizations": (Scope.USAGE_READ, False),
    "GET /partner/organizations/usage": (Scope.USAGE_READ, False),
    "POST /v1/events": (Scope.EVENTS_WRITE, False),
    "POST /v1/api-keys": (Scope.KEYS_WRITE, False),
    "GET /v1/api-keys": (Scope.KEYS_WRITE, False),
    "DELETE /v1/api-keys/{id}": (Scope.KEYS_WRITE, False),
    "POST /v1/api-keys/{id}/rotate": (Scope.KEYS_WRITE, False),
    "GET /v1/session": (None, False),
    "POST /v1/sessions": (None, False),
    "POST /v1/admin/tenants": (Scope.ADMIN, True),
    "GET /v1/admin/tenants": (Scope.ADMIN, True),
    "GET /v1/admin/tenants/{id}": (Scope.ADMIN, True),
    "PATCH /v1/admin/tenants/{id}": (Scope.ADMIN, True),
    "GET /v1/admin/audit": (Scope.ADMIN, True),
    "POST /v1/admin/tenants/{id}/api-keys": (Scope.ADMIN, True),
    "GET /v1/admin/health": (Scope.ADMIN, True),
    "GET /v1/admin/payout-runs": (Scope.ADMIN, True),
    "GET /v1/admin/payouts": (Scope.ADMIN, True),
    "POST /v1/admin/payout-runs": (Scope.ADMIN, True),
    "POST /v1/admin/payouts/{id}/status": (Scope.ADMIN, True),
}


each_route = pytest.mark.parametrize("route", routes(), ids=str)


def routes_where(condition: Callable[[Route], bool]) -> pytest.MarkDecorator:
    chosen = [route for route in routes() if condition(route)]
    return pytest.mark.parametrize("route", chosen, ids=str)


each_route_with_a_scope = routes_where(lambda route: CONTRACT[str(route)][0] is not None)


def needed_scope(route: Route) -> Scope:
    """Of a route that needs one."""
    scope, _ = CONTRACT[str(route)]
    assert scope
    return scope


def for_audience(route: Route, error: Answer) -> Answer:
    """The error as the route's audience gets it."""
    varies_by = route.module.endpoint.varies_by
    vary = {"Vary": ", ".join(varies_by)} if varies_by else {}
    told = Answer(error.status, {**error.headers, **vary}, error.body)
    return for_partners(told) if is_partners(route) else told


def is_partners(route: Route) -> bool:
    return route.path.startswith("/partner")


def good_key(world: World, tenant_id: str) -> str:
    return world.key(tenant_id, *Scope)


def remembered_key(world: World, route: Route) -> tuple[str, str]:
    """A key that the function knows by now, so that it is the handler who needs the table first."""
    key = good_key(world, caller_of(route))
    thing = new_thing(world, route, TENANT)
    visit(world, route, key, thing=thing)
    return key, thing
