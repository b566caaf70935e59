"""Organizations' months come to a live table: what was accepted before is added from the marks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from tally.aws import scanning
from tally.aws.moments import SETTLED_AFTER, series_since
from tally.counting.backfilling import fill
from tally.intake import accepting
from tally.kernel.counters import series_key
from tally.kernel.memory import Memory
from tally.partners.model.usage import LoneUsage
from tests import builders
from tests.builders import event
from tests.faults import Crash, Fault, FaultyClient, crash_after, crash_before, rival
from tests.portfolios import (
    counted,
    counted_of_organizations,
    usage,
    usage_entries,
    usage_of_organizations,
)
from tests.store.recounts import MONTH, drifts, repaired
from tests.world import World

PARTNERS = ("acme", "rival")
ORGANIZATIONS = ("org_1", "org_2", "org_3")
TIMES = ("2026-03-31T23:59:59Z", "2026-04-01T00:00:00Z", "2026-04-05T09:00:00Z")


@dataclass
class Traffic:
    """Usage of both partners, alone and together; `taken` is what was accepted."""

    world: World
    random: Random
    taken: list[dict[str, Any]] = field(default_factory=list)
    on_its_way: list[dict[str, Any]] = field(default_factory=list)

    def send(self, number: int, partner: str | None = None) -> None:
        """In one request, all of one partner."""
        partner = partner or self.random.choice(PARTNERS)
        events = [self._event(partner) for _ in range(number)]
        assert self.world.send(*events).body["data"]["accepted"] == number
        self.taken += events

    def flow(self, requests: int = 4) -> None:
        """Some is counted by the stream at once, and the rest later."""
        for _ in range(requests):
            self.send(self.random.choice([1, 1, 2, 5]))
        self.on_its_way += self.world.new_stream_records()
        self.random.shuffle(self.on_its_way)
        now = self.random.randint(0, len(self.on_its_way))
        self.world.redeliver(self.on_its_way[:now])
        del self.on_its_way[:now]

    def drain(self) -> None:
        self.world.redeliver(self.on_its_way)
        self.on_its_way = []
        self.world.deliver()

    def _event(self, partner: str) -> dict[str, Any]:
        data: dict[str, Any] = {
            "partner_id": partner,
            "organization_id": self.random.choice(ORGANIZATIONS),
            "quantity": self.random.randint(0, 9),
        }
        kind = self.random.choice(["identification.recorded", "usage.recorded"])
        if kind == "usage.recorded":
            data["kind"] = "page_view"
        return event(kind, self.random.choice(TIMES), **data)


@pytest.fixture
def upgraded(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A table with organizations, to which this release has just come."""
    monkeypatch.setattr(accepting, "_busy", Memory(10))
    world.table.transact([world.table.delete(series_key())])
    builders.market(world, *PARTNERS)
    for partner in PARTNERS:
        said = {"partner_id": partner, "name": "Harbour"}
        world.send(
            *(
                event("organization.created", TIMES[0], organization_id=each, **said)
                for each in ORGANIZATIONS
            )
        )
    world.deliver()
    series_since(world.table, world.now)
    return world


def backfill(world: World, *partners: str, meeting: Fault | None = None, at: int = 0) -> list[str]:
    """What it says. A write may meet a fault."""
    said: list[str] = []
    client: Any = FaultyClient(world.table.client)
    if meeting:
        client.after(at, meeting)
    table = replace(world.table, client=client)
    fill(table, partners or PARTNERS, series_since(world.table, world.now), said.append)
    return said


def settle(world: World) -> None:
    world.wait(hours=2)
    world.wait(seconds=SETTLED_AFTER.total_seconds())


def assert_exact(traffic: Traffic) -> None:
    """Organizations' months and partners' days say what was accepted, and recounts agree."""
    for partner in PARTNERS:
        own = [each for each in traffic.taken if each["data"]["partner_id"] == partner]
        assert counted_of_organizations(traffic.world, partner) == usage_of_organizations(own)
        assert counted(traffic.world, partner) == usage(own)
        assert drifts(traffic.world, partner) == []


