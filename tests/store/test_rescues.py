"""Rescues: a dataset's objects are looked through over a queue, page by page, from a position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from dev.template import rights
from functions.triggers.queues.rescue_objects import app as rescuing
from tally.aws.table import Table
from tally.catalog.items import object_attributes, object_key
from tally.catalog.model.objects import CatalogObject
from tally.catalog.reads import get_dataset
from tally.counting import rescues
from tally.counting.recount import recount
from tally.counting.rescue_markers import DONE, under_way
from tally.counting.rescues import Rescue, ask, work_off
from tally.kernel.errors import Unavailable
from tally.kernel.versions import RANKS, Version
from tests.builders import event
from tests.faults import Crash, FaultyClient, crash_after, crash_before, rival
from tests.store.test_late_deletions import at, counts
from tests.world import Tasks, World

OBJECTS = 7


@pytest.fixture
def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A dataset with objects from 09:08, in pages of two, all counted. It was deleted at 09:05 and
    updated at 09:09, which is not delivered yet."""
    monkeypatch.setattr("tally.counting.survivors.OBJECTS_A_PAGE", 2)
    world.tenant("acme")
    world.send(event("dataset.created", at(0)))
    world.send(*(upload(n) for n in range(OBJECTS)))
    world.deliver()
    world.send(event("dataset.updated", at(9)), event("dataset.deleted", at(5)))
    return world


def upload(n: int) -> dict[str, Any]:
    return event("object.uploaded", at(8), object_id=f"o{n}", size_bytes=10**n)


ALL = (1, OBJECTS, 1_111_111)


def asked(world: World) -> Rescue:
    """What the stream's function asks for, and nothing else."""
    world.redeliver(world.new_stream_records())
    (body,) = world.rescues.bodies
    return Rescue.from_json(body)


def work(world: World, rescue: Rescue, *, pages: int = 1) -> rescues.Progress:
    left = iter(range(1, pages))
    return work_off(
        world.table, world.rescues, rescue, world.now, lambda: next(left, None) is not None
    )


@contextmanager
def calls(world: World) -> Iterator[Counter[str]]:
    made: Counter[str] = Counter()
    with world.on_call(lambda name: made.update([name])):
        yield made


# ------------------------------------------------------------------------- the stream


@pytest.mark.parametrize("objects", [1, 30])
def test_the_stream_s_calls_do_not_grow_with_the_objects(world: World, objects: int) -> None:
    world.tenant("acme")
    world.send(event("dataset.created", at(0)))
    world.send(*(upload(n) for n in range(objects)))
    world.deliver()
    world.send(event("dataset.updated", at(9)), event("dataset.deleted", at(5)))
    batch = world.new_stream_records()

    with calls(world) as made:
        world.redeliver(batch)

    assert len(world.rescues.bodies) == 1
    assert made["Query"] <= 1  # of markers
    assert made["PutItem"] == 1  # of the rescue
    assert sum(made.values()) < 12


def test_fifty_deletions_and_returns_in_a_request_read_the_objects_once(shop: World) -> None:
    """Half of the objects are younger than all of them."""
    shop.deliver()
    shop.send(*(event("object.uploaded", at(40), object_id=f"o{n}", size_bytes=1) for n in (0, 1)))
    shop.deliver()
    times = [f"2026-04-05T09:{minute}:{n:02}Z" for minute in (20, 21) for n in range(0, 50, 2)]
    shop.send(
        *(
            each
            for time in times
            for each in (
                event("dataset.deleted", time),
                event("dataset.created", f"{time[:-2]}{int(time[-2]) + 1}Z"),
            )
        )
    )
    rescue = asked(shop)
    read: list[str] = []

    with watched(shop, read):
        shop.deliver()

    assert rescue.after is None
    assert sorted(read) == [f"OBJECT#o{n}" for n in range(OBJECTS)]
    assert counts(shop) == (1, 2, 2)


@contextmanager
def watched(world: World, read: list[str]) -> Iterator[None]:
    """Notes the objects that queries answer."""
    real: Any = world.table.client

    class Client:
        def query(self, **arguments: Any) -> Any:
            answer = real.query(**arguments)
            read.extend(i["SK"]["S"] for i in answer["Items"] if "uploaded" in i)
            return answer

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    client: Any = Client()
    world.table = replace(world.table, client=client)
    yield
    world.table = replace(world.table, client=real)


def test_a_message_that_cannot_be_sent_is_sent_with_the_batch_s_next_delivery(
    shop: World,
) -> None:
    class Refusing:
        def send(self, _body: str, *, delay_s: int = 0) -> None:
            raise Unavailable(str(delay_s))

    batch, queue = shop.new_stream_records(), shop.rescues
    shop.rescues = Refusing()
    with pytest.raises(Unavailable):
        shop.redeliver(batch)
    shop.rescues = queue

    assert shop.redeliver(batch).counted == 0
    shop.deliver()
    assert counts(shop) == ALL


