"""A recount finds what drifted, leaves alone what is on its way, and mends it exactly."""

from __future__ import annotations

from typing import Any

import pytest

from ops.recount import Drift, recount, repair
from tally.domain.counting import (
    AccessTotals,
    BuyerTotals,
    DatasetTotals,
    PartnerTotals,
    ProviderTotals,
    SpendTotals,
    UsageTotals,
)
from tally.domain.usage import Bucket
from tally.store import keys
from tests.world import World, event

PROVIDER = keys.totals(ProviderTotals("acme"))
BUYER = keys.totals(BuyerTotals("acme"))
SPEND = keys.totals(SpendTotals("acme", "2026-04"))
ACCESSES = keys.totals(AccessTotals("acme", "dset_1"))
DATASET = keys.totals(DatasetTotals("acme", "dset_1", "0"))
PARTNER = keys.totals(PartnerTotals("acme"))
DAY = keys.totals(UsageTotals("acme", Bucket.DAY, "2026-04-05"))
MONTH = keys.totals(UsageTotals("acme", Bucket.MONTH, "2026-04"))
UNUSED = keys.totals(UsageTotals("acme", Bucket.DAY, "2026-04-06"))


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


def test_what_a_buyer_did_and_spent_is_recounted_and_mended(counted: World) -> None:
    told: dict[str, Any] = {"charged_amount": "0.45", "currency": "USD"}
    counted.send(
        event("search.performed", query_text="q", dataset_ids=["dset_1"], result_count=1, **told),
        event("dataset.accessed", kind="download", **told),
        event("dataset.accessed", "2026-04-05T09:31:00Z", kind="download", **told),
    )
    counted.deliver()
    assert recount(counted.table, "acme", sleep=lambda _: None) == []
    right = counted.items()
    counted.table.transact(
        [
            counted.table.add(BUYER, {"searches": 1}),
            counted.table.add(SPEND, {"retrieval": -1}),
            counted.table.delete(ACCESSES),
        ]
    )

    drifts = recount(counted.table, "acme", sleep=lambda _: None)

    assert drifts == [
        Drift(ACCESSES, "accessed_by", stored=None, expected="ACCESSED#acme"),
        Drift(ACCESSES, "accesses", stored=0, expected=2),
        Drift(ACCESSES, "dataset_id", stored=None, expected="dset_1"),
        Drift(ACCESSES, "last_accessed_at", stored=None, expected="2026-04-05T09:31:00.000000000Z"),
        Drift(BUYER, "searches", stored=2, expected=1),
        Drift(SPEND, "retrieval", stored=899_999, expected=900_000),
    ]
    assert repair(counted.table, drifts) == 6
    assert counted.items() == right


def test_what_a_partner_has_and_used_is_recounted_and_mended(counted: World) -> None:
    counted.send(
        event("organization.created"),
        event("organization.created", organization_id="org_2", status="suspended"),
        event("identification.recorded", quantity=3),
    )
    counted.deliver()
    assert recount(counted.table, "acme", sleep=lambda _: None) == []
    counted.table.transact(
        [
            counted.table.add(PARTNER, {"active": 1}),
            counted.table.add(DAY, {"credits": -1}),
            counted.table.delete(MONTH),
            counted.table.add(UNUSED, {"events": 2}),
        ]
    )

    drifts = recount(counted.table, "acme", sleep=lambda _: None)

    assert drifts == [
        Drift(PARTNER, "active", stored=2, expected=1),
        Drift(DAY, "credits", stored=2, expected=3),
        Drift(UNUSED, "events", stored=2, expected=0),
        Drift(MONTH, "credits", stored=0, expected=3),
        Drift(MONTH, "events", stored=0, expected=1),
        Drift(MONTH, "identifications", stored=0, expected=3),
        Drift(MONTH, "quantity", stored=0, expected=3),
    ]
    assert repair(counted.table, drifts) == 7
    assert recount(counted.table, "acme", sleep=lambda _: None) == []


def test_an_access_that_no_source_tells_of_is_drift(counted: World) -> None:
    counted.table.transact([counted.table.put(ACCESSES, {"dataset_id": "dset_1", "accesses": 1})])

    assert recount(counted.table, "acme", sleep=lambda _: None) == [
        Drift(ACCESSES, "accesses", stored=1, expected=0)
    ]


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