@pytest.mark.parametrize("seed", range(3))
def test_they_are_filled_exactly_while_events_flow(upgraded: World, seed: int) -> None:
    """What is counted late is counted for the day alone, or for the organization too, as it was
    accepted; and lone events are counted between the writes of the backfill."""
    traffic = Traffic(upgraded, Random(seed))
    traffic.flow(8)
    upgraded.wait(hours=1, minutes=59)
    traffic.flow(8)
    upgraded.wait(minutes=1)
    traffic.flow(8)
    upgraded.wait(seconds=SETTLED_AFTER.total_seconds())
    traffic.flow()

    for fault in (crash_before, crash_after):
        with pytest.raises(Crash):
            backfill(upgraded, meeting=fault)
    backfill(upgraded, "acme", meeting=rival(lambda: traffic.send(1)), at=2)
    with pytest.raises(Crash):  # at the first counter of the other partner
        backfill(upgraded, "rival", meeting=crash_after)
    backfill(upgraded, meeting=rival(lambda: backfill(upgraded)))
    traffic.flow()
    traffic.drain()

    assert_exact(traffic)
    assert {type(each) for each in usage_entries(upgraded.table, "acme")} > {LoneUsage}


def test_before_it_they_have_what_was_accepted_from_the_moment_on(upgraded: World) -> None:
    """And agree with a recount at any time."""
    early = Traffic(upgraded, Random(1))
    early.flow(6)
    early.drain()
    assert not any(counted_of_organizations(upgraded, partner) for partner in PARTNERS)
    assert [drifts(upgraded, partner) for partner in PARTNERS] == [[], []]
    settle(upgraded)
    late = Traffic(upgraded, Random(2))
    late.flow(6)
    late.drain()
    for partner in PARTNERS:
        own = [each for each in late.taken if each["data"]["partner_id"] == partner]
        assert counted_of_organizations(upgraded, partner) == usage_of_organizations(own)
        assert drifts(upgraded, partner) == []

    backfill(upgraded)

    assert_exact(Traffic(upgraded, Random(), early.taken + late.taken))


def test_a_second_one_changes_nothing(upgraded: World) -> None:
    traffic = Traffic(upgraded, Random(3))
    traffic.send(5, "acme")
    traffic.drain()
    settle(upgraded)
    first = backfill(upgraded)
    with upgraded.unchanged():
        second = backfill(upgraded)

    filled = len([each for each in upgraded.items() if each["PK"]["S"] == "USED#acme"])
    assert first[-1] == f"acme: {filled} counters filled, 0 before"
    assert second[-1] == f"acme: 0 counters filled, {filled} before"
    assert_exact(traffic)


def test_only_of_the_partners_that_are_named(upgraded: World) -> None:
    traffic = Traffic(upgraded, Random(4))
    for partner in PARTNERS:
        traffic.send(3, partner)
    traffic.drain()
    settle(upgraded)

    backfill(upgraded, "rival")
    assert not counted_of_organizations(upgraded, "acme")
    assert counted_of_organizations(upgraded, "rival")
    backfill(upgraded)

    assert_exact(traffic)


@pytest.mark.parametrize("repairs_first", [True, False])
def test_a_repair_before_or_after_it_changes_nothing(
    upgraded: World, *, repairs_first: bool
) -> None:
    traffic = Traffic(upgraded, Random(5))
    for _ in range(6):
        traffic.send(1, "acme")
        traffic.send(2, "acme")
    settle(upgraded)
    traffic.send(1, "acme")
    traffic.send(9, "acme")
    batch = upgraded.new_stream_records()
    if not repairs_first:
        backfill(upgraded)
    upgraded.table.transact([upgraded.table.add(MONTH.key, {"quantity": 1000})])

    assert repaired(upgraded).left == []
    if repairs_first:
        backfill(upgraded)
    upgraded.redeliver(batch)

    assert_exact(traffic)


def test_it_tells_how_far_it_read(upgraded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_TELL_EVERY", len(upgraded.items()))
    settle(upgraded)

    assert backfill(upgraded)[-1] == f"{len(upgraded.items()):,} items of the table read"
