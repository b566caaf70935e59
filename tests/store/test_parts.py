"""Counters in parts: consumers that meet at one part ways, and readers see the sum."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from itertools import batched, count
from random import Random
from random import seed as seed_jitter
from typing import Any

import pytest

from tally.aws.items import key_of, to_item
from tally.aws.table import Table
from tally.catalog.counters import ProviderTotals
from tally.catalog.items import object_attributes, object_key
from tally.catalog.model.objects import ObjectEvent, ObjectEventKind, new_object
from tally.catalog.reads import provider_totals
from tally.counting import engine
from tally.counting.parts import NO_PARTS, Parts
from tally.counting.switch import share_markers
from tally.kernel.instants import to_instant
from tally.kernel.keys import Key
from tally.kernel.versions import Version
from tally.payouts.counters import RunTotals
from tests.builders import event
from tests.simulation.dynamodb import Database
from tests.simulation.network import Client, Network
from tests.simulation.timeline import Timeline
from tests.store.recounts import count_everything, drifts, repaired
from tests.world import World

BEGIN = datetime(2026, 4, 5, 10, tzinfo=UTC)
NOW = to_instant(BEGIN)
CONSUMERS, DELIVERIES, DELIVERED = 8, 25, 20
_names = count(1)
type Record = dict[str, Any]


def uploaded(dataset_id: str, n: int) -> Record:
    """The change of a new object of a provider with many datasets."""
    version = Version(NOW, 0, f"{dataset_id}-{n}", "/test")
    said = ObjectEvent(ObjectEventKind.UPLOADED, "acme", dataset_id, f"o{n}", version, 1)
    key = object_key(dataset_id, said.object_id)
    image = to_item(key, object_attributes(new_object(said).apply(said)) | {"revision": 1})
    return {
        "eventID": f"{dataset_id}-{n}",
        "dynamodb": {
            "ApproximateCreationDateTime": BEGIN.timestamp(),
            "Keys": key_of(key),
            "NewImage": image,
        },
    }


def attempts(seed: int, *, spread: bool) -> float:
    """Per transaction, of consumers with shards of their own, whose calls overlap in virtual time;
    everything must be counted once."""
    seed_jitter(f"jitter {seed}")
    timeline = Timeline(Random(seed), BEGIN.timestamp(), slowest_s=0.02)
    database = Database(now=lambda: timeline.now, indexes={})
    network = Network(database, timeline, Random(seed), luck=0)
    outside: Any = database
    share_markers(Table(outside, "outside"), 0)

    def consume(shard: int) -> None:
        client: Any = Client(network, deadline=float("inf"))
        table = Table(client, f"parts-{next(_names)}", sleep=timeline.sleep)
        parts = Parts() if spread else NO_PARTS
        records = [uploaded(f"dset_{shard}", n) for n in range(DELIVERIES * DELIVERED)]
        for batch in batched(records, DELIVERED, strict=True):
            assert engine.count(table, batch, NOW, parts).counted == DELIVERED

    for shard in range(CONSUMERS):
        timeline.spawn(f"shard {shard}", partial(consume, shard))
    timeline.run()
    objects = CONSUMERS * DELIVERIES * DELIVERED
    assert provider_totals(Table(outside, "outside"), "acme")["objects"] == objects
    return network.calls["transact_write_items"] / (CONSUMERS * DELIVERIES)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_eight_consumers_of_a_hot_provider_hardly_meet(seed: int) -> None:
    assert attempts(seed, spread=True) <= 1.2
    assert attempts(seed, spread=False) > 1.5


def test_a_process_stays_with_its_part_until_it_meets_somebody(world: World) -> None:
    parts, provider = Parts(), ProviderTotals("acme")
    assert parts.key(world.table, provider) == provider.key

    parts.move(world.table, provider)

    moved = parts.key(world.table, provider)
    assert moved in provider.part_keys[1:]
    assert parts.key(world.table, provider) == moved
    assert parts.key(world.table, ProviderTotals("rival")) == ProviderTotals("rival").key
    parts.move(world.table, provider)
    assert parts.key(world.table, provider) != moved


def test_keys_of_parts() -> None:
    assert ProviderTotals("acme").part_keys[:2] == [
        Key("TENANT#acme", "TOTALS#PROVIDER"),
        Key("TENANT#acme", "TOTALS#PROVIDER#01"),
    ]
    run = RunTotals("2026-03", "run_1").part_keys
    assert (len(run), run[-1]) == (16, Key("PAYOUTRUNS", "2026-03#run_1#15"))


# ------------------------------------------------------------------------ in a world


def spread_out(world: World) -> None:
    """As if several processes had counted for the provider."""
    provider = ProviderTotals("acme")
    first, second, third = (provider.part_key(part) for part in (0, 3, 11))
    add = world.table.add
    world.table.transact(
        [
            add(first, {"objects": -5, "bytes": -50, "pending_review": -5}),
            add(second, {"objects": 7, "bytes": 60, "pending_review": 7}),
            add(third, {"objects": -2, "bytes": -10, "pending_review": -2, "datasets": 0}),
        ]
    )


@pytest.fixture
def counted(world: World) -> World:
    count_everything(world)
    spread_out(world)
    return world


def held(world: World) -> dict[str, int]:
    answer: dict[str, int] = world.get("/v1/provider/dashboard", "acme")
    return answer


def test_a_dashboard_shows_the_sum_of_all_parts(counted: World) -> None:
    assert (held(counted)["total_objects"], held(counted)["total_storage_bytes"]) == (1, 10)
    assert drifts(counted) == []


def test_drift_in_any_part_is_found_and_repaired(counted: World) -> None:
    provider = ProviderTotals("acme")
    for part in (0, 3, 9):
        counted.table.transact([counted.table.add(provider.part_key(part), {"objects": 4})])

        assert [(d.field, d.stored, d.expected) for d in drifts(counted)] == [("objects", 5, 1)]
        assert repaired(counted).left == []
        assert drifts(counted) == []


@pytest.mark.parametrize("part", [0, 3, 9])
def test_what_a_repair_counted_is_not_added_to_any_part(counted: World, part: int) -> None:
    """Also not to one that was not there when it was repaired."""
    counted.send(event("object.uploaded", object_id="o2", size_bytes=1))
    batch = counted.new_stream_records()
    assert repaired(counted).left == []

    result = engine.count(counted.table, batch, counted.now, AtPart(part))

    assert result.counted == 1
    assert held(counted)["total_objects"] == 2
    assert drifts(counted) == []


@pytest.mark.parametrize("part", [0, 3, 9])
def test_a_repair_gives_way_to_whoever_counts_meanwhile(counted: World, part: int) -> None:
    provider = ProviderTotals("acme")
    counted.table.transact([counted.table.add(provider.key, {"objects": 4})])
    waits = []

    def meanwhile(seconds: float) -> None:
        waits.append(seconds)
        counted.wait(seconds=seconds)
        if len(waits) == 1:
            return
        counted.table.transact([counted.table.add(provider.part_key(part), {"datasets": 1})])

    repaired(counted, sleep=meanwhile)

    assert {d.field for d in drifts(counted)} <= {"objects", "datasets"}
    repaired(counted)
    assert drifts(counted) == []


@pytest.mark.parametrize("part", [0, 3])
def test_a_deleted_dataset_leaves_whatever_part(counted: World, part: int) -> None:
    counted.send(event("dataset.deleted", "2026-04-05T09:50:00Z"))

    engine.count(counted.table, counted.new_stream_records(), counted.now, AtPart(part))

    assert set(held(counted).values()) == {0}
    assert drifts(counted) == []


class AtPart(Parts):
    """A process that has moved to a part."""

    def __init__(self, part: int) -> None:
        super().__init__()
        self._part = part

    def key(self, table: Table, totals: Any) -> Key:  # noqa: ARG002  of any table
        key: Key = totals.part_key(self._part if totals.PARTS > 1 else 0)
        return key
