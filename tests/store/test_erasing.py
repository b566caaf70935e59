"""Erasing query texts: whatever dies, comes twice or gets in between, none is left in the end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dev.template import create_table, functions, rights
from ops.query_texts import erase_again
from tally.access.items import tenant_key
from tally.activity import erasing
from tally.activity.erasing import (
    ALL_PARTS,
    SETTLED_AFTER_S,
    WITH_SEARCHES,
    Task,
    do_task,
    erased_before,
    request_erasure,
)
from tally.activity.items import TEXT_PARTS, text_attributes, text_key
from tally.aws.table import Table
from tally.intake.accepting import ingest
from tally.intake.cloudevents import read_event
from tally.kernel.errors import Unavailable
from tally.kernel.events import Door
from tally.kernel.instants import Instant, plus
from tests.api.activity import search
from tests.api.texts import holding, market, put_from_before, texts
from tests.faults import PLAIN_FAULTS, Crash, Fault, FaultyClient, crash_after, crash_before, rival
from tests.operators import OPERATOR
from tests.world import NOW, Erasures, World, new_world

SECRET = "who treats my illness"
LATE = "2026-04-05T09:00:00.000000000Z"


@pytest.fixture(name="world")
def made_world(world: World) -> World:
    return market(world)


@pytest.fixture
def client(world: World) -> FaultyClient:
    return FaultyClient(world.table.client)


@pytest.fixture
def table(world: World, client: Any) -> Table:
    return replace(world.table, client=client)


def put_texts(world: World, number: int, tenant_id: str = "acme") -> None:
    """Texts of as many searches before LATE, without the searches."""
    first = plus(LATE, timedelta(days=-1))
    for n in range(number):
        at: Instant = plus(first, timedelta(milliseconds=n))
        key = text_key(tenant_id, at, f"{n % 16:x}{n:08}")
        world.table.transact([world.table.put_new(key, text_attributes(SECRET, 2_000_000_000))])


def request(world: World, table: Table, before: Instant = LATE) -> Instant:
    return request_erasure(
        table, world.erasures, "acme", before=before, now=world.now, actor=OPERATOR
    )


def deliver(world: World, table: Table, body: str) -> int:
    return do_task(table, world.erasures, Task.from_json(body), world.now)


def settle(world: World) -> None:
    """All messages come, those that are delayed as well."""
    world.do_erasures()
    world.wait(seconds=SETTLED_AFTER_S)
    world.do_erasures()
    assert world.erasures.bodies == world.erasures.later == []


# ------------------------------------------------------------------------ requesting


def test_a_request_sends_a_task_now_and_one_for_when_all_has_settled(world: World) -> None:
    assert request(world, world.table) == LATE

    task = Task("acme").to_json()
    assert world.erasures.bodies == [task]
    assert world.erasures.later == [(plus(NOW, timedelta(seconds=SETTLED_AFTER_S)), task)]
    assert Task.from_json(task) == Task("acme", ALL_PARTS, None)


@pytest.mark.parametrize("fault", PLAIN_FAULTS)
def test_a_request_that_fails_anywhere_is_done_whole_or_not_at_all(
    world: World, table: Table, client: FaultyClient, fault: Fault
) -> None:
    put_texts(world, 3)
    client.after(0, fault)
    try:
        request(world, table)
    except Crash:
        client.calm()

    settle(world)

    stored = world.table.get(tenant_key("acme")) or {}
    was_done = "query_texts_erased_before" in stored
    assert was_done == (fault is not crash_before)
    assert holding(world, SECRET) == [] if was_done else len(holding(world, SECRET)) == 3


def test_the_last_task_comes_when_nobody_writes_any_more_who_read_before(world: World) -> None:
    """Of the functions that accept events, and of the one that is asked."""
    del world
    accepting = ["IngestEvents", "ReceiveEvents"]
    assert sorted(n for n in functions() if _puts_events(n)) == accepting
    longest = max(functions()[name]["Timeout"] for name in accepting)
    asked = functions()["EraseQueryTexts"].get("Timeout", 10)

    assert asked + longest + 60 <= SETTLED_AFTER_S


def _puts_events(function: str) -> bool:
    module = functions()[function]["CodeUri"]
    return "events" in module and "dynamodb:PutItem" in rights(function)


# ------------------------------------------------------------- tasks that die or fail


@pytest.mark.parametrize("fault", [crash_before, crash_after])
@pytest.mark.parametrize("writes", range(4))
def test_a_task_that_dies_anywhere_is_done_when_it_comes_again(
    world: World, table: Table, client: FaultyClient, writes: int, fault: Fault
) -> None:
    put_texts(world, 40)  # two or three in each part
    put_from_before(world, "sa_1", "2026-04-05T08:00:00.000000000Z", SECRET)
    request(world, world.table)
    (body,) = world.erasures.receive()

    client.after(writes * 5, fault)  # the last of the sixteen parts is the 16th write
    with pytest.raises(Crash):
        deliver(world, table, body)
    deliver(world, table, body)

    assert holding(world, SECRET) == []
    assert deliver(world, table, body) == 0


def test_what_is_refused_of_a_batch_is_written_again(world: World) -> None:
    put_texts(world, 40)
    request(world, world.table)
    picky: Any = HalfClient(world.table.client)
    table = replace(world.table, client=picky)

    assert deliver(world, table, Task("acme").to_json()) == 40

    assert picky.refused == 16  # each part has two or three
    assert holding(world, SECRET) == []


class HalfClient:
    """A client that does half of each batch of writes, or one."""

    def __init__(self, real: Any) -> None:
        self.real, self.refused = real, 0

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803  botocore's own
        ((name, requests),) = RequestItems.items()
        some = (len(requests) + 1) // 2
        self.real.batch_write_item(RequestItems={name: requests[:some]})
        rest = requests[some:]
        self.refused += bool(rest)
        return {"UnprocessedItems": {name: rest} if rest else {}}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class DeafClient(HalfClient):
    """A client that does nothing of a batch of writes."""

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803  botocore's own
        return {"UnprocessedItems": RequestItems}


def test_a_database_that_refuses_all_has_the_message_delivered_again(world: World) -> None:
    put_texts(world, 1)
    request(world, world.table)
    deaf: Any = DeafClient(world.table.client)

    with pytest.raises(Unavailable):
        deliver(world, replace(world.table, client=deaf), Task("acme").to_json())

    assert len(holding(world, SECRET)) == 1


def test_a_task_of_a_tenant_that_does_not_exist_does_nothing(world: World) -> None:
    with world.unchanged():
        assert deliver(world, world.table, Task("nobody").to_json()) == 0


# --------------------------------------------------------------- tasks that take long


def ticking(*seconds: float) -> Any:
    """A clock that shows these one after the other, then the last."""
    shown: Iterator[float] = iter(seconds)
    last = 0.0

    def clock() -> float:
        nonlocal last
        last = next(shown, last)
        return last

    return clock


def test_a_task_that_takes_long_leaves_its_parts_to_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part becomes a task, which goes on until its own time is over."""
    monkeypatch.setattr(erasing, "_PAGE", 2)
    put_texts(world, 80)
    request(world, world.table)
    (body,) = world.erasures.receive()

    first = do_task(
        world.table, world.erasures, Task.from_json(body), world.now, clock=ticking(0, 1, 6)
    )

    assert first == 4
    tasks = [Task.from_json(each) for each in world.erasures.bodies]
    assert tasks == [Task("acme", (part,)) for part in ALL_PARTS]
    second = do_task(world.table, world.erasures, tasks[0], world.now, clock=ticking(0, 41))
    assert second == 1  # the fifth, of a page that was not full: the part is done
    assert len(world.erasures.bodies) == len(ALL_PARTS)
    assert world.do_erasures() == 75
    assert holding(world, SECRET) == []


