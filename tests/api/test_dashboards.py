"""What a provider and a buyer see of what they hold, and what it costs to look."""

from __future__ import annotations

from typing import Any

import pytest

from tally.access.model.scopes import Scope
from tally.catalog.counters import DatasetTotals, ProviderTotals
from tally.kernel.counters import Totals
from tests import builders
from tests.api.answers import answer, failure, success
from tests.builders import event
from tests.world import World

PROVIDER, BUYER = "/v1/provider/dashboard", "/v1/buyer/dashboard"
ANALYTICS = "/v1/provider/datasets/dset_1/analytics"

NOTHING = {
    "total_datasets": 0,
    "total_objects": 0,
    "total_storage_bytes": 0,
    "objects_pending_review": 0,
    "objects_approved": 0,
    "objects_rejected": 0,
}


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, "acme", "rival")


def happen(world: World, *events: dict[str, Any]) -> None:
    """The events are accepted and counted."""
    answered = world.send(*events)
    assert answered.status == 202, answered
    world.deliver()


def counted(world: World, of: Totals, **amounts: int) -> None:
    """The counter says so, whatever is in the table."""
    world.table.transact([world.table.add(of.key, amounts)])


def analytics(name: str, objects: int, active: int, size: int) -> dict[str, Any]:
    return {
        "dataset_id": "dset_1",
        "dataset_name": name,
        "object_count": objects,
        "active_object_count": active,
        "storage_bytes": size,
    }


# -------------------------------------------------------------------------- provider


def test_a_provider_without_data_sees_zeros(market: World) -> None:
    answered = market.request("GET", PROVIDER, key=market.key("acme"))

    assert answered == answer(200, success(NOTHING))


def test_a_provider_sees_what_it_holds(market: World) -> None:
    happen(
        market,
        event("dataset.created", "2026-04-01T00:00:00Z"),
        event("dataset.created", "2026-04-01T00:00:00Z", dataset_id="dset_2"),
        event("object.uploaded", size_bytes=1),
        event("object.uploaded", object_id="obj_2", size_bytes=20),
        event("object.approved", object_id="obj_2"),
        event("object.uploaded", object_id="obj_3", size_bytes=300),
        event("object.rejected", object_id="obj_3"),
        event("object.uploaded", dataset_id="dset_2", size_bytes=4000),
        event("object.approved", dataset_id="dset_2"),
        event("object.indexed", dataset_id="dset_2"),
    )
    happen(market, event("dataset.created", tenant_id="rival", dataset_id="dset_9"))

    answered = market.request("GET", PROVIDER, key=market.key("acme"))

    held = {
        "total_datasets": 2,
        "total_objects": 4,
        "total_storage_bytes": 4321,
        "objects_pending_review": 1,
        "objects_approved": 2,
        "objects_rejected": 1,
    }
    assert answered == answer(200, success(held))


def test_the_references_provider(market: World) -> None:
    counted(
        market,
        ProviderTotals("acme"),
        datasets=5,
        objects=1247,
        bytes=2147483648,
        active=1200,
        pending_review=12,
        approved=1220,
        rejected=15,
    )

    answered = market.request("GET", PROVIDER, key=market.key("acme"))

    reference = {
        "total_datasets": 5,
        "total_objects": 1247,
        "total_storage_bytes": 2147483648,
        "objects_pending_review": 12,
        "objects_approved": 1220,
        "objects_rejected": 15,
    }
    assert answered == answer(200, success(reference))


# ------------------------------------------------------------------------- a dataset


def test_a_dataset_without_objects(market: World) -> None:
    happen(market, event("dataset.created", name="Empty"))

    answered = market.request("GET", ANALYTICS, key=market.key("acme"))

    assert answered == answer(200, success(analytics("Empty", 0, 0, 0)))


def test_objects_are_active_when_approved_and_indexed(market: World) -> None:
    said = {
        "obj_1": ["uploaded"],
        "obj_2": ["uploaded", "approved"],
        "obj_3": ["uploaded", "indexed"],
        "obj_4": ["uploaded", "approved", "indexed"],
        "obj_5": ["uploaded", "rejected", "indexed"],
        "obj_6": ["approved", "indexed"],
    }
    happen(
        market,
        event("dataset.created", "2026-04-01T00:00:00Z", name="States"),
        *[
            event(f"object.{state}", object_id=object_id, size_bytes=10)
            for object_id, states in said.items()
            for state in states
        ],
    )

    assert market.get(ANALYTICS, "acme") == analytics("States", 5, 1, 50)


