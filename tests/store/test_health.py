"""What MeasureHealth publishes: zeros, until something is wrong, and again once it is repaired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tally.audit.model import SCHEDULE
from tally.aws.buckets import Bucket
from tally.counting import parking
from tally.counting.changes import Poison
from tally.kernel.keys import Key
from tally.ledger.items import CREDIT_PREFIX, ledger_pk
from tally.metrics import Metric
from tally.operations.checks.books import check_ledger
from tally.operations.checks.counters import check_counters
from tally.operations.checks.statements import check_statements
from tally.operations.health import measure
from tally.payouts.starting import start_run
from tally.payouts.tasks import Task, note_failure
from tests.builders import event
from tests.store.recounts import BUYER, count_everything, repaired
from tests.world import World

WELL = {
    Metric.PARKED_RECORDS: 0,
    Metric.FAILED_BATCHES: 0,
    Metric.OVERDUE_PAYOUTS: 0,
    Metric.DRIFT: 0,
    Metric.UNBALANCED_CURRENCIES: 0,
    Metric.DIFFERING_STATEMENTS: 0,
    Metric.CHECK_AGE_S: 0,
}
SEVEN, EIGHT = (f"2026-05-01T{hour}:00:00.000000000Z" for hour in ("07", "08"))


@dataclass
class Objects:
    """A bucket's client."""

    keys: tuple[str, ...] = ()

    def list_objects_v2(self, **_: Any) -> dict[str, Any]:
        written = datetime(2026, 4, 5, tzinfo=UTC)
        found = [{"Key": key, "LastModified": written} for key in self.keys]
        return {"Contents": found} if found else {}


def health(world: World, *failed: str) -> dict[Metric, float]:
    return measure(world.table, Bucket(Objects(failed), "failed-batches"), world.now)


@pytest.fixture
def counted(world: World) -> World:
    """acme, with one of everything that is counted, counted."""
    count_everything(world)
    assert health(world) == WELL
    return world


def test_failed_batches_are_counted(world: World) -> None:
    assert health(world, "a", "b") == WELL | {Metric.FAILED_BATCHES: 2}


def test_a_parked_record_counts_until_it_is_replayed(counted: World) -> None:
    counted.send(event("object.uploaded", object_id="obj_2", size_bytes=1))
    (record,) = counted.new_stream_records()
    parking.park(counted.table, Poison(record, "no reader yet"), counted.now)
    assert health(counted) == WELL | {Metric.PARKED_RECORDS: 1}

    (parked,) = parking.list_parked(counted.table)
    counted.replay(parked.parked_id)

    assert health(counted) == WELL


def test_drift_stays_until_a_check_after_the_repair(counted: World) -> None:
    counted.table.transact([counted.table.add(BUYER.key, {"searches": 1})])
    assert health(counted) == WELL
    check_counters(counted.table, counted.now)
    assert health(counted) == WELL | {Metric.DRIFT: 1}

    repaired(counted)

    assert health(counted)[Metric.DRIFT] == 1
    check_counters(counted.table, counted.now)
    assert health(counted)[Metric.DRIFT] == 0


def test_books_and_statements_that_are_wrong_until_the_ledger_is_mended(world: World) -> None:
    world.tenant("acme")
    charge = {"kind": "download", "charged_amount": "1.00", "currency": "USD"}
    world.send(event("dataset.created"))
    world.import_history(event("dataset.accessed", "2026-03-05T09:30:00Z", **charge))
    world.run_payouts("2026-03")
    world.wait(minutes=3)
    (credit,) = world.table.query(ledger_pk("acme", "2026-03"), CREDIT_PREFIX)
    key = Key(credit.pop("PK"), credit.pop("SK"))

    world.table.transact([world.table.delete(key)])
    check_ledger(world.table, world.now)
    check_statements(world.table, world.now)
    wrong = {Metric.UNBALANCED_CURRENCIES: 1, Metric.DIFFERING_STATEMENTS: 1}
    assert health(world) == WELL | wrong

    world.table.transact([world.table.put(key, credit)])
    check_ledger(world.table, world.now)
    check_statements(world.table, world.now)
    assert health(world) == WELL


def test_the_age_of_the_oldest_check(world: World) -> None:
    health(world)
    world.wait(hours=25)
    check_counters(world.table, world.now)
    check_statements(world.table, world.now)

    assert health(world) == WELL | {Metric.CHECK_AGE_S: 25 * 3600}
    check_ledger(world.table, world.now)
    assert health(world) == WELL


# --------------------------------------------------------------------------- payouts


@pytest.fixture
def may(world: World) -> World:
    """It is the 1st of May, and two providers earned something in April."""
    for provider in ("north", "south"):
        world.tenant(provider)
        created = event("dataset.created", tenant_id=provider, dataset_id=f"{provider}-1")
        access = event(
            "dataset.accessed",
            tenant_id="north",
            dataset_id=f"{provider}-1",
            kind="download",
            charged_amount="1.00",
            currency="USD",
        )
        assert world.send(created, access).status == 202
    world.now = EIGHT
    return world


def overdue(world: World) -> float:
    return health(world)[Metric.OVERDUE_PAYOUTS]


def test_a_month_without_a_run_is_overdue_at_eight(may: World) -> None:
    may.now = SEVEN
    assert overdue(may) == 0
    may.now = EIGHT
    assert overdue(may) == 2

    may.run_payouts("2026-04")

    assert overdue(may) == 0


def test_a_run_that_does_not_end_is_overdue(may: World) -> None:
    start_run(may.table, may.tasks, "run_1", "2026-04", may.now, by=SCHEDULE)
    assert overdue(may) == 2
    note_failure(may.table, Task("run_1", "south", "2026-04", "USD"), may.now)
    may.tasks.bodies = [body for body in may.tasks.bodies if "north" in body]
    may.do_tasks()
    assert overdue(may) == 1

    may.run_payouts("2026-04")

    assert overdue(may) == 0


def test_nobody_is_overdue_who_earned_nothing(world: World) -> None:
    world.now = EIGHT

    assert overdue(world) == 0