def test_searches_are_gone_through_from_where_the_last_task_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "_PAGE", 2)
    for n in range(5):
        put_from_before(world, f"sa_{n}", f"2026-04-05T08:0{n}:00.000000000Z", SECRET)
    request(world, world.table)
    world.erasures.receive()

    task = Task("acme", (WITH_SEARCHES,))
    deleted = []
    for _ in range(3):
        deleted.append(do_task(world.table, world.erasures, task, world.now, clock=ticking(0, 50)))
        sent = world.erasures.receive()
        if sent:
            (body,) = sent
            task = Task.from_json(body)

    assert deleted == [2, 2, 1]
    assert task.after is not None
    assert task.after.startswith("SEARCH#2026-04-05T08:03")
    assert holding(world, SECRET) == []


@pytest.mark.slow
def test_a_thousand_texts_take_about_forty_calls(world: World) -> None:
    """Four functions that wait 20 ms for a call, and compute for 0.2 s, delete 4,000 a second."""
    put_texts(world, 1_000)
    request(world, world.table)
    calls: list[str] = []

    with world.on_call(calls.append):
        for part in TEXT_PARTS:
            deliver(world, world.table, Task("acme", (part,)).to_json())

    writes, others = calls.count("BatchWriteItem"), len(calls) - calls.count("BatchWriteItem")
    assert holding(world, SECRET) == []
    # Each part ends with a batch that is not full, and begins with the tenant and a page.
    assert writes <= math.ceil(1_000 / 25) + len(TEXT_PARTS)
    assert others == 2 * len(TEXT_PARTS)
    side_by_side = functions()["DeleteQueryTexts"]["Events"]["Queue"]["Properties"][
        "ScalingConfig"
    ]["MaximumConcurrency"]
    a_second = side_by_side * 1_000 / ((1_000 / 25 + 1) * 0.020 + 0.18)
    assert a_second >= 3_900


