"""GET /v1/admin/payout-runs: all runs and how far they are, the newest first."""

from __future__ import annotations

from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tally.kernel.instants import for_display
from tally.kernel.keys import Key
from tally.payouts.items import STARTED_RUNS_PK, payout_run_key
from tally.payouts.run_list import list_existing
from tally.payouts.runs import Run
from tally.payouts.tasks import Task, note_failure
from tests import builders
from tests.api.answers import INVALID_CURSOR, list_answer, success
from tests.api.statements import RUNS, access, start, state
from tests.world import World

FEBRUARY, MARCH = "2026-02", "2026-03"


@pytest.fixture
def trade(world: World) -> World:
    return builders.market(world, "acme", north=["dset_1"], south=["dset_9"])


def ask(world: World, query: str = "") -> Answer:
    return world.request("GET", f"{RUNS}{query}", key=world.key(PLATFORM, Scope.ADMIN))


def listed(world: World, query: str = "") -> Any:
    answered = ask(world, query)
    assert answered.status == 200, answered
    return answered.body["data"]


def row(run: Run, finished_at: str | None, **fields: Any) -> dict[str, Any]:
    return {
        "payout_run_id": run.run_id,
        "period": run.period,
        "status": "finished" if finished_at else "running",
        "started_at": for_display(run.started_at),
        "started_by": run.started_by,
        "finished_at": finished_at,
        "expected": run.expected,
        "generated": run.generated,
        "unchanged": run.unchanged,
        "failed": run.failed,
        **fields,
    }


def test_no_runs(trade: World) -> None:
    assert ask(trade) == list_answer(
        200, success({"payout_runs": [], "total": 0, "next_cursor": None})
    )


def test_a_run_begins_goes_on_and_finishes(trade: World) -> None:
    trade.now = "2026-04-01T06:00:00.000000000Z"
    assert trade.import_history(access(MARCH, "1"), access(MARCH, "2", "dset_9")).status == 202
    started = start(trade, {"period": MARCH}).body["data"]
    first, second = trade.tasks.bodies
    (begun,) = listed(trade)["payout_runs"]

    trade.wait(minutes=1)
    trade.tasks.bodies = [first]
    trade.do_tasks()
    (half,) = listed(trade)["payout_runs"]
    trade.wait(minutes=1)
    note_failure(trade.table, Task.from_json(second), trade.now)
    (failed,) = listed(trade)["payout_runs"]
    trade.wait(minutes=1)
    trade.tasks.bodies = [second]
    trade.do_tasks()
    (done,) = listed(trade)["payout_runs"]

    numbers = ("status", "finished_at", "expected", "generated", "unchanged", "failed")
    assert [tuple(each[name] for name in numbers) for each in (begun, half, failed, done)] == [
        ("running", None, 2, 0, 0, 0),
        ("running", None, 2, 1, 0, 0),
        ("finished", "2026-04-01T06:02:00Z", 2, 1, 0, 1),
        ("finished", "2026-04-01T06:03:00Z", 2, 2, 0, 0),
    ]
    assert done["payout_run_id"] == started["payout_run_id"]
    assert (done["period"], done["started_at"]) == (MARCH, "2026-04-01T06:00:00Z")
    assert done["started_by"].startswith("key_")


def test_the_last_to_start_comes_first_whatever_its_month(trade: World) -> None:
    march = state(trade, MARCH, access(MARCH, "1"))
    trade.wait(hours=1)
    february = trade.run_payouts(FEBRUARY)
    trade.wait(hours=1)
    again = trade.run_payouts(MARCH)

    ended = "2026-04-01T06:00:00Z"
    assert ask(trade).body["data"] == {
        "payout_runs": [
            row(again, "2026-04-01T08:00:00Z"),
            row(february, "2026-04-01T07:00:00Z"),
            row(march, ended),
        ],
        "total": 3,
        "next_cursor": None,
    }
    assert (again.unchanged, february.expected, march.generated) == (1, 0, 1)


def test_pages(trade: World) -> None:
    ids = []
    for _ in range(3):
        trade.wait(days=31)
        ids.append(trade.run_payouts(MARCH).run_id)

    first = listed(trade, "?limit=2")
    second = listed(trade, f"?limit=2&cursor={first['next_cursor']}")

    met = [each["payout_run_id"] for page in (first, second) for each in page["payout_runs"]]
    assert met == ids[::-1]
    assert (first["total"], second["total"], second["next_cursor"]) == (3, 3, None)
    trade.now = "2026-04-05T10:00:00.000000000Z"
    assert ask(trade, f"?cursor={first['next_cursor'][:-1]}") == list_answer(400, INVALID_CURSOR)


def test_runs_from_before_the_list(trade: World) -> None:
    """They are put into it by a command; when they finished was not noted."""
    run = state(trade, MARCH, access(MARCH, "1"))
    table = trade.table
    for item in list(table.query(STARTED_RUNS_PK)):
        table.transact([table.delete(Key(item["PK"], item["SK"]))])
    for item in list(table.query(payout_run_key(MARCH, "").pk)):
        table.transact([table.update(Key(item["PK"], item["SK"]), "REMOVE noted_at")])
    assert listed(trade) == {"payout_runs": [], "total": 0, "next_cursor": None}

    assert list_existing(table) == 1
    (found,) = listed(trade)["payout_runs"]
    assert found == row(run, None, status="finished")
    with trade.unchanged():
        assert list_existing(table) == 0
    assert listed(trade)["total"] == 1
