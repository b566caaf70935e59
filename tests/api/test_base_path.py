"""A domain of one's own may put a base path in front: the API is the same behind it."""

from __future__ import annotations

from typing import Any

import pytest

from dev.gateway import proxy_event
from dev.template import Route, routes
from tally.access.model.scopes import Scope
from tests.api.samples import TENANT, caller_of, new_thing, sample
from tests.world import World

BASES = ("tally", "v1", "partner", "v1.2-$x")


def behind(base: str, event: dict[str, Any]) -> dict[str, Any]:
    """The event as API Gateway passes it on from a domain with a base path."""
    path = f"/{base}{event['path']}"
    return event | {"path": path, "requestContext": event["requestContext"] | {"path": path}}


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("route", routes(), ids=str)
def test_a_route_answers_behind_a_base_path(route: Route, base: str, world: World) -> None:
    world.tenant(TENANT)
    event = sample(route.function)
    event["headers"]["X-API-Key"] = world.key(caller_of(route), *Scope)
    if event["pathParameters"]:
        thing = new_thing(world, route, TENANT)
        event["path"] = event["path"].replace(event["pathParameters"]["id"], thing)
        event["pathParameters"]["id"] = thing

    assert world.invoke(behind(base, event)).status in (200, 201, 202)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("path", ["/", "/nope", "/partner/nope", "/partner"])
def test_what_no_route_takes_is_answered_alike(path: str, base: str, world: World) -> None:
    event = proxy_event("GET", path)

    assert world.invoke(behind(base, event)) == world.invoke(event)


@pytest.mark.parametrize("payout", ["pst_1", "v1", "provider"])
def test_an_unknown_id_is_answered_alike(payout: str, world: World) -> None:
    headers = {"X-API-Key": world.key(world.tenant(TENANT))}
    event = proxy_event("GET", f"/v1/provider/payouts/{payout}", headers)

    answer = world.invoke(behind("tally", event))

    assert answer == world.invoke(event)
    assert answer.status == 404
