"""GET /v1/provider/datasets: what a provider has, newest first."""

from __future__ import annotations

from typing import Any

import pytest

from tally.access.model.scopes import Scope
from tally.aws.draft import Draft
from tally.catalog.items import dataset_key, listed_datasets_pk
from tally.catalog.lists import list_existing
from tally.kernel.keys import Key
from tests import builders
from tests.api.answers import INVALID_CURSOR, answer, success
from tests.builders import event, happen
from tests.world import World

URL = "/v1/provider/datasets"
APRIL = [f"2026-04-0{day}T00:00:00Z" for day in range(1, 6)]


@pytest.fixture
def market(world: World) -> World:
    return builders.market(world, "acme", "rival")


def created(n: int, time: str | None = None, **data: Any) -> dict[str, Any]:
    return event("dataset.created", time or APRIL[n], dataset_id=f"dset_{n}", **data)


def row(n: int, created_at: str | None = None, **fields: Any) -> dict[str, Any]:
    """A dataset without objects, but for these fields."""
    nothing = {
        "dataset_id": f"dset_{n}",
        "dataset_name": "AP Invoices 2025",
        "object_count": 0,
        "active_object_count": 0,
        "storage_bytes": 0,
        "created_at": created_at or APRIL[n],
    }
    assert nothing.keys() >= fields.keys()
    return nothing | fields


def listed(world: World, query: str = "", tenant_id: str = "acme") -> Any:
    return world.get(URL + query, tenant_id, Scope.USAGE_READ)


def test_a_provider_without_datasets(market: World) -> None:
    answered = market.request("GET", URL, key=market.key("acme", Scope.USAGE_READ))

    nothing = {"datasets": [], "total": 0, "next_cursor": None}
    assert answered == answer(200, success(nothing), Vary="Accept")


def test_what_datasets_hold_newest_first(market: World) -> None:
    happen(
        market,
        created(0),
        created(1, name="Ships"),
        event("object.uploaded", dataset_id="dset_0", size_bytes=10),
        event("object.uploaded", dataset_id="dset_1", size_bytes=20),
        event("object.uploaded", dataset_id="dset_1", object_id="obj_2", size_bytes=300),
        event("object.approved", dataset_id="dset_1", object_id="obj_2"),
        event("object.indexed", dataset_id="dset_1", object_id="obj_2"),
        event("dataset.updated", "2026-04-05T00:00:00Z", dataset_id="dset_0", name="New name"),
        event("dataset.created", tenant_id="rival", dataset_id="dset_9"),
    )

    ships = row(1, dataset_name="Ships", object_count=2, active_object_count=1, storage_bytes=320)
    first = row(0, dataset_name="New name", object_count=1, storage_bytes=10)
    assert listed(market) == {"datasets": [ships, first], "total": 2, "next_cursor": None}


def test_pages_and_their_cursors(market: World) -> None:
    happen(market, *[created(n) for n in (3, 0, 2, 1)], created(4, APRIL[3]))
    happen(
        market,
        created(7, APRIL[0], tenant_id="rival"),
        created(8, tenant_id="rival", time=APRIL[1]),
    )

    for limit, sizes in {1: [1] * 5, 2: [2, 2, 1], 5: [5], 100: [5]}.items():
        pages = list[Any]()
        cursor: str | None = ""
        while cursor is not None:
            pages.append(listed(market, f"?limit={limit}{cursor}"))
            following = pages[-1]["next_cursor"]
            cursor = following and f"&cursor={following}"
        met = [each["dataset_id"] for page in pages for each in page["datasets"]]
        assert met == ["dset_4", "dset_3", "dset_2", "dset_1", "dset_0"]
        assert [len(page["datasets"]) for page in pages] == sizes
        assert {page["total"] for page in pages} == {5}

    theirs = listed(market, "?limit=1", "rival")["next_cursor"]
    foreign = market.request(
        "GET", f"{URL}?cursor={theirs}", key=market.key("acme", Scope.USAGE_READ)
    )
    assert foreign == answer(400, INVALID_CURSOR)


def test_a_deleted_dataset_is_gone_until_it_comes_back(market: World) -> None:
    happen(
        market,
        created(0),
        created(1),
        event("object.uploaded", "2026-04-02T00:00:01Z", dataset_id="dset_1", size_bytes=5),
    )
    happen(market, event("dataset.deleted", APRIL[2], dataset_id="dset_1"))
    assert listed(market) == {"datasets": [row(0)], "total": 1, "next_cursor": None}

    happen(market, created(1, APRIL[3], name="Again"))

    again = row(1, APRIL[3], dataset_name="Again")
    assert listed(market) == {"datasets": [again, row(0)], "total": 2, "next_cursor": None}