# ------------------------------------------------------------ what gets in between


def read(world: World, event: Any) -> Any:
    return read_event(event, world.now)


def test_a_text_that_was_on_its_way_is_hidden_and_then_deleted(
    world: World, table: Table, client: FaultyClient
) -> None:
    """The tenant was read before the erasure; the search is written after its first task."""

    def erased() -> None:
        request(world, world.table)
        world.do_erasures()

    sent = search("sa_1", "2026-04-05T08:00:00Z", query_text=SECRET)
    client.after(0, rival(erased))
    (_,) = ingest(table, [read(world, sent)], Door(world.now))

    assert len(holding(world, SECRET)) == 1
    assert texts(world) == {"sa_1": None}
    settle(world)
    assert holding(world, SECRET) == []


MOMENTS = [f"2026-04-05T{hour:02}:00:00.000000000Z" for hour in range(4, 10)]
moments = st.sampled_from(MOMENTS)
STEPS = st.one_of(
    *[
        st.tuples(st.just(kind), what, st.integers(0, 3))
        for kind, what in (
            ("search", moments),
            ("erase", moments),
            ("task", st.integers(0, 9)),
            ("crash", st.sampled_from([crash_before, crash_after])),
        )
    ]
)


@dataclass
class Race:
    """Steps: what, with what, and how many of the next ones happen just before it writes."""

    world: World
    left: Iterator[tuple[str, Any, int]]
    searched: list[str] = field(default_factory=list)
    erased_before: str = ""
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = FaultyClient(self.world.table.client)

    @property
    def table(self) -> Table:
        return replace(self.world.table, client=self.client)

    def steps(self, number: int) -> None:
        for _ in range(number):
            self.step()

    def step(self) -> None:
        nothing: tuple[str, Any, int] = ("", None, 0)
        kind, what, within = next(self.left, nothing)
        self.client.after(0, what if kind == "crash" else rival(partial(self.steps, within)))
        bodies = self.world.erasures.bodies
        if kind == "search":
            self.search(what)
        elif kind == "erase":
            asked = request(self.world, self.table, what)
            self.erased_before = max(self.erased_before, asked)
        elif kind == "task" and bodies:
            body = bodies[0]
            if what % 4:
                bodies.pop(0)  # or else it will come again
            deliver(self.world, self.table, body)
        elif kind == "crash":
            with suppress(Crash):
                deliver(self.world, self.table, Task("acme", TEXT_PARTS).to_json())
        self.client.calm()  # if there was nothing to write

    def search(self, at: str) -> None:
        search_id = f"sa_{len(self.searched)}"
        self.searched.append(at)
        sent = search(search_id, at, query_text="t")
        ingest(self.table, [read(self.world, sent)], Door(self.world.now))


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@example(before=[], steps=[("search", MOMENTS[0], 2), ("erase", MOMENTS[5], 0), ("task", 1, 0)])
@given(before=st.lists(moments, max_size=3), steps=st.lists(STEPS, min_size=1, max_size=8))
def test_whoever_overtakes_whom(before: list[str], steps: list[tuple[str, Any, int]]) -> None:
    """No text from before an erasure is left, and every other one is."""
    with new_world() as world:
        race = Race(market(world), iter(steps))
        for at in before:
            race.search(at)
        race.steps(len(steps))
        settle(world)

        kept = {f"sa_{n}": at >= race.erased_before for n, at in enumerate(race.searched)}
        assert texts(world) == {each: "t" if kept[each] else None for each in kept}
        assert len([item for item in world.items() if "query_text" in item]) == sum(kept.values())


# ---------------------------------------------------------------------- restored tables


def test_what_was_erased_is_erased_again_in_a_restored_table(world: World) -> None:
    """Its backup is from before the erasure."""
    put_texts(world, 3)
    put_texts(world, 2, "rival")
    restored = replace(world.table, name="restored")
    create_table(restored.client, restored.name)
    for item in world.items():
        restored.client.put_item(TableName=restored.name, Item=item)
    request(world, world.table)
    settle(world)

    assert erase_again(world.table, restored, world.now) == 3

    assert erased_before(restored, "acme") == LATE
    assert erased_before(restored, "rival") is None
    world.table = restored
    assert [key.split()[0] for key in holding(world, SECRET)] == ["TEXTS#rival#0", "TEXTS#rival#1"]
    assert erase_again(restored, restored, world.now) == 0


def test_tasks_in_memory_are_like_those_of_a_queue() -> None:
    """What the tests' queue says of time."""
    queue = Erasures(now=lambda: to_instant_of(5))
    queue.send("now")
    queue.send("later", delay_s=10)

    assert queue.receive() == ["now"]
    queue.now = lambda: to_instant_of(15)
    assert queue.receive() == ["later"]


def to_instant_of(seconds: int) -> Instant:
    return plus(NOW, timedelta(seconds=seconds))