def test_what_is_done_is_not_asked_for_again(shop: World) -> None:
    batch = shop.new_stream_records()
    shop.redeliver(batch)
    shop.deliver()

    shop.redeliver(batch)

    assert shop.rescues.bodies == []


# -------------------------------------------------------------------- position and end


def test_a_rescue_goes_on_behind_its_position(shop: World) -> None:
    rescue = asked(shop)
    shop.rescues.bodies.clear()

    done = work(shop, rescue, pages=2)

    assert (done.seen, done.moved) == (4, 4)
    assert done.left == replace(rescue, after="OBJECT#o3")
    assert shop.rescues.bodies == [done.left.to_json()]
    assert work(shop, done.left, pages=9) == rescues.Progress(3, 3)
    shop.deliver()
    assert counts(shop) == ALL


def test_a_message_that_comes_again_does_nothing(shop: World) -> None:
    first = asked(shop)
    second = work(shop, first).left
    assert second

    assert work(shop, first) == rescues.Progress()  # the other one is further
    assert work(shop, second, pages=9) == rescues.Progress(5, 5)
    for each in (first, second):
        assert work(shop, each) == rescues.Progress()  # all is done


def test_two_at_once_do_no_harm(shop: World) -> None:
    """Whoever falls behind ends at its next message."""
    first = asked(shop)
    client: Any = FaultyClient(shop.table.client)
    shop.table = replace(shop.table, client=client)
    client.after(0, rival(lambda: work(shop, first, pages=2)))

    slower = work(shop, first)

    assert (slower.seen, slower.moved) == (2, 0)
    assert slower.left == replace(first, after="OBJECT#o1")
    assert work(shop, slower.left) == rescues.Progress()
    shop.deliver()
    assert counts(shop) == ALL


@pytest.mark.parametrize(
    ("sent", "objects"),
    [
        (event("dataset.deleted", at(20)), (0, 0, 0)),
        ([event("dataset.deleted", at(20)), event("dataset.created", at(21))], (1, 0, 0)),
        (event("dataset.deleted", at(7)), ALL),
    ],
    ids=["deleted", "deleted and back", "deleted late once more"],
)
def test_a_rescue_of_a_deletion_that_is_not_the_last_ends_at_once(
    shop: World, sent: Any, objects: tuple[int, int, int]
) -> None:
    second = work(shop, asked(shop)).left
    assert second
    shop.rescues.bodies.clear()
    shop.send(*(sent if isinstance(sent, list) else [sent]))

    assert work(shop, second) == rescues.Progress()

    assert list(under_way(shop.table, "acme")) == []
    assert shop.rescues.bodies == []
    shop.deliver()
    assert counts(shop) == objects


def test_a_deletion_in_the_middle_of_a_page_ends_the_rescue(shop: World) -> None:
    rescue = asked(shop)
    client: Any = FaultyClient(shop.table.client)
    shop.table = replace(shop.table, client=client)
    client.after(1, rival(lambda: shop.send(event("dataset.deleted", at(20)))))

    done = work(shop, rescue, pages=9)

    assert (done.seen, done.left) == (2, None)
    shop.deliver()
    assert counts(shop) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [crash_before, crash_after])
@pytest.mark.parametrize("writes", range(OBJECTS + 3 + 1))
def test_a_crash_at_any_write_only_delays(shop: World, fault: Any, writes: int) -> None:
    """7 objects, 3 positions, and the end."""
    rescue = asked(shop)
    client: Any = FaultyClient(shop.table.client)
    shop.table = replace(shop.table, client=client)
    client.after(writes, fault)
    with pytest.raises(Crash):
        shop.do_rescues()
    assert shop.rescues.bodies
    shop.deliver()

    assert counts(shop) == ALL
    item = shop.table.get(rescue.marker)
    assert item
    assert item[DONE]


@pytest.mark.parametrize("sends", [True, False])
def test_a_crash_around_the_next_message_only_delays(shop: World, *, sends: bool) -> None:
    class Dying(Tasks):
        def send(self, body: str, *, delay_s: int = 0) -> None:
            if sends:
                super().send(body, delay_s=delay_s)
            raise Crash

    rescue = asked(shop)
    queue, shop.rescues = shop.rescues, Dying()
    with pytest.raises(Crash):
        work(shop, rescue)
    queue.bodies += shop.rescues.bodies
    shop.rescues = queue

    shop.deliver()

    assert counts(shop) == ALL


