"""Where a key is remembered for a few seconds, and where it never is: over all routes."""

from __future__ import annotations

import pytest

from dev.template import Route
from tally.access.model.scopes import Scope
from tests import builders
from tests.api.answers import UNAUTHORIZED
from tests.api.keys import revoke
from tests.api.routes import CONTRACT, each_route, routes_where
from tests.api.samples import TENANT, caller_of, new_thing, visit
from tests.world import World

# Who has one of these may issue keys, move money or let others in. None: whatever scopes a key has,
# it may open a session.
FAR_REACHING = (Scope.KEYS_WRITE, Scope.ADMIN, None)


def is_far_reaching(route: Route) -> bool:
    return CONTRACT[str(route)][0] in FAR_REACHING


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, TENANT)


def busy_key(world: World, route: Route) -> tuple[str, str, str]:
    """A key that was used a moment ago in every function, its id, and a thing to ask about."""
    tenant_id = caller_of(route)
    text, key = world.new_key(tenant_id, list(Scope))
    thing = new_thing(world, route, TENANT)
    world.key(tenant_id, Scope.ADMIN)  # whoever revokes it
    visit(world, route, text, thing=thing)
    world.warm = True
    visit(world, route, text, thing=thing)
    return text, key.api_key_id, thing


@routes_where(is_far_reaching)
def test_a_revoked_key_issues_and_administers_nothing_from_that_moment(
    route: Route, market: World
) -> None:
    key, key_id, thing = busy_key(market, route)
    revoke(market, key_id, tenant_id=caller_of(route))

    with market.unchanged():
        assert visit(market, route, key, thing=thing) == UNAUTHORIZED


@routes_where(lambda route: not is_far_reaching(route))
def test_elsewhere_a_revoked_key_is_forgotten_within_30_seconds(
    route: Route, market: World
) -> None:
    key, key_id, thing = busy_key(market, route)
    revoke(market, key_id, tenant_id=caller_of(route))

    assert visit(market, route, key, thing=thing).status != 401
    market.wait(seconds=29)
    assert visit(market, route, key, thing=thing).status == 401


@each_route
def test_a_warm_function_reads_a_key_only_where_it_is_not_remembered(
    route: Route, market: World
) -> None:
    key, key_id, thing = busy_key(market, route)
    looked_up: list[bool] = []

    def note(params: dict[str, object], **_: object) -> None:
        if f"APIKEY#{key_id.removeprefix('key_')}" in str(params.get("Key")):
            looked_up.append(bool(params["ConsistentRead"]))

    events = market.table.client.meta.events
    events.register("provide-client-params.dynamodb.GetItem", note)
    try:
        visit(market, route, key, thing=thing)
    finally:
        events.unregister("provide-client-params.dynamodb.GetItem", note)

    assert looked_up == ([True] if is_far_reaching(route) else [])
