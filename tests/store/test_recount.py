"""A recount finds every counter that drifted, and a repair never counts anything twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

import pytest

from tally.access.counters import ApiKeyTotals
from tally.activity.counters import AccessTotals, BuyerTotals
from tally.catalog.counters import DatasetTotals, ProviderTotals
from tally.counting import parking
from tally.counting.changes import Poison
from tally.counting.engine import count
from tally.counting.recount import OF_RUNS, OF_TENANT, Drift, look, recount, stored_counters
from tally.counting.repair import Repaired, repair
from tally.kernel.counters import DatedTotals, Totals
from tally.kernel.instants import to_datetime
from tally.kernel.keys import Key
from tally.ledger.counters import SpendTotals
from tally.partners.counters import PartnerTotals, UsageTotals
from tally.partners.model.usage import Bucket
from tally.payouts.counters import RunTotals, StatementTotals
from tests.builders import event
from tests.world import World

pytestmark = pytest.mark.slow

PROVIDER = ProviderTotals("acme")
BUYER = BuyerTotals("acme")
SPEND = SpendTotals("acme", "2026-04")
ACCESSES = AccessTotals("acme", "dset_1")
DATASET = DatasetTotals("acme", "dset_1", "0")
PARTNER = PartnerTotals("acme")
DAY = UsageTotals("acme", Bucket.DAY, "2026-04-05")
MONTH = UsageTotals("acme", Bucket.MONTH, "2026-04")
EVERY_COUNTER: tuple[Totals, ...] = (
    PROVIDER,
    DATASET,
    BUYER,
    ACCESSES,
    SPEND,
    PARTNER,
    DAY,
    MONTH,
    ApiKeyTotals("acme"),
    StatementTotals("acme"),
)
CHARGE: dict[str, Any] = {"charged_amount": "0.45", "currency": "USD"}


@pytest.fixture
def counted(world: World) -> World:
    """One of everything that is counted, counted."""
    world.tenant("acme")
    world.key("acme")
    world.send(event("dataset.created"), event("object.uploaded", size_bytes=10))
    world.import_history(
        event("dataset.accessed", "2026-04-05T09:31:00Z", kind="download", **CHARGE)
    )
    world.send(
        event("search.performed", query_text="q", dataset_ids=["dset_1"], result_count=1, **CHARGE),
        event("organization.created"),
        event("identification.recorded", quantity=3),
    )
    world.deliver()
    return world


def drifts(world: World, tenant_id: str = "acme") -> list[Drift]:
    return recount(world.table, tenant_id, sleep=lambda _: None)


def repaired(world: World, tenant_id: str = "acme", **arguments: Any) -> Repaired:
    """A repair in the world's own time."""

    def clock() -> float:
        return to_datetime(world.now).timestamp()

    arguments = {"sleep": lambda seconds: world.wait(seconds=seconds), **arguments}
    return repair(world.table, tenant_id, clock=clock, **arguments)


EACH = pytest.mark.parametrize("totals", EVERY_COUNTER, ids=lambda totals: "/".join(totals.key))


# ----------------------------------------------------------------------------- finding


def test_no_drift(counted: World) -> None:
    assert drifts(counted) == []


def test_every_kind_of_counter_is_damaged_below(counted: World) -> None:
    seen = look(counted.table, OF_TENANT, "acme")
    found = {type(totals) for totals in stored_counters(counted.table, OF_TENANT, "acme", seen)}

    assert found == {type(totals) for totals in EVERY_COUNTER}


def test_every_kind_of_record_declares_the_counters_that_it_adds_to(counted: World) -> None:
    for kind in OF_TENANT.counted:
        added = set()
        for item in kind.items_of(counted.table, "acme"):
            for totals, name in kind.contribution(kind.read(item)):
                assert name in totals.FIELDS
                rows = [totals.row_count[0]] if isinstance(totals, DatedTotals) else []
                parents = [totals.parent] if totals.parent else []
                added |= {type(each) for each in (totals, *rows, *parents)}
        assert added in (set(kind.adds_to), set())
    assert OF_TENANT.counted


