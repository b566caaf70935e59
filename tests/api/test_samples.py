"""The sample events in events/ do what they say, for every function."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from dev import ROOT
from dev.template import Route, resources, route_for, routes
from functions.triggers.queues.receive_events import app as receiving
from functions.triggers.queues.rescue_objects import app as rescuing
from functions.triggers.stream.count_changes import app as counting
from tally.access.model.scopes import Scope
from tally.counting.rescues import Rescue
from tally.payouts.tasks import Task
from tests.api.samples import TENANT, caller_of, new_thing, sample
from tests.world import World


def test_every_function_has_one_sample_and_every_sample_a_function() -> None:
    samples = {path.stem for path in (ROOT / "events").iterdir()}

    assert samples == set(resources("AWS::Serverless::Function"))


@pytest.mark.parametrize("route", routes(), ids=str)
def test_a_sample_succeeds_with_a_key_put_in(route: Route, world: World) -> None:
    world.tenant(TENANT)
    event = sample(route.function)
    assert re.fullmatch(r"\$\{\w+_key\}", event["headers"]["X-API-Key"])
    event["headers"]["X-API-Key"] = world.key(caller_of(route), *Scope)
    if event["pathParameters"]:
        thing = new_thing(world, route, TENANT)
        event["path"] = event["path"].replace(event["pathParameters"]["id"], thing)
        event["pathParameters"]["id"] = thing

    answer = world.invoke(event)

    assert answer.status in (200, 201, 202), answer
    assert answer.headers["X-Request-Id"] == "req_sample"


@pytest.mark.parametrize("route", routes(), ids=str)
def test_a_sample_is_what_the_gateway_makes_of_its_request(route: Route) -> None:
    event = sample(route.function)

    taken, parameters = route_for(event["httpMethod"], event["path"])

    assert taken == route
    assert event["resource"] == route.path
    assert event["pathParameters"] == (parameters or None)
    assert event["requestContext"]["path"] == f"/live{event['path']}"


def test_the_sample_of_what_no_route_answers(world: World) -> None:
    event = sample("Fallback")

    taken, parameters = route_for(event["httpMethod"], event["path"])

    assert (taken.function, event["resource"]) == ("Fallback", taken.path)
    assert event["pathParameters"] == parameters
    assert world.invoke(event).status == 404


def test_the_stream_sample_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = world.tenant("sample-provider")
    monkeypatch.setattr(counting, "default_table", lambda: world.table)

    counting.handler(sample("CountChanges"), None)

    assert world.get("/v1/provider/dashboard", owner) == {
        "total_datasets": 1,
        "total_objects": 1,
        "total_storage_bytes": 4096,
        "objects_pending_review": 1,
        "objects_approved": 0,
        "objects_rejected": 0,
    }
    # The sample says what changed, not what is: there is no page of it to ask for.
    assert world.get("/v1/agent/activity/searches", owner)["total"] == 1
    assert world.get("/v1/buyer/spend", owner)["search_spend"] == Decimal("0.24")
    april = "startDate=2026-04-01&endDate=2026-04-30"
    assert world.get_partner(f"/partner/usage?{april}", owner) == {
        "startDate": "2026-04-01",
        "endDate": "2026-04-30",
        "totalQuantity": 352,
        "totalEvents": 2,
    }
    assert world.get_partner("/partner/analytics", owner)["totalOrganizations"] == 1


def test_the_bus_sample_is_accepted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = world.tenant(TENANT)
    monkeypatch.setattr(receiving, "default_table", lambda: world.table)

    receiving.handler(sample("ReceiveEvents"), None)

    world.deliver()
    assert world.get("/v1/provider/dashboard", owner)["total_datasets"] == 1


def test_the_payout_sample_is_a_task_of_the_demo_s_run() -> None:
    (message,) = sample("GeneratePayout")["Records"]

    assert Task.from_json(message["body"]) == Task("${payout_run_id}", TENANT, "2026-03", "USD")


def test_the_rescue_sample_is_one_of_the_demo_s_dataset(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is done: whoever invokes the sample changes nothing."""
    (message,) = sample("RescueObjects")["Records"]
    epoch = "2026-04-05T09:30:00.000000000Z-5e88489871e2"
    assert Rescue.from_json(message["body"]) == Rescue("dset_a1b2c3d4e5f6", epoch)
    monkeypatch.setattr(rescuing, "default_table", lambda: world.table)
    monkeypatch.setattr(rescuing, "object_rescues", lambda: world.rescues)

    with world.unchanged():
        rescuing.handler(sample("RescueObjects"), None)

    assert world.rescues.bodies == []
