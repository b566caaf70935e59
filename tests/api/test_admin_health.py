"""GET /v1/admin/health: what waits for an operator, and what was proved last."""

from __future__ import annotations

from typing import Any

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tally.aws.buckets import Bucket
from tally.counting import parking
from tally.counting.changes import Poison
from tally.operations.checks.books import check_ledger
from tally.operations.checks.counters import check_counters
from tally.operations.checks.statements import check_statements
from tally.operations.health import measure
from tests.api.answers import answer, success
from tests.builders import event
from tests.store.recounts import BUYER, count_everything
from tests.world import World

URL = "/v1/admin/health"
NONE = {"number": 0, "oldest_at": None}
WELL: dict[str, Any] = {
    "parked_records": NONE | {"reasons": []},
    "rejected_events": NONE,
    "failed_batches": NONE,
    "proofs": {"counters": None, "books": None, "statements": None},
}


def ask(world: World) -> Answer:
    return world.request("GET", URL, key=world.key(PLATFORM, Scope.ADMIN))


def said(world: World) -> Any:
    answered = ask(world)
    assert answered.status == 200, answered
    return answered.body["data"]


def test_of_a_new_stack(world: World) -> None:
    assert ask(world) == answer(200, success(WELL))


def test_a_check_that_never_ran_has_proved_nothing(world: World) -> None:
    """Though it counts as missed since its lack was noted."""
    measure(world.table, Bucket(world.failed, "failed-batches"), world.now)

    assert said(world) == WELL


def test_what_waits_and_since_when(world: World) -> None:
    count_everything(world)
    for n, reason in enumerate(("no date", "unreadable image: 'o1'", "unreadable image: 'o2'")):
        world.send(event("object.uploaded", object_id=f"obj_1{n}", size_bytes=1))
        (record,) = world.new_stream_records()
        parking.park(world.table, Poison(record, reason), world.now)
        world.wait(minutes=5)
    world.rejected.number = 3
    world.failed.written_at = ["2026-04-03T00:00:00.000000000Z", "2026-04-02T00:00:00.000000000Z"]

    assert said(world) == WELL | {
        "parked_records": {
            "number": 3,
            "oldest_at": "2026-04-05T10:00:00Z",
            "reasons": [
                {"reason": "unreadable image", "number": 2},
                {"reason": "no date", "number": 1},
            ],
        },
        "rejected_events": {"number": 3, "oldest_at": None},
        "failed_batches": {"number": 2, "oldest_at": "2026-04-02T00:00:00Z"},
    }


def test_the_latest_proofs(world: World) -> None:
    count_everything(world)
    check_counters(world.table, world.now)
    world.wait(hours=1)
    check_ledger(world.table, world.now)
    check_statements(world.table, world.now)
    equal = {"result": "equal", "differences": 0, "wrong": []}
    assert said(world)["proofs"] == {
        "counters": {"finished_at": "2026-04-05T10:00:00Z", **equal},
        "books": {"finished_at": "2026-04-05T11:00:00Z", **equal},
        "statements": {"finished_at": "2026-04-05T11:00:00Z", **equal},
    }

    world.table.transact([world.table.add(BUYER.key, {"searches": 1})])
    world.wait(hours=1)
    check_counters(world.table, world.now)

    assert said(world)["proofs"]["counters"] == {
        "finished_at": "2026-04-05T12:00:00Z",
        "result": "different",
        "differences": 1,
        "wrong": ["acme"],
    }