def test_a_late_deletion_leaves_what_is_newer(market: World) -> None:
    happen(
        market,
        created(0, APRIL[3]),
        event("object.uploaded", APRIL[2], dataset_id="dset_0", object_id="obj_0", size_bytes=1),
        event("object.uploaded", APRIL[4], dataset_id="dset_0", size_bytes=70),
    )

    happen(market, event("dataset.deleted", "2026-04-03T12:00:00Z", dataset_id="dset_0"))

    left = row(0, APRIL[3], object_count=1, storage_bytes=70)
    assert listed(market) == {"datasets": [left], "total": 1, "next_cursor": None}


def test_a_newer_creation_moves_it_and_an_older_one_does_not(market: World) -> None:
    """Whatever the order of arrival, and if all come in one request."""
    happen(market, created(0, APRIL[1]), created(1, APRIL[2]))

    happen(market, created(0, APRIL[3]), created(1, APRIL[0]))

    assert listed(market)["datasets"] == [row(0, APRIL[3]), row(1, APRIL[2])]
    places = market.table.query(listed_datasets_pk("acme"), consistent=True)
    assert len(list(places)) == 2


def test_a_page_costs_the_same_however_many_there_are(market: World) -> None:
    happen(market, *[created(n) for n in range(5)])
    calls: list[str] = []
    market.warm = True
    listed(market)

    with market.on_call(calls.append):
        listed(market, "?limit=2")

    assert calls == ["Query", "BatchGetItem", "Query"]


# -------------------------------------------------------------- from before the list


def forget_places(world: World, *dataset_ids: str) -> None:
    """Make datasets what they were before there was a list."""
    for place in list(world.table.query(listed_datasets_pk("acme"))):
        if place["dataset_id"] in dataset_ids:
            world.table.transact([world.table.delete(Key(place["PK"], place["SK"]))])
    for dataset_id in dataset_ids:
        key = dataset_key(dataset_id)
        world.table.transact([world.table.update(key, "REMOVE created")])


def test_datasets_from_before_are_given_their_places(market: World) -> None:
    happen(market, *[created(n) for n in range(3)])
    happen(market, event("dataset.deleted", APRIL[4], dataset_id="dset_2"))
    expected = listed(market)
    forget_places(market, "dset_0", "dset_1", "dset_2")
    assert listed(market)["datasets"] == []

    assert list_existing(market.table, "acme") == 2
    assert listed(market) == expected
    with market.unchanged():
        assert list_existing(market.table, "acme") == 0


def test_a_dataset_from_before_gets_its_place_with_its_next_change(market: World) -> None:
    happen(market, created(0))
    forget_places(market, "dset_0")

    happen(market, event("dataset.updated", APRIL[2], dataset_id="dset_0", name="New"))

    assert listed(market)["datasets"] == [row(0, dataset_name="New")]
    assert list_existing(market.table, "acme") == 0


def test_what_an_earlier_release_left_behind_is_corrected(market: World) -> None:
    """During a deployment it knows neither the creation nor the place."""
    happen(market, created(0), created(1))
    table, key = market.table, dataset_key("dset_0")
    table.transact([table.update(key, "SET #name = :n REMOVE created", names=("name",), n="Old's")])
    key = dataset_key("dset_1")
    deleted = ["2026-04-04T00:00:00.000000000Z", 4, "evt", "/old"]
    table.transact([table.update(key, "SET deleted = :d REMOVE created", d=deleted)])

    assert list_existing(table, "acme") == 2

    assert listed(market)["datasets"] == [row(0, dataset_name="Old's")]
    assert list_existing(table, "acme") == 0


def test_places_are_given_while_datasets_change(
    market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time, the dataset is renamed between the reading and the writing of its place."""
    happen(market, created(0))
    forget_places(market, "dset_0")
    names = iter(["first", "second"])
    table = market.table
    usual = type(table).transact

    def overtaken(self: Any, actions: Any, **options: Any) -> None:
        name = next(names, None)
        if name:
            key = dataset_key("dset_0")
            item = table.get(key, consistent=True)
            assert item
            draft = Draft({key: item})
            draft.revise(key, {**item, "name": name})
            usual(self, draft.actions(table))
        usual(self, actions, **options)

    monkeypatch.setattr(type(table), "transact", overtaken)

    assert list_existing(table, "acme") == 1
    assert listed(market)["datasets"] == [row(0, dataset_name="second")]
