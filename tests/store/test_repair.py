"""A repair never counts anything twice, whatever is on its way or changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tally.activity.counters import AccessTotals, BuyerTotals
from tally.counting import parking, repair
from tally.counting.changes import Poison
from tally.counting.engine import count
from tally.counting.rescues import rescue_now
from tally.kernel.keys import Key
from tests.builders import event
from tests.store.recounts import (
    ACCESSES,
    BUYER,
    CHARGE,
    DATASET,
    DAY,
    MONTH,
    PARTNER,
    PROVIDER,
    SPEND,
    count_everything,
    drifts,
    repaired,
)
from tests.world import World

pytestmark = pytest.mark.slow

CHANGES: dict[str, dict[str, Any]] = {
    "an object": event("object.uploaded", object_id="o2", size_bytes=1),
    "an approval": event("object.approved", "2026-04-05T09:50:00Z"),
    "a deletion": event("dataset.deleted", "2026-04-05T09:50:00Z"),
    "a dataset": event("dataset.created", dataset_id="dset_9"),
    "a search": event(
        "search.performed", query_text="r", dataset_ids=["dset_1"], result_count=1, **CHARGE
    ),
    "an access": event("dataset.accessed", "2026-04-05T09:50:00Z", kind="retrieval", **CHARGE),
    "an organization": event("organization.created", organization_id="org_9"),
    "usage": event("identification.recorded", quantity=7),
}


@pytest.fixture
def counted(world: World) -> World:
    return count_everything(world)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("damage", [0, 5])
def test_a_change_on_its_way_is_not_counted_again_after_a_repair(
    counted: World, change: str, damage: int
) -> None:
    counted.send(CHANGES[change])
    batch = counted.new_stream_records()
    counted.table.transact([counted.table.add(PROVIDER.key, {"objects": damage})])

    assert repaired(counted).left == []
    assert drifts(counted) == []
    counted.redeliver(batch)
    counted.deliver()
    assert drifts(counted) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_parked_change_is_not_counted_again_after_a_repair(counted: World, change: str) -> None:
    counted.send(CHANGES[change])
    for raw in counted.new_stream_records():
        parking.park(counted.table, Poison(raw, "no reason"), counted.now)

    assert repaired(counted).left == []
    for parked in list(parking.list_parked(counted.table)):
        counted.replay(parked.parked_id)
    assert drifts(counted) == []
    assert list(parking.list_parked(counted.table)) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_made_after_a_repair_is_counted(counted: World, change: str) -> None:
    counted.table.transact(
        [
            counted.table.add(PROVIDER.key, {"objects": 5}),
            counted.table.add(BUYER.key, {"searches": 1}),
            counted.table.add(PARTNER.key, {"active": 1}),
            counted.table.add(DAY.key, {"events": 1}),
        ]
    )
    assert repaired(counted).left == []
    counted.send(CHANGES[change])
    counted.deliver()

    assert drifts(counted) == []


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("counted_meanwhile", [True, False])
def test_what_changes_during_a_repair_is_left_alone(
    counted: World, change: str, *, counted_meanwhile: bool
) -> None:
    """Both before and after the moment that the repair is about."""
    counted.table.transact(
        [
            counted.table.add(totals.key, {totals.FIELDS[0]: 5})
            for totals in (PROVIDER, DATASET, BUYER, ACCESSES, SPEND, PARTNER, DAY, MONTH)
        ]
    )

    def live(seconds: float) -> None:
        counted.wait(seconds=seconds / 4)
        counted.send(CHANGES[change])
        if counted_meanwhile:
            counted.deliver()
        counted.wait(seconds=seconds * 3 / 4)

    repaired(counted, sleep=live)
    counted.deliver()
    assert repaired(counted).left == []
    counted.deliver()
    assert drifts(counted) == []


def test_a_row_that_begins_during_a_repair_is_counted_once(counted: World) -> None:
    """The count of a list's rows has not come to rest if one of them is new."""
    counted.tenant("new")

    def access(seconds: float) -> None:
        counted.wait(seconds=seconds)
        counted.send(event("dataset.accessed", tenant_id="new", kind="retrieval", **CHARGE))

    repaired(counted, "new", sleep=access)
    counted.deliver()

    assert (counted.table.get(BuyerTotals("new").key) or {})["accessed_datasets"] == 1


