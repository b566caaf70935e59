"""What each GET route reads: warm, when the function knows the caller's key, and cold.

The second tenant has a thousand times as many objects as the first, and must not cost more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dev.bench.figures import Figure, of_usage
from dev.bench.lab import Lab
from dev.bench.meter import Usage
from dev.gateway import PLATFORM
from dev.template import Route, routes
from tally.access.model.scopes import Scope

PART = "A read request"
# A dashboard is one call. A list takes a second one for its exact total.
_MOST_CALLS = {
    "/v1/api-keys": 4,  # and the last uses; and the caller's key, which it does not remember
    # An operator's key is not remembered either.
    "/v1/admin/tenants": 4,
    "/v1/admin/tenants/{id}": 2,
    "/v1/admin/audit": 3,
    "/v1/admin/payout-runs": 3,
    "/v1/admin/payouts": 3,
    "/v1/admin/health": 3,
    "/v1/session": 2,  # the tenant's name and currency
    "/v1/provider/datasets": 3,  # and their counts
    # Rates, balances before and after, reserves, two months' registers; from 2027 on twice these.
    "/v1/provider/payouts/upcoming": 8,
    "/v1/agent/activity/searches": 2,
    "/v1/agent/activity/accesses": 2,
    "/v1/provider/payouts": 2,
    # The tenant's currency, and the days.
    "/v1/provider/series": 2,
    "/v1/buyer/series": 2,
    # The terms and the usage; the tenant's currency unless the terms name one.
    "/partner/analytics": 2,
    "/partner/billing": 3,
    "/partner/billing/usage": 3,
}
_LIMIT = 600  # requests per minute, the default
# Measured with payouts: it costs more the more lines it has.
_ELSEWHERE = ("/v1/provider/payouts/{id}",)
_OF_THE_OPERATOR = "/v1/admin/"


@dataclass(frozen=True, slots=True)
class Provider:
    """A tenant with one dataset."""

    tenant_id: str
    dataset_id: str


def measure(lab: Lab, small: Provider, large: Provider) -> Iterator[Figure]:
    """Calls and read units of every GET route."""
    for route in routes():
        if route.method != "GET" or route.path in _ELSEWHERE:
            continue
        _, of_small = _cold_and_warm(lab, route, small)
        cold, warm = _cold_and_warm(lab, route, large)
        name, calls = f"GET {route.path}", _MOST_CALLS.get(route.path, 1)
        units = of_small.read_units
        yield Figure(PART, name, warm.calls, "calls", calls)
        yield Figure(PART, name, warm.read_units, "read units", units)
        yield Figure(PART, name, cold.calls, "cold calls")
        yield Figure(PART, name, cold.read_units, "cold read units")
    yield from _limited(lab)


def _limited(lab: Lab) -> Iterator[Figure]:
    """On average of what one process answers in a minute; its leases included."""
    lab.tenant("limited", requests_per_minute=_LIMIT)
    key, path, times = lab.new_key("limited", Scope.USAGE_READ), "/v1/provider/dashboard", _LIMIT
    with lab.meter.measure() as used:
        for _ in range(times):
            lab.request("GET", path, key)
    most = Usage(round(1.15 * times), 0.51 * times, 0.15 * times)
    name = f"GET {path}, limited to {_LIMIT} a minute"
    yield from of_usage(PART, name, used, times, at_most=most)


def _cold_and_warm(lab: Lab, route: Route, caller: Provider) -> tuple[Usage, Usage]:
    if route.path.startswith(_OF_THE_OPERATOR):
        key, asked_for = lab.new_key(PLATFORM, Scope.ADMIN), caller.tenant_id
    else:
        scopes = (scope for scope in Scope if scope is not Scope.ADMIN)
        key, asked_for = lab.new_key(caller.tenant_id, *scopes), caller.dataset_id
    path = route.path.replace("{id}", asked_for)
    with lab.meter.measure() as cold:
        lab.request(route.method, path, key)
    with lab.meter.measure() as warm:
        lab.request(route.method, path, key)
    return cold, warm
