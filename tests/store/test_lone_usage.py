"""An event of usage that comes alone is counted when it is accepted, unless many come at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tally.counting.recount import recount
from tally.intake.accepting import Accepted, ingest
from tally.intake.cloudevents import read_event
from tally.kernel.events import Door
from tally.partners.model.usage import LoneUsage, Usage, UsageEntry
from tests.builders import event
from tests.faults import Fault, FaultyClient, conflict, error_after, rival, throttle
from tests.portfolios import usage_entries
from tests.store.recounts import DAY, MONTH, drifts, repaired
from tests.world import World

USAGE = "/partner/usage?startDate=2026-04-05&endDate=2026-04-05"
ONE = event("identification.recorded", quantity=3)
OTHER = event("usage.recorded", kind="exports", quantity=4)


@pytest.fixture
def partner(world: World) -> World:
    world.tenant("acme")
    world.send(event("organization.created"))
    world.deliver()
    return world


def used(world: World) -> tuple[int, int]:
    """By the partner on its day, and by its only organization in the month."""
    told = world.get_partner(USAGE, "acme")
    quantity, events = told["totalQuantity"], told["totalEvents"]
    months = world.get_partner("/partner/organizations/usage", "acme")["organizations"]
    found = [(month["quantity"], month["events"]) for month in months]
    assert found == ([(quantity, events)] if events else [])
    return quantity, events


def stored(world: World) -> list[UsageEntry | LoneUsage]:
    return list(usage_entries(world.table, "acme"))


def meeting(world: World, *faults: Fault) -> FaultyClient:
    """The world's writes meet these faults."""
    client = FaultyClient(world.table.client)
    standing_in: Any = client
    world.table = replace(world.table, client=standing_in)
    for n, fault in enumerate(faults):
        client.after(n, fault)
    return client


def test_it_is_counted_at_once_and_brings_nothing_to_the_stream(partner: World) -> None:
    assert partner.send(ONE).body["data"]["accepted"] == 1
    assert partner.send(OTHER).body["data"]["accepted"] == 1

    assert used(partner) == (7, 2)
    assert stored(partner) == [LoneUsage("acme", "2026-04-05", Usage(3, 7, 2, 3))]
    assert partner.new_stream_records() == []
    assert drifts(partner) == []


def test_again_it_is_a_duplicate(partner: World) -> None:
    partner.send(ONE)
    for events in ([ONE], [ONE, ONE], [ONE, OTHER], [OTHER]):
        partner.send(*events)
    partner.deliver()

    assert used(partner) == (7, 2)
    conflicting = partner.send({**ONE, "data": {**ONE["data"], "quantity": 9}})
    assert conflicting.body["data"]["results"][0]["error"]["code"] == "event_conflict"
    assert used(partner) == (7, 2)


def test_several_are_entered_and_counted_by_the_stream(partner: World) -> None:
    partner.send(ONE, OTHER)

    assert [type(each) for each in stored(partner)] == [UsageEntry]
    assert used(partner) == (0, 0)
    partner.deliver()
    assert used(partner) == (7, 2)


def test_after_a_conflict_they_are_left_to_the_stream_for_a_minute(partner: World) -> None:
    client = meeting(partner, conflict)

    assert partner.send(ONE).body["data"]["accepted"] == 1
    assert client.writes == 2
    partner.wait(seconds=59)
    partner.send(OTHER)
    assert client.writes == 3
    assert used(partner) == (0, 0)
    partner.deliver()
    assert used(partner) == (7, 2)

    partner.wait(seconds=1)
    partner.send(event("identification.recorded", quantity=5))
    assert used(partner) == (12, 3)
    assert drifts(partner) == []


@pytest.mark.parametrize(
    "faults",
    [[error_after], [throttle, error_after], [error_after, conflict], [throttle, conflict]],
    ids=lambda faults: ", ".join(fault.__name__ for fault in faults),
)
def test_what_was_done_is_accepted_and_counts_once(partner: World, faults: list[Fault]) -> None:
    meeting(partner, *faults)

    assert partner.send(ONE).body["data"]["accepted"] == 1

    partner.deliver()
    assert used(partner) == (3, 1)
    assert drifts(partner) == []


def test_the_same_event_twice_at_the_same_time(partner: World) -> None:
    table, door, told = partner.table, Door(partner.now), list[Any]()
    meeting(partner, rival(lambda: told.extend(ingest(table, [read_event(ONE, door.now)], door))))

    assert partner.send(ONE).body["data"]["duplicates"] == 1
    assert told == [Accepted()]
    assert used(partner) == (3, 1)


@pytest.mark.parametrize("counter", [DAY, MONTH])
def test_drift_beside_it_is_found_and_repaired(partner: World, counter: Any) -> None:
    partner.send(ONE)
    partner.send(OTHER, event("usage.recorded", kind="exports", quantity=1))
    partner.deliver()
    partner.table.transact([partner.table.add(counter.key, {"quantity": 10})])

    assert [(d.counter, d.stored, d.expected) for d in drifts(partner)] == [(counter.key, 18, 8)]
    assert repaired(partner).left == []
    assert drifts(partner) == []
    assert used(partner) == (8, 3)


def test_a_repair_counts_none_of_it_twice(partner: World) -> None:
    """One is counted while it is repaired, one is entered before and delivered after."""
    partner.send(ONE)
    partner.send(OTHER, event("usage.recorded", kind="exports", quantity=1))
    batch = partner.new_stream_records()
    waits: list[float] = []

    def meanwhile(seconds: float) -> None:
        waits.append(seconds)
        partner.wait(seconds=seconds / 2)
        partner.send(event("identification.recorded", quantity=100))
        partner.wait(seconds=seconds / 2)

    repaired(partner, sleep=meanwhile)
    assert repaired(partner).left == []
    partner.redeliver(batch)

    meanwhile_sent = len(waits)
    assert meanwhile_sent > 0
    assert used(partner) == (8 + 100 * meanwhile_sent, 3 + meanwhile_sent)
    assert recount(partner.table, "acme", sleep=lambda _: None) == []