def test_a_row_that_is_counted_while_a_repair_reads_is_counted_once(counted: World) -> None:
    """Items of one call are read one by one, and others may write in between."""
    counted.tenant("new")
    counted.send(event("dataset.accessed", tenant_id="new", kind="retrieval", **CHARGE))
    batch = counted.new_stream_records()
    client: Any = OneByOne(counted.table.client)

    def count_at_last(seconds: float) -> None:
        counted.wait(seconds=seconds)
        client.after = {AccessTotals("new", "dset_1").key: lambda: counted.redeliver(batch)}

    counted.table = replace(counted.table, client=client)
    repaired(counted, "new", sleep=count_at_last)

    assert drifts(counted, "new") == []


@dataclass
class OneByOne:
    """A client that reads each item of a batch for itself; `after`: what happens behind it."""

    real: Any
    after: dict[Key, Callable[[], object]] = field(default_factory=dict)

    def batch_get_item(self, **arguments: Any) -> Any:
        ((name, wanted),) = arguments["RequestItems"].items()
        found = []
        for key in wanted["Keys"]:
            answer = self.real.get_item(TableName=name, Key=key, ConsistentRead=True)
            found += [answer["Item"]] if "Item" in answer else []
            then = self.after.pop(Key(key["PK"]["S"], key["SK"]["S"]), None)
            if then:
                then()
        return {"Responses": {name: found}}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def test_a_counter_that_moved_on_is_not_mended(counted: World) -> None:
    counted.table.transact([counted.table.add(PROVIDER.key, {"objects": 5})])

    def upload_at_once(seconds: float) -> None:
        counted.wait(seconds=seconds)
        counted.send(event("object.uploaded", object_id="o2", size_bytes=1))
        counted.deliver()

    assert [drift.field for drift in repaired(counted, sleep=upload_at_once).left] == ["objects"]
    assert repaired(counted).left == []
    assert drifts(counted) == []


def test_a_change_without_its_time_is_parked_once_its_counter_was_repaired(counted: World) -> None:
    counted.table.transact([counted.table.add(PROVIDER.key, {"objects": 5})])
    assert repaired(counted).left == []
    counted.send(event("object.uploaded", object_id="o2", size_bytes=1))
    (raw,) = counted.new_stream_records()
    del raw["dynamodb"]["ApproximateCreationDateTime"]

    (poison,) = count(counted.table, [raw], counted.now).parked

    assert poison.reason == (
        "the change does not say when it was made, and its counter was repaired: recount it"
    )


def test_a_dataset_deleted_late_is_repaired_with_its_survivors(counted: World) -> None:
    """The object outlives the deletion; the deletion arrives after it, and is not yet counted."""
    counted.send(event("object.uploaded", "2026-04-05T09:55:00Z", object_id="o2", size_bytes=4))
    counted.deliver()
    counted.send(event("dataset.deleted", "2026-04-05T09:50:00Z"))
    counted.send(event("dataset.created", "2026-04-05T09:52:00Z"))
    batch = counted.new_stream_records()

    assert repaired(counted).left == []
    counted.redeliver(batch)
    counted.deliver()
    assert drifts(counted) == []
    assert counted.get("/v1/provider/dashboard", "acme")["total_objects"] == 1


def test_a_survivor_that_is_still_to_be_moved_is_left_to_its_rescue(
    counted: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion comes when the repair has looked for survivors. Counted where it will be, the
    object would be counted once more when it is moved."""
    counted.send(event("object.uploaded", "2026-04-05T09:55:00Z", object_id="o2", size_bytes=4))
    counted.deliver()

    def rescue_before_the_deletion(*arguments: Any) -> None:
        rescue_now(*arguments)
        counted.send(event("dataset.deleted", "2026-04-05T09:50:00Z"))
        counted.send(event("dataset.created", "2026-04-05T09:52:00Z"))

    monkeypatch.setattr(repair, "rescue_now", rescue_before_the_deletion)
    left = repaired(counted).left
    counted.wait(minutes=1)
    counted.deliver()

    assert {drift.counter for drift in left} >= {PROVIDER.key}
    assert drifts(counted) == []
    assert counted.get("/v1/provider/dashboard", "acme")["total_objects"] == 1
