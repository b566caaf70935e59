"""A recount finds what drifted, leaves alone what is on its way, and mends it exactly."""

from __future__ import annotations

import pytest

from ops.recount import Drift, recount, repair
from tally.domain.counting import DatasetTotals, ProviderTotals
from tally.store import keys
from tests.world import World, event

PROVIDER = keys.totals(ProviderTotals("acme"))
DATASET = keys.totals(DatasetTotals("acme", "dset_1", "0"))


@pytest.fixture
def counted(world: World) -> World:
    world.tenant("acme")
    world.key("acme")
    world.send(event("dataset.created"), event("object.uploaded", size_bytes=10))
    world.deliver()
    return world


def test_no_drift(counted: World) -> None:
    assert recount(counted.table, "acme", sleep=lambda _: None) == []


def test_drift_is_named_and_mended(counted: World) -> None:
    counted.table.transact([counted.table.add(PROVIDER, {"objects": 5, "approved": 2})])
    counted.table.transact([counted.table.add(DATASET, {"bytes": -3})])
    counted.table.transact([counted.table.add(keys.api_key_totals("acme"), {"api_keys": 1})])
    drifts = recount(counted.table, "acme", sleep=lambda _: None)
    assert drifts == [
        Drift(DATASET, "bytes", stored=7, expected=10),
        Drift(keys.api_key_totals("acme"), "api_keys", stored=2, expected=1),
        Drift(PROVIDER, "approved", stored=2, expected=0),
        Drift(PROVIDER, "objects", stored=6, expected=1),
    ]
    assert str(drifts[0]) == ("DATASET#dset_1 / DATASET#TOTALS#0: bytes is 7, its sources say 10")
    assert repair(counted.table, drifts) == 4
    assert recount(counted.table, "acme", sleep=lambda _: None) == []


def test_what_is_still_on_its_way_is_no_drift(counted: World) -> None:
    counted.send(event("object.uploaded", object_id="o2", size_bytes=1))

    def deliver_meanwhile(_seconds: float) -> None:
        counted.deliver()

    assert recount(counted.table, "acme", sleep=deliver_meanwhile) == []


def test_a_counter_that_moved_on_is_not_mended(counted: World) -> None:
    counted.table.transact([counted.table.add(PROVIDER, {"objects": 5})])
    drifts = recount(counted.table, "acme", sleep=lambda _: None)
    counted.send(event("object.uploaded", object_id="o2", size_bytes=1))
    counted.deliver()
    assert repair(counted.table, drifts) == 0
    drifts = recount(counted.table, "acme", sleep=lambda _: None)
    assert repair(counted.table, drifts) == 1
    assert recount(counted.table, "acme", sleep=lambda _: None) == []


def test_a_deleted_dataset_leaves_no_drift_behind(counted: World) -> None:
    counted.send(event("dataset.deleted", "2026-04-05T09:40:00Z"))
    counted.deliver()
    assert recount(counted.table, "acme", sleep=lambda _: None) == []
    assert counted.get("/v1/provider/dashboard", "acme") == {
        "total_datasets": 0,
        "total_objects": 0,
        "total_storage_bytes": 0,
        "objects_pending_review": 0,
        "objects_approved": 0,
        "objects_rejected": 0,
    }
