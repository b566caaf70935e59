"""What each GET route reads, with its caller's key unknown to the function (cold) or known (warm).

The second tenant has a thousand times the objects of the first, and must not cost more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ops.bench.figures import Figure
from ops.bench.lab import Lab
from ops.bench.meter import Usage
from ops.bench.template import Route, routes
from tally.domain.scopes import Scope

PART = "A read request"
# What a path needs, given a tenant's dataset; a route that is not here needs nothing.
_PARAMETERS = {"/v1/provider/datasets/{id}/analytics": "id"}
# A dashboard is one call. A list reads its exact total beside its page.
_MOST_CALLS = {
    "/v1/api-keys": 2,
    "/v1/agent/activity/searches": 2,
    "/v1/agent/activity/accesses": 2,
    "/v1/provider/payouts": 2,
    # The terms and the usage; the tenant's currency unless the terms name one.
    "/partner/analytics": 2,
    "/partner/billing": 3,
    "/partner/billing/usage": 3,
}
# A statement costs what it has lines; there is none here.
_ELSEWHERE = ("/v1/provider/payouts/{id}",)


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
        yield Figure(PART, f"{name}, cold, calls", cold.calls, "calls")
        yield Figure(PART, f"{name}, cold, read units", cold.read_units, "read units")
        yield Figure(PART, f"{name}, warm, calls", warm.calls, "calls", calls)
        yield Figure(PART, f"{name}, warm, read units", warm.read_units, "read units", units)


def _cold_and_warm(lab: Lab, route: Route, caller: Provider) -> tuple[Usage, Usage]:
    key = lab.new_key(caller.tenant_id, *(scope for scope in Scope if scope is not Scope.ADMIN))
    parameter = _PARAMETERS.get(route.path)
    parameters = {parameter: caller.dataset_id} if parameter else None
    with lab.meter.measure() as cold:
        lab.request(route, key, parameters)
    with lab.meter.measure() as warm:
        lab.request(route, key, parameters)
    return cold, warm