@EACH
def test_each_field_of_each_counter_is_found_and_repaired(counted: World, totals: Totals) -> None:
    for name, off_by in zip(totals.FIELDS, cycle((1, -1)), strict=False):
        right = (counted.table.get(totals.key) or {}).get(name, 0)
        counted.table.transact([counted.table.add(totals.key, {name: off_by})])

        drift = Drift(totals.key, name, stored=right + off_by, expected=right)
        assert drifts(counted) == [drift]
        assert repaired(counted) == Repaired(mended=[drift], left=[])
        assert drifts(counted) == []


@pytest.mark.parametrize("name", ["dataset_id", "last_accessed_at", "accessed_by"])
def test_each_text_of_a_row_is_found_and_repaired(counted: World, name: str) -> None:
    before = counted.table.get(ACCESSES.key) or {}
    counted.table.transact(
        [counted.table.update(ACCESSES.key, f"SET {name} = :wrong", wrong="wrong")]
    )

    drift = Drift(ACCESSES.key, name, stored="wrong", expected=before[name])
    assert drifts(counted) == [drift]
    assert repaired(counted) == Repaired(mended=[drift], left=[])
    assert drifts(counted) == []


@pytest.mark.parametrize("totals", EVERY_COUNTER[:-1], ids=lambda totals: "/".join(totals.key))
def test_a_counter_that_is_gone_is_made_again(counted: World, totals: Totals) -> None:
    counted.table.transact([counted.table.delete(totals.key)])

    assert drifts(counted)
    assert repaired(counted).left == []
    assert drifts(counted) == []


def test_a_drift_says_what_is_wrong() -> None:
    drift = Drift(DATASET.key, "bytes", stored=7, expected=10)

    assert str(drift) == "DATASET#dset_1 / DATASET#TOTALS#0: bytes is 7, its records say 10"


def test_a_counter_of_nothing_is_found_and_repaired(counted: World) -> None:
    unused = UsageTotals("acme", Bucket.DAY, "2026-04-06")
    unknown = AccessTotals("acme", "dset_2")
    counted.table.transact(
        [
            counted.table.add(unused.key, {"events": 2}),
            counted.table.put(unknown.key, {"dataset_id": "dset_2", "accesses": 1}),
            counted.table.add(BUYER.key, {"accessed_datasets": 1}),
        ]
    )

    assert [str(drift) for drift in drifts(counted)] == [
        "PARTNER#acme / USED#DAY#2026-04-06: events is 2, its records say 0",
        "TENANT#acme / ACCESSED#dset_2: accesses is 1, its records say 0",
        "TENANT#acme / TOTALS#BUYER: accessed_datasets is 2, its records say 1",
    ]
    assert repaired(counted).left == []
    assert drifts(counted) == []
    assert counted.table.get(unknown.key) is None


def test_payout_runs_are_recounted_too(counted: World) -> None:
    counted.wait(days=40)
    run = counted.run_payouts("2026-04")
    totals = RunTotals("2026-04", run.run_id)
    for name in totals.FIELDS:
        counted.table.transact([counted.table.add(totals.key, {name: 1})])
        assert [
            d.field for d in recount(counted.table, "", sleep=lambda _: None, kinds=OF_RUNS)
        ] == [name]
        assert repaired(counted, kinds=OF_RUNS).left == []
        assert recount(counted.table, "", sleep=lambda _: None, kinds=OF_RUNS) == []


def test_what_is_still_on_its_way_is_no_drift(counted: World) -> None:
    counted.send(event("object.uploaded", object_id="o2", size_bytes=1))

    def deliver_meanwhile(_seconds: float) -> None:
        counted.deliver()

    assert recount(counted.table, "acme", sleep=deliver_meanwhile) == []


def test_a_deleted_dataset_leaves_no_drift_behind(counted: World) -> None:
    counted.send(event("dataset.deleted", "2026-04-05T09:40:00Z"))
    counted.deliver()

    assert drifts(counted) == []


# ----------------------------------------------------------------------------- repairing

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
        parking.replay(counted.table, parked.parked_id)
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