def test_the_references_dataset(market: World) -> None:
    happen(market, event("dataset.created", name="AP Invoices 2025"))
    totals = DatasetTotals("acme", "dset_1", epoch="0")
    counted(market, totals, objects=142, active=138, bytes=58720256, approved=139, rejected=3)

    answered = market.request("GET", ANALYTICS, key=market.key("acme"))

    assert answered == answer(200, success(analytics("AP Invoices 2025", 142, 138, 58720256)))


def test_a_renamed_dataset(market: World) -> None:
    happen(
        market,
        event("dataset.created", "2026-04-01T00:00:00Z", name="Old"),
        event("object.uploaded", size_bytes=7),
        event("dataset.updated", "2026-04-03T00:00:00Z", name="Neu: Verträge"),
        event("dataset.updated", "2026-04-02T00:00:00Z", name="Late news"),
    )

    assert market.get(ANALYTICS, "acme") == analytics("Neu: Verträge", 1, 0, 7)


def test_a_deleted_dataset_is_gone_from_everywhere(market: World) -> None:
    happen(
        market,
        event("dataset.created", "2026-04-01T00:00:00Z"),
        event("object.uploaded", "2026-04-01T00:00:01Z", size_bytes=7),
    )
    assert market.get(PROVIDER, "acme") == NOTHING | {
        "total_datasets": 1,
        "total_objects": 1,
        "total_storage_bytes": 7,
        "objects_pending_review": 1,
    }

    happen(market, event("dataset.deleted", "2026-04-02T00:00:00Z"))

    gone = market.request("GET", ANALYTICS, key=market.key("acme"))
    assert gone == answer(404, failure("not_found", "Dataset dset_1 does not exist."))
    assert market.get(PROVIDER, "acme") == NOTHING


def test_a_dataset_that_comes_back_comes_back_empty(market: World) -> None:
    happen(
        market,
        event("dataset.created", "2026-04-01T00:00:00Z"),
        event("object.uploaded", "2026-04-01T00:00:01Z", size_bytes=7),
        event("dataset.deleted", "2026-04-02T00:00:00Z"),
        event("dataset.created", "2026-04-03T00:00:00Z", name="Again"),
    )

    assert market.get(ANALYTICS, "acme") == analytics("Again", 0, 0, 0)
    assert market.get(PROVIDER, "acme") == NOTHING | {"total_datasets": 1}


def test_a_dataset_may_be_deleted_twice_in_one_request(market: World) -> None:
    happen(market, event("dataset.created", "2026-04-01T00:00:00Z"))

    happen(
        market,
        event("object.uploaded", "2026-04-01T00:00:01Z", size_bytes=7),
        event("dataset.deleted", "2026-04-02T00:00:00Z"),
        event("dataset.created", "2026-04-03T00:00:00Z"),
        event("object.uploaded", "2026-04-03T00:00:01Z", object_id="obj_2", size_bytes=7),
        event("dataset.deleted", "2026-04-04T00:00:00Z"),
    )

    assert market.get(PROVIDER, "acme") == NOTHING


# ----------------------------------------------------------------------------- buyer


def test_the_references_buyer(market: World) -> None:
    """The key that asks is one of the four."""
    asking = market.key("acme")
    *_, retired = [market.new_key("acme", [Scope.SEARCH_QUERY])[1] for _ in range(3)]
    market.request("DELETE", f"/v1/api-keys/{retired.api_key_id}", key=asking)
    market.new_key("rival", [Scope.SEARCH_QUERY])

    answered = market.request("GET", BUYER, key=asking)

    assert answered == answer(200, success({"api_key_count": 4, "active_api_key_count": 3}))


# ------------------------------------------------------------------------------ cost


@pytest.mark.parametrize(
    ("url", "call"), [(PROVIDER, "Query"), (ANALYTICS, "Query"), (BUYER, "GetItem")]
)
def test_a_dashboard_is_one_read(url: str, call: str, market: World) -> None:
    """And one more for the key, of which a warm function knows already."""
    happen(
        market,
        event("dataset.created", "2026-04-01T00:00:00Z"),
        *[event("object.uploaded", object_id=f"obj_{n}", size_bytes=1) for n in range(5)],
    )
    market.warm = True
    key = market.key("acme", Scope.USAGE_READ)
    calls: list[str] = []

    with market.on_call(calls.append):
        answers = [market.request("GET", url, key=key) for _ in range(3)]

    assert [each.status for each in answers] == [200, 200, 200]
    assert calls == ["GetItem", call, call, call]
