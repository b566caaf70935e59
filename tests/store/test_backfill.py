"""`tally series backfill`: what was accepted before a release comes into its counters, once."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ops import series as command
from ops.counters import recount_tenants
from ops.deployment import Deployment
from tally.access.model.scopes import Scope
from tally.aws.moments import SETTLED_AFTER, series_since
from tally.aws.table import Table
from tally.catalog.items import listed_datasets_pk
from tally.counting import engine, parking
from tally.counting.backfilling import fill
from tally.counting.changes import Poison
from tally.counting.markers import Markers
from tally.counting.parts import NO_PARTS
from tally.counting.recount import Drift, recount
from tally.counting.repair import Repaired, repair
from tally.kernel.counters import series_key
from tally.kernel.instants import to_datetime
from tally.kernel.keys import Key
from tests import builders
from tests.api.charges import refund
from tests.builders import accept, told
from tests.faults import Crash, crash_after, crash_before
from tests.world import World

type Record = dict[str, Any]

TENANTS = ("acme", "north")
NEVER = "9999-12-31T23:59:59.999999999Z"


@pytest.fixture
def upgraded(world: World) -> World:
    """A table of an earlier release, with history, which this release has just come to."""
    world.table.transact([world.table.delete(series_key())])
    builders.market(world, "acme", north=["dset_1", "dset_2"])
    trade(world)
    as_before(world, world.new_stream_records())
    for item in world.items():
        if item["SK"]["S"].startswith(("SEARCH#", "ACCESS#")):  # it kept no such time
            key = Key(item["PK"]["S"], item["SK"]["S"])
            world.table.transact([world.table.update(key, "REMOVE accepted_at")])
    world.new_stream_records()
    series_since(world.table, world.now)
    return world


def trade(world: World) -> None:
    """One of everything that series count."""
    search = told(
        "search.performed",
        "2026-04-02T09:00:00Z",
        charged_amount="3",
        dataset_ids=["dset_1", "dset_2"],
    )
    late = told("dataset.accessed", "2026-03-02T09:00:00Z", charged_amount="0.77")
    accept(world, search, late, refund(search, "1"))


def as_before(world: World, batch: Sequence[Record]) -> None:
    """What the earlier release did with a batch: it did not know series."""
    markers = Markers(world.table, world.now, shared_since=0)
    engine.count_under(markers, world.table, batch, NO_PARTS, NEVER)


def clock(world: World) -> Callable[[], float]:
    return lambda: to_datetime(world.now).timestamp()


def settle(world: World) -> None:
    world.wait(hours=2)
    world.wait(seconds=SETTLED_AFTER.total_seconds())


def backfill(world: World, table: Table | None = None) -> list[str]:
    """What it says."""
    said: list[str] = []
    moment = series_since(world.table, world.now)
    fill(table or world.table, TENANTS, moment, said.append)
    return said


def drifts(world: World, tenant_id: str) -> list[Drift]:
    return recount(world.table, tenant_id, sleep=lambda _: None, clock=clock(world))


def repaired(world: World, tenant_id: str) -> Repaired:
    return repair(
        world.table,
        tenant_id,
        clock=clock(world),
        sleep=lambda seconds: world.wait(seconds=seconds),
    )


def assert_exact(world: World) -> None:
    assert [drifts(world, tenant_id) for tenant_id in TENANTS] == [[], []]


def test_it_adds_what_was_accepted_before(upgraded: World) -> None:
    settle(upgraded)
    assert all(drifts(upgraded, tenant_id) for tenant_id in TENANTS), "or this shows nothing"

    said = backfill(upgraded)

    assert_exact(upgraded)
    assert said == [
        "acme: 3 counters filled, 0 before",
        # Two days of the provider and of each of two datasets, and their lines.
        "north: 8 counters filled, 0 before",
    ]


def test_a_second_one_changes_nothing(upgraded: World) -> None:
    settle(upgraded)
    backfill(upgraded)
    with upgraded.unchanged():
        said = backfill(upgraded)

    assert said == ["acme: 0 counters filled, 3 before", "north: 0 counters filled, 8 before"]


@pytest.mark.parametrize("fault", [crash_before, crash_after])
def test_it_may_die_at_any_write(upgraded: World, fault: Any) -> None:
    settle(upgraded)
    deaths = 0
    for at in range(10):
        client: Any = Dying(upgraded.table.client, at, fault)
        try:
            backfill(upgraded, replace(upgraded.table, client=client))
        except Crash:
            deaths += 1

    backfill(upgraded)
    assert deaths
    assert_exact(upgraded)


def test_two_at_a_time(upgraded: World) -> None:
    settle(upgraded)
    client: Any = Dying(upgraded.table.client, 4, lambda write: (backfill(upgraded), write())[1])
    backfill(upgraded, replace(upgraded.table, client=client))

    assert_exact(upgraded)


@pytest.mark.parametrize("seed", range(3))
def test_while_events_flow(upgraded: World, seed: int) -> None:
    """Records of before the moment and after it are delivered in any order, again and again, by
    either release before the moment; out of the parking and out of the bucket."""
    random = Random(seed)
    on_its_way: list[Record] = []

    def flow(count: Callable[[Sequence[Record]], object]) -> None:
        trade(upgraded)
        on_its_way.extend(upgraded.new_stream_records())
        random.shuffle(on_its_way)
        now = random.randint(0, len(on_its_way))
        count(on_its_way[:now])
        count(on_its_way[: now // 2])
        del on_its_way[:now]

    for _ in range(2):
        flow(lambda batch: as_before(upgraded, batch))
        flow(upgraded.redeliver)
        upgraded.wait(minutes=30)
    settle(upgraded)
    for raw in on_its_way[:2]:
        parking.park(upgraded.table, Poison(raw, "no reason"), upgraded.now)
    flow(upgraded.redeliver)
    backfill(upgraded)
    flow(upgraded.redeliver)
    for each in list(parking.list_parked(upgraded.table)):
        upgraded.replay(each.parked_id)
    upgraded.redeliver(on_its_way)
    upgraded.deliver()

    assert_exact(upgraded)


@pytest.mark.parametrize("first", ["repair", "backfill"])
def test_a_repair_and_a_backfill_agree(upgraded: World, first: str) -> None:
    settle(upgraded)
    steps: list[Callable[[], object]] = [
        lambda: [repaired(upgraded, tenant_id) for tenant_id in TENANTS],
        lambda: backfill(upgraded),
    ]
    for step in steps if first == "repair" else reversed(steps):
        step()
        assert_exact(upgraded)

    trade(upgraded)
    upgraded.deliver()
    assert_exact(upgraded)


def test_a_repair_before_the_moment_leaves_these_counters_alone(upgraded: World) -> None:
    """It could not know what is accepted until then."""
    assert_exact(upgraded)  # of the others
    for tenant_id in TENANTS:
        assert repaired(upgraded, tenant_id) == Repaired([], [])
    trade(upgraded)
    upgraded.deliver()
    settle(upgraded)
    backfill(upgraded)

    assert_exact(upgraded)


def test_the_command(
    upgraded: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed = Deployment(upgraded.table, {}, None, None)
    monkeypatch.setattr(command, "current_instant", lambda: upgraded.now)
    monkeypatch.setattr("tally.aws.moments.database_clock", lambda _: clock(upgraded)())
    asked = Namespace(tenant=["acme", "north"], repair=False, pause=0)

    assert command.backfill(deployed, asked) == 1
    assert recount_tenants(deployed, asked) == 0, "nobody can tell yet what they should be"
    settle(upgraded)
    assert recount_tenants(deployed, asked) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == (
        "It is too early: earlier functions may still be at work. "
        "Come again at 2026-04-05T12:15:01Z."
    )
    assert "  some may lack what a backfill adds: tally series backfill acme" in told

    assert command.backfill(deployed, asked) == 0
    assert recount_tenants(deployed, asked) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "acme: 3 counters filled, 0 before",
        "north: 8 counters filled, 0 before",
    ]


def test_a_new_table_has_nothing_to_fill(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    deployed = Deployment(world.table, {}, None, None)
    with world.unchanged():
        assert command.backfill(deployed, Namespace(tenant=[])) == 0
    assert capsys.readouterr().out == (
        "No counter lacks anything: series were counted from the table's beginning on.\n"
        "lists: 0 payout runs and 0 reserves were added\n"
    )


def test_a_list_is_corrected_on_any_table(world: World) -> None:
    """After a restoration it may lack what its records have."""
    builders.market(world, "acme", north=["dset_1"])
    world.deliver()
    whole = datasets(world)
    (place,) = world.table.query(listed_datasets_pk("north"))
    world.table.write(world.table.delete(Key(place["PK"], place["SK"])))
    assert datasets(world) == whole | {"datasets": []}

    assert command.backfill(Deployment(world.table, {}, None, None), Namespace(tenant=[])) == 0

    assert datasets(world) == whole


def datasets(world: World) -> Any:
    return world.get("/v1/provider/datasets", "north", Scope.USAGE_READ)


def test_a_record_that_cannot_be_read_holds_up_its_tenant_only(upgraded: World) -> None:
    settle(upgraded)
    odd = Key("LEDGER#acme#2026-04", "DEBIT#odd")
    upgraded.table.write(upgraded.table.put(odd, {}))
    said: list[str] = []

    moment = series_since(upgraded.table, upgraded.now)
    assert not fill(upgraded.table, TENANTS, moment, said.append)

    assert said[0].startswith(f"acme: {odd.pk} / {odd.sk} cannot be read")
    assert "north: 8 counters filled, 0 before" in said
    upgraded.table.write(upgraded.table.delete(odd))
    assert "acme: 3 counters filled, 0 before" in backfill(upgraded)
    assert_exact(upgraded)


class Dying:
    """A client that meets a fault at its nth write."""

    def __init__(self, real: Any, at: int, fault: Any) -> None:
        self.real, self.left, self.fault = real, at, fault

    def update_item(self, **call: Any) -> Any:
        self.left -= 1
        if self.left == -1:
            return self.fault(lambda: self.real.update_item(**call))
        return self.real.update_item(**call)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
