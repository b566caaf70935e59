"""A recount finds every counter that drifted, and a repair mends it."""

from __future__ import annotations

from argparse import Namespace
from itertools import cycle

import pytest

from ops.counters import recount_tenants
from ops.deployment import Deployment
from tally.access.counters import ApiKeyTotals
from tally.activity.counters import AccessTotals
from tally.aws.items import to_item
from tally.catalog.items import object_key
from tally.counting.recount import OF_RUNS, OF_TENANT, Drift, look, recount, stored_counters
from tally.counting.repair import Repaired
from tally.kernel.counters import DatedTotals, Totals
from tally.partners.counters import UsageTotals
from tally.payouts.counters import RunTotals, StatementTotals
from tests.builders import event
from tests.store.recounts import (
    ACCESSES,
    BUYER,
    DATASET,
    DAY,
    MONTH,
    PARTNER,
    PROVIDER,
    SERIES,
    SPEND,
    count_everything,
    drifts,
    repaired,
)
from tests.world import World

pytestmark = pytest.mark.slow

EVERY_COUNTER: tuple[Totals, ...] = (
    PROVIDER,
    DATASET,
    BUYER,
    ACCESSES,
    SPEND,
    *SERIES,
    PARTNER,
    DAY,
    MONTH,
    ApiKeyTotals("acme"),
    StatementTotals("acme"),
)


@pytest.fixture
def counted(world: World) -> World:
    return count_everything(world)


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
    unused = UsageTotals("acme", "2026-04-06")
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


def test_a_record_that_cannot_be_read_is_named_and_keeps_nobody_else_from_being_recounted(
    counted: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stream parks its changes; a recount cannot tell what it should count."""
    counted.tenant("rival")
    strange = to_item(object_key("dset_1", "strange"), {"tenant_id": "acme"})
    counted.table.client.put_item(TableName=counted.table.name, Item=strange)
    deployed = Deployment(counted.table, {}, None, None)

    for repair in (False, True):
        command = Namespace(tenant=["acme", "rival"], repair=repair, pause=0)
        assert recount_tenants(deployed, command) == 1
        assert capsys.readouterr().out == (
            "acme: DATASET#dset_1 / OBJECT#strange cannot be read (KeyError: 'dataset_id'); "
            "correct it or delete it\n"
            "rival: drift 0\n"
        )