def test_a_process_that_dies_after_a_change_left_the_parking_is_heard_all_the_same(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody delivers the change again."""
    from tally.counting import parking  # noqa: PLC0415  what is patched
    from tally.counting.changes import Poison  # noqa: PLC0415  the same

    (batch,) = shop.new_stream_records()
    parking.park(shop.table, Poison(batch, "test"), shop.now)
    (parked,) = parking.list_parked(shop.table)

    def die(*_: Any, **__: Any) -> None:
        raise Crash

    monkeypatch.setattr(rescues, "ask", die)
    with pytest.raises(Crash):
        shop.replay(parked.parked_id)
    monkeypatch.undo()
    assert list(parking.list_parked(shop.table)) == []

    shop.deliver()

    assert counts(shop) == ALL


# ------------------------------------------------------------------ recount and repair


def test_a_recount_does_not_take_a_rescue_that_waits_for_drift(shop: World) -> None:
    """Two looks agree: what is missing does not move meanwhile."""
    asked(shop)

    with pytest.raises(RuntimeError, match="objects of dset_1 are still being moved"):
        recount(shop.table, "acme", sleep=lambda _: None)

    shop.deliver()
    assert recount(shop.table, "acme", sleep=lambda _: None) == []


def test_a_recount_waits_for_a_rescue_that_ends_meanwhile(shop: World) -> None:
    asked(shop)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            shop.deliver()

    assert recount(shop.table, "acme", sleep=sleep) == []


def test_drift_is_told_once_no_rescue_is_under_way(shop: World) -> None:
    shop.deliver()
    key = object_key("dset_1", "o0")
    shop.table.transact([shop.table.delete(key)])  # and nobody counts it

    assert len(recount(shop.table, "acme", sleep=lambda _: None)) == 6


def test_a_repair_leaves_nothing_to_a_rescue_that_waits(shop: World) -> None:
    rescue = asked(shop)
    said: list[str] = []

    rescues.rescue_now(shop.table, "dset_1", said.append)

    assert said == [
        f"dset_1: {n} objects looked at, {n} of them moved" for n in range(2, OBJECTS, 2)
    ]
    assert work(shop, rescue) == rescues.Progress()
    shop.rescues.bodies.clear()
    shop.deliver()
    assert counts(shop) == ALL


# ------------------------------------------------------------------------ the function


def in_function(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr(rescuing, "default_table", lambda: world.table)
    monkeypatch.setattr(rescuing, "object_rescues", lambda: world.rescues)
    monkeypatch.setattr(rescuing, "current_instant", lambda: world.now)

    def run() -> None:
        body = world.rescues.bodies[0]
        rescuing.handler({"Records": [{"body": body}]}, world.context)
        world.rescues.bodies.remove(body)

    return run


def test_the_function_moves_several_at_once_and_all(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(shop)

    in_function(shop, monkeypatch)()

    assert shop.rescues.bodies == []
    shop.deliver()
    assert counts(shop) == ALL


def test_the_function_sends_on_what_it_has_no_time_for(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """26 seconds are left, of which it keeps 25 for its last page."""
    rescue = asked(shop)
    monkeypatch.setattr(rescuing, "time_left", lambda: 26.0)
    clock = iter((100.0, 100.5, 101.5))
    monkeypatch.setattr(rescuing, "monotonic", lambda: next(clock))

    in_function(shop, monkeypatch)()

    assert shop.rescues.bodies == [replace(rescue, after="OBJECT#o3").to_json()]


def test_the_function_may_do_what_it_does_and_no_more(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(shop)
    monkeypatch.setattr(rescuing, "_WORK_S", 0)
    run = in_function(shop, monkeypatch)

    with calls(shop) as made:
        while shop.rescues.bodies:
            run()

    granted = {right for right in rights("RescueObjects") if right.startswith("dynamodb:")}
    assert granted == {f"dynamodb:{call}" for call in made}


@pytest.mark.slow
def test_five_thousand_objects_minute_by_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tenth object is younger than the deletion. Each message has time for a page."""
    world.tenant("acme")
    world.send(event("dataset.created", at(0)), event("dataset.updated", at(9)))
    stored = 5_000
    _store(world.table, stored)
    world.send(event("dataset.deleted", at(5)))
    dataset = get_dataset(world.table, "dset_1")
    assert dataset
    assert dataset.deleted
    ask(world.table, world.rescues, {"dset_1": dataset.deleted}, world.now)
    monkeypatch.setattr(rescuing, "_WORK_S", 0)
    run, messages = in_function(world, monkeypatch), 0

    while world.rescues.bodies:
        run()
        messages += 1

    assert messages == stored // 1_000 + 1
    floors = Counter(
        item["floor"][0] if "floor" in item else None
        for item in world.table.query("DATASET#dset_1", "OBJECT#")
    )
    assert floors == {None: 4_500, dataset.deleted.time: 500}


def _store(table: Table, objects: int) -> None:
    backend: Any = table.client
    for start in range(0, objects, 25):
        requests = []
        for n in range(start, start + 25):
            time = f"2026-04-05T09:0{2 if n % 10 else 8}:00.000000000Z"
            version = Version(time, RANKS["uploaded"], f"e{n}", "/test")
            record = CatalogObject("acme", "dset_1", f"o{n:05}", uploaded=version, size_bytes=1)
            attributes = object_attributes(record) | {"revision": 1}
            put = table.put(object_key("dset_1", f"o{n:05}"), attributes)
            requests.append({"PutRequest": {"Item": put["Put"]["Item"]}})
        backend.batch_write_item(RequestItems={table.name: requests})
