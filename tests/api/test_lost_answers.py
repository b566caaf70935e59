"""The database does what it is told and answers that it failed: clients do not notice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dev.gateway import PLATFORM
from dev.template import Route
from tally.access.model.scopes import Scope
from tally.counting.recount import recount
from tally.payouts.model.statements import statement_id
from tests import builders
from tests.api.answers import accepted, answer, ingested, success
from tests.api.keys import ACMES_KEYS, DOOR, KEYS, TENANTS, enters, listed, post, revoke
from tests.api.routes import routes_where
from tests.api.samples import TENANT, caller_of, new_thing, visit
from tests.api.statements import access, detail, move, release_reserves, start, state
from tests.builders import told
from tests.faults import ForgetfulClient
from tests.world import World

pytestmark = pytest.mark.slow

MARCH = "2026-03"
AT = "2026-04-05T10:00:00Z"


@pytest.fixture
def market(world: World) -> World:
    """acme buys what is north's, and has only an administrator's key."""
    builders.market(world, "acme", TENANT, north=["dset_1"])
    for tenant_id in ("acme", PLATFORM):
        world.key(tenant_id, Scope.ADMIN)
    return world


def forget(world: World) -> ForgetfulClient:
    """From now on no transaction is answered well the first time."""
    client = ForgetfulClient(world.table.client)
    stand_in: Any = client
    world.table = replace(world.table, client=stand_in)
    return client


@routes_where(lambda route: route.method != "GET" and route.path != "/v1/sessions")
def test_every_route_that_writes_answers_as_ever(route: Route, market: World) -> None:
    thing = new_thing(market, route, TENANT)
    key = market.key(caller_of(route), *Scope)
    if str(route) == "POST /v1/events":
        key = market.key(PLATFORM, Scope.EVENTS_WRITE)
    client = forget(market)

    answered = visit(market, route, key, thing=thing)

    assert answered.status in (200, 201, 202), answered
    assert client.sent


# ------------------------------------------------------------------------ tenants and keys


def test_a_tenant_is_new(market: World) -> None:
    forget(market)

    answered = post(market, TENANTS, {"tenant_id": "new", "display_name": "New"})

    tenant = {
        "tenant_id": "new",
        "display_name": "New",
        "billing_currency": "USD",
        "fee_rate": "0.30",
        "reserve_rate": "0.10",
        "requests_per_minute": None,
        "query_text_retention_days": None,
        "created_at": AT,
    }
    assert answered == answer(201, success(tenant))


@pytest.mark.parametrize("url", [KEYS, ACMES_KEYS])
def test_a_key_is_shown_and_counts_once(url: str, market: World) -> None:
    forget(market)

    answered = post(market, url, {"name": "New", "scopes": ["usage:read"]})

    new = answered.body["data"]
    key = {
        "api_key_id": new["api_key_id"],
        "key_prefix": new["key_prefix"],
        "name": "New",
        "scopes": ["usage:read"],
        "status": "active",
        "created_at": AT,
        "expires_at": None,
    }
    assert answered == answer(201, success(key | {"key": new["key"]}))
    assert enters(market, new["key"])
    page = listed(market).body["data"]
    assert key | {"last_used_at": AT} in page["api_keys"]
    assert (len(page["api_keys"]), page["total"]) == (2, 2)
    counts = {"api_key_count": 2, "active_api_key_count": 2}
    assert market.get(DOOR, "acme", Scope.ADMIN) == counts


def test_a_key_is_revoked_once(market: World) -> None:
    key = market.new_key("acme", [Scope.USAGE_READ])[1]
    forget(market)

    answered = revoke(market, key.api_key_id)

    revoked = {"api_key_id": key.api_key_id, "status": "revoked"}
    assert answered == answer(200, success(revoked))
    counts = {"api_key_count": 2, "active_api_key_count": 1}
    assert market.get(DOOR, "acme", Scope.ADMIN) == counts


# ----------------------------------------------------------------------- events and counts


def test_events_are_accepted_and_counted_once(market: World) -> None:
    sent = [
        told("object.uploaded", tenant_id="north", size_bytes=5),
        told("dataset.accessed", tenant_id="acme", charged_amount="0.45"),
        told("organization.created"),
        told("identification.recorded", quantity=3),
    ]
    market.deliver()
    forget(market)

    assert market.send(*sent) == ingested(202, *map(accepted, sent))
    assert market.import_history(access(MARCH, "1")).status == 202

    counted = market.deliver()
    assert counted.already_counted == 0
    for tenant_id in ("acme", "north"):
        assert recount(market.table, tenant_id, sleep=lambda _: None) == []
    spend = market.get("/v1/buyer/spend", "acme", Scope.BILLING_READ)
    assert str(spend["total_spend"]) == "0.45"


# --------------------------------------------------------------------------------- payouts


def test_a_run_begins_once(market: World) -> None:
    market.import_history(access(MARCH, "10"))
    forget(market)

    answered = start(market, {"period": MARCH})

    run = {
        "payout_run_id": answered.body["data"]["payout_run_id"],
        "period": MARCH,
        "status": "running",
        "expected": 1,
        "started_at": AT,
    }
    assert answered == answer(202, success(run))
    assert len(market.tasks.bodies) == 1


def test_a_statement_is_made_by_the_run_that_made_it(market: World) -> None:
    forget(market)

    run = state(market, MARCH, access(MARCH, "10"))

    assert (run.generated, run.unchanged, run.failed) == (1, 0, 0)
    made = detail(market, MARCH)
    assert [change["changed_by"] for change in made["status_history"]] == [run.run_id]
    assert str(made["released_amount"]) == "6.00"


def test_a_payment_takes_each_step_once(market: World) -> None:
    state(market, MARCH, access(MARCH, "10"))
    payout_id = statement_id("north", MARCH, "USD")
    forget(market)

    for status in ("processing", "failed", "processing", "paid"):
        answered = move(market, payout_id, status)
        assert (answered.status, answered.body["data"]["status"]) == (200, status)

    steps = [change["status"] for change in detail(market, MARCH)["status_history"]]
    assert steps == ["pending", "processing", "failed", "processing", "paid"]


def test_a_reserve_is_released_by_the_run_that_released_it(market: World) -> None:
    state(market, MARCH, access(MARCH, "10"))
    market.wait(days=90)
    forget(market)

    release_reserves(market)

    reserve = detail(market, MARCH)["reserve"]
    assert [str(reserve[name]) for name in ("released", "still_held")] == ["1.00", "0.00"]
    assert len(reserve["releases"]) == 1
