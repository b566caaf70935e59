"""From a release that gives each change a marker of its own to one whose changes share theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ops import deploying
from ops.deployment import Deployment
from tally.aws.moments import AHEAD, series_since
from tally.aws.table import Table
from tally.catalog.counters import ProviderTotals
from tally.counting import engine, parking
from tally.counting.changes import Counted, Poison
from tally.counting.items import shared_markers_key
from tally.counting.markers import Markers
from tally.counting.parts import NO_PARTS, Parts
from tally.counting.recount import recount
from tally.counting.switch import forget_moment, share_from_the_start, shared_since
from tally.kernel.counters import series_key
from tally.kernel.instants import plus, to_datetime
from tests.builders import event
from tests.faults import FaultyClient, rival
from tests.world import World

type Record = dict[str, Any]
_names = count(1)


@pytest.fixture
def old_world(world: World) -> World:
    """A table that an earlier release has counted."""
    for key in (shared_markers_key(), series_key()):
        world.table.transact([world.table.delete(key)])
    world.tenant("acme")
    world.send(event("dataset.created"))
    return world


def upload(world: World, *objects: str) -> list[Record]:
    world.send(*(event("object.uploaded", object_id=each, size_bytes=1) for each in objects))
    return world.new_stream_records()


def process(world: World) -> Table:
    """A table as a new process sees it."""
    client: Any = Renamed(world.table)
    return replace(world.table, client=client, name=f"as-seen-by-{next(_names)}")


class Renamed:
    """A client that knows the table by any name: what a process remembers goes by the name."""

    def __init__(self, table: Table) -> None:
        self.real, self.name = table.client, table.name

    def get_item(self, **call: Any) -> Any:
        return self.real.get_item(**call | {"TableName": self.name})

    def query(self, **call: Any) -> Any:
        return self.real.query(**call | {"TableName": self.name})

    def batch_get_item(self, **call: Any) -> Any:
        ((name, wanted),) = call["RequestItems"].items()
        answer = self.real.batch_get_item(RequestItems={self.name: wanted})
        left = answer["UnprocessedKeys"]
        return {
            "Responses": {name: answer["Responses"][self.name]},
            "UnprocessedKeys": {name: left[self.name]} if left else {},
        }

    def transact_write_items(self, **call: Any) -> Any:
        for action in call["TransactItems"]:
            for body in action.values():
                body["TableName"] = self.name
        return self.real.transact_write_items(**call)


def as_before(world: World, batch: Sequence[Record]) -> Counted:
    """What the earlier release did with a batch."""
    markers = Markers(world.table, world.now, shared_since=None)
    return engine.count_under(markers, world.table, batch, NO_PARTS)


def as_now(world: World, batch: Sequence[Record]) -> Counted:
    """A new process of this release."""
    return engine.count(process(world), batch, world.now)


def objects(world: World) -> int:
    number: int = world.get("/v1/provider/dashboard", "acme")["total_objects"]
    assert recount(world.table, "acme", sleep=lambda _: None) == []
    return number


def test_the_first_process_sets_the_moment_for_all(old_world: World) -> None:
    first = shared_since(process(old_world), old_world.now)
    later = plus(old_world.now, AHEAD * 2)

    assert first == to_datetime(plus(old_world.now, AHEAD)).timestamp()
    assert shared_since(process(old_world), later) == first


def test_two_first_processes_agree(old_world: World) -> None:
    other = process(old_world)
    client: Any = FaultyClient(old_world.table.client)
    told = []
    client.after(0, rival(lambda: told.append(shared_since(other, old_world.now))))
    later = plus(old_world.now, AHEAD / 2)

    mine = shared_since(replace(old_world.table, client=client), later)

    assert told == [mine]
    assert mine == to_datetime(plus(old_world.now, AHEAD)).timestamp()


def test_both_releases_count_side_by_side_and_each_change_once(old_world: World) -> None:
    before = upload(old_world, "o1", "o2")  # with the dataset's change before them
    assert as_before(old_world, before).counted == 3
    between = upload(old_world, "o3", "o4", "o5")
    assert as_now(old_world, [*between[:2], *before]).counted == 2
    assert as_before(old_world, [*before, *between]).counted == 1
    assert as_now(old_world, [*before, *between]).counted == 0
    assert objects(old_world) == 5

    old_world.wait(hours=AHEAD.total_seconds() / 3600)
    after = upload(old_world, "o6", "o7")
    assert as_now(old_world, [*after[:1], *between, *before]).counted == 1
    assert as_now(old_world, [*before, *between, *after]).counted == 1
    assert objects(old_world) == 7


def test_what_the_earlier_release_gave_up_is_counted_once_weeks_later(old_world: World) -> None:
    given_up = upload(old_world, "o1", "o2", "o3")
    assert as_before(old_world, given_up[:2]).counted == 2
    shared_since(process(old_world), old_world.now)
    old_world.wait(days=27)

    assert as_now(old_world, given_up).counted == 2
    assert as_now(old_world, given_up).already_counted == 4
    assert objects(old_world) == 3


@pytest.mark.parametrize("waits_h", [0, 3])
def test_what_is_parked_is_marked_as_what_is_counted(old_world: World, waits_h: int) -> None:
    shared_since(process(old_world), old_world.now)
    old_world.wait(hours=waits_h)
    batch = upload(old_world, "o1", "o2")
    poison = Poison(batch[-1], "no reason")

    assert parking.park(process(old_world), poison, old_world.now)
    assert not parking.park(process(old_world), poison, old_world.now)
    assert as_now(old_world, batch).already_counted == 1
    if not waits_h:
        assert as_before(old_world, batch).already_counted == len(batch)


def test_parts_are_used_when_no_earlier_release_reads_any_more(old_world: World) -> None:
    provider, parts = ProviderTotals("acme"), Parts()
    parts.move(old_world.table, provider)
    table = old_world.table
    engine.count(table, upload(old_world, "o1"), old_world.now, parts)
    assert [key for key in provider.part_keys if table.get(key)] == [provider.key]

    old_world.wait(hours=3)
    engine.count(table, upload(old_world, "o2"), old_world.now, parts)

    assert len([key for key in provider.part_keys if table.get(key)]) == 2
    assert objects(old_world) == 2


def test_a_new_table_begins_with_shared_markers(world: World) -> None:
    empty = replace(world.table, name=world.table.name)
    empty.transact([empty.delete(shared_markers_key())])

    share_from_the_start(empty, "nobody-yet")
    share_from_the_start(empty, "nobody-yet")

    assert empty.get(shared_markers_key()) == {"PK": "MARKERS", "SK": "SHARED", "since": 0}


def test_new_keys_for_an_old_table_do_not_move_its_moment(old_world: World) -> None:
    share_from_the_start(old_world.table, "platform")

    assert old_world.table.get(shared_markers_key()) is None


def test_after_going_back_in_time_the_next_release_sets_a_new_moment(old_world: World) -> None:
    first = shared_since(process(old_world), old_world.now)
    batch = upload(old_world, "o1")

    assert forget_moment(old_world.table, old_world.now)
    old_world.wait(hours=5)
    late = upload(old_world, "o2")
    assert as_before(old_world, [*batch, *late]).counted == 3
    assert as_now(old_world, [*batch, *late]).already_counted == 3

    assert shared_since(process(old_world), old_world.now) == first + 5 * 3600
    assert objects(old_world) == 2


def test_going_back_to_a_release_that_shares_markers_leaves_the_moment(
    old_world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its processes know it already: a second one would split them."""
    outputs = dict.fromkeys(("ObjectRescuesQueueUrl", "ConsoleUrl"), "url")
    deployed = Deployment(old_world.table, outputs, None, None)
    monkeypatch.setattr(deploying, "current_instant", lambda: old_world.now)
    first = shared_since(process(old_world), old_world.now)
    series_first = series_since(process(old_world), old_world.now)
    old_world.wait(hours=1)

    deploying.own_markers_again(deployed)

    assert shared_since(process(old_world), old_world.now) == first
    assert series_since(process(old_world), old_world.now) == series_first
    assert capsys.readouterr().out == ""


def test_a_moment_that_has_passed_is_not_forgotten(
    old_world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = Deployment(old_world.table, {}, None, None)
    monkeypatch.setattr(deploying, "current_instant", lambda: old_world.now)
    deploying.own_markers_again(deployed)  # there is none yet
    first = shared_since(process(old_world), old_world.now)
    old_world.wait(hours=3)

    deploying.own_markers_again(deployed)

    assert shared_since(process(old_world), old_world.now) == first
    assert capsys.readouterr().out == (
        "Changes share their markers by now, and a release from before shared markers does not "
        "look at them: see docs/operations.md, Markers of counted changes.\n"
    )
