"""What it costs to read a dataset's counters."""

from __future__ import annotations

from typing import Any

import pytest

from tally.catalog.reads import dataset_with_totals
from tests.builders import event
from tests.world import World


@pytest.mark.parametrize(("deletions", "calls", "items"), [(0, 1, 2), (1, 2, 3), (7, 2, 3)])
def test_a_dataset_costs_the_same_however_often_it_was_deleted(
    world: World, deletions: int, calls: int, items: int
) -> None:
    world.tenant("acme")
    for n in range(deletions):
        world.send(event("dataset.created", f"2026-03-{n + 1:02}T00:00:00Z"))
        world.send(event("object.uploaded", f"2026-03-{n + 1:02}T00:00:01Z", size_bytes=1))
        world.send(event("dataset.deleted", f"2026-03-{n + 1:02}T00:00:02Z"))
    world.send(event("dataset.created", "2026-04-01T00:00:00Z"))
    world.send(event("object.uploaded", "2026-04-01T00:00:01Z", size_bytes=7))
    world.deliver()
    read: list[int] = []

    def keep(parsed: Any, **_: object) -> None:
        read.append(len(parsed.get("Items", [1] if "Item" in parsed else [])))

    events = world.table.client.meta.events
    events.register("after-call.dynamodb", keep)
    found = dataset_with_totals(world.table, "dset_1")
    events.unregister("after-call.dynamodb", keep)

    assert found is not None
    _, totals = found
    assert (totals["objects"], totals["bytes"]) == (1, 7)
    assert (len(read), sum(read)) == (calls, items)
