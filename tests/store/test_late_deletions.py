"""A dataset's deletion that arrives after newer events: only what is older than it goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tally.counting.recount import recount
from tests.builders import event
from tests.faults import Crash, FaultyClient, crash_after, crash_before, rival
from tests.world import World


@pytest.fixture
def shop(world: World) -> World:
    """A dataset with an object from 09:02 and one from 09:08, all counted."""
    world.tenant("acme")
    world.send(
        event("dataset.created", at(0)),
        event("object.uploaded", at(2), object_id="old", size_bytes=1),
        event("object.uploaded", at(8), object_id="new", size_bytes=10),
    )
    world.deliver()
    return world


def at(minute: int) -> str:
    return f"2026-04-05T09:{minute:02}:00Z"


def counts(world: World) -> tuple[int, int, int]:
    """Datasets, objects and bytes of the provider; a recount must agree."""
    assert recount(world.table, "acme", sleep=lambda _: None) == []
    dashboard = world.get("/v1/provider/dashboard", "acme")
    return (
        dashboard["total_datasets"],
        dashboard["total_objects"],
        dashboard["total_storage_bytes"],
    )


def test_a_dataset_changed_since_survives_with_its_newer_objects(shop: World) -> None:
    shop.send(event("dataset.updated", at(9)), event("dataset.deleted", at(5)))
    shop.deliver()
    assert counts(shop) == (1, 1, 10)
    analytics = shop.get("/v1/provider/datasets/dset_1/analytics", "acme")
    assert (analytics["object_count"], analytics["storage_bytes"]) == (1, 10)


def test_a_dataset_that_comes_back_has_the_objects_newer_than_its_deletion(shop: World) -> None:
    shop.send(event("dataset.deleted", at(5)))
    shop.deliver()
    assert counts(shop) == (0, 0, 0)
    shop.send(event("dataset.created", at(9)))
    shop.deliver()
    assert counts(shop) == (1, 1, 10)


def test_a_dataset_that_comes_back_after_all_its_objects_is_empty(shop: World) -> None:
    shop.send(event("dataset.deleted", at(10)))
    shop.send(event("dataset.created", at(11)))
    shop.deliver()
    assert counts(shop) == (1, 0, 0)
    shop.send(event("object.uploaded", at(12), object_id="old", size_bytes=100))
    shop.deliver()
    assert counts(shop) == (1, 1, 100)


def test_a_late_word_on_an_object_of_a_deleted_dataset_counts_for_nothing(shop: World) -> None:
    shop.send(event("dataset.deleted", at(5)), event("object.approved", at(4), object_id="new"))
    shop.deliver()
    assert counts(shop) == (0, 0, 0)


def test_a_dataset_created_and_deleted_in_one_request_never_counts(world: World) -> None:
    world.tenant("acme")
    world.send(event("dataset.created", at(0)), event("dataset.deleted", at(5)))
    world.deliver()
    assert counts(world) == (0, 0, 0)
    world.send(event("object.uploaded", at(2), size_bytes=1))
    world.deliver()
    assert counts(world) == (0, 0, 0)


def test_a_late_word_that_overtakes_the_deletion_on_the_stream(shop: World) -> None:
    shop.send(event("dataset.deleted", at(5)))
    shop.send(event("dataset.created", at(9)))
    deletions = shop.new_stream_records()
    shop.send(event("object.approved", at(10), object_id="new"))
    shop.deliver()
    shop.redeliver(deletions)
    shop.deliver()
    assert counts(shop) == (1, 1, 10)


def test_an_object_written_while_it_is_rescued_is_rescued_all_the_same(shop: World) -> None:
    """A request read the dataset before its deletion and writes the object during the rescue. What
    it writes changes no counter, so nothing else would look at the object again."""
    client: Any = FaultyClient(shop.table.client)
    shop.table = replace(shop.table, client=client)
    held: list[Any] = []

    def hold(write: Any) -> None:
        held.append(write)
        raise Crash

    client.after(0, hold)
    with pytest.raises(Crash):
        shop.send(event("object.indexed", at(10), object_id="new"))
    shop.send(event("dataset.updated", at(9)), event("dataset.deleted", at(5)))
    client.after(2, rival(held[0]))  # behind the end of the epoch and the marker of the rescue
    shop.deliver()

    assert counts(shop) == (1, 1, 10)
    shop.send(event("object.approved", at(11), object_id="new"))
    shop.deliver()
    assert counts(shop) == (1, 1, 10)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [crash_before, crash_after])
@pytest.mark.parametrize("writes", range(4))
def test_a_crash_anywhere_on_the_way_only_delays(shop: World, fault: Any, writes: int) -> None:
    shop.send(event("dataset.updated", at(9)), event("dataset.deleted", at(5)))
    batch = shop.new_stream_records()
    client: Any = FaultyClient(shop.table.client)
    shop.table = replace(shop.table, client=client)
    client.after(writes, fault)
    try:
        shop.redeliver(batch)
    except Crash:
        client.calm()
        shop.redeliver(batch)
    client.calm()
    shop.deliver()
    assert counts(shop) == (1, 1, 10)
