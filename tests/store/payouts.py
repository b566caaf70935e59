"""A market whose providers are paid: what happens there, and what its statements say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tally.audit.model import SCHEDULE
from tally.intake.accepting import ingest
from tally.intake.cloudevents import read_event
from tally.kernel.events import Door, Rejected
from tally.kernel.money import MICROS_PER_UNIT, Micros
from tally.kernel.periods import Period
from tally.ledger.model.entries import EntrySide
from tally.ledger.reads import entries
from tally.payouts.items import RESERVES_PK
from tally.payouts.model.statements import Line, Statement, statement_id, sum_of
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.reading import PayoutDetail, get_payout, list_payouts
from tally.payouts.runs import Outcome, Run, get_run
from tally.payouts.starting import start_run
from tally.payouts.tasks import Task, do_task
from tests.builders import event, market
from tests.faults import FaultyClient, crash_after, crash_before
from tests.world import Tasks, World

HOLD_FOR = timedelta(days=90)
MARCH, APRIL = "2026-03", "2026-04"
FIRST_OF_APRIL, FIRST_OF_MAY = "2026-04-01T06:00:00.000000000Z", "2026-05-01T06:00:00.000000000Z"
CRASHES = (crash_before, crash_after)


type Event = dict[str, Any]


def open_market(world: World) -> World:
    """Ada buys of north (d1) and south (d2); it is the 1st of April, when the schedule fires."""
    market(world, "ada", north=["d1"], south=["d2"])
    world.now = FIRST_OF_APRIL
    return world


def faulty(world: World) -> FaultyClient:
    """The client that all later writes of the world go through."""
    client = FaultyClient(world.table.client)
    stand_in: Any = client
    world.table = replace(world.table, client=stand_in)
    return client


def post(world: World, *events: Event, backfill: bool = False) -> None:
    read = [read_event(each, world.now) for each in events]
    outcomes = ingest(world.table, read, Door(world.now, backfill=backfill))
    assert not [outcome for outcome in outcomes if isinstance(outcome, Rejected)]


def import_history(world: World, *events: Event) -> None:
    post(world, *events, backfill=True)


def access(
    amount: str, dataset_id: str = "d1", *, month: Period = MARCH, event_id: str | None = None
) -> Event:
    charged = {"charged_amount": amount, "currency": "USD", "kind": "download"}
    named = {"tenant_id": "ada", "dataset_id": dataset_id}
    return event("dataset.accessed", f"{month}-01T05:00:00Z", id=event_id, **named, **charged)


def search(amount: str, *dataset_ids: str) -> Event:
    data: dict[str, Any] = {
        "tenant_id": "ada",
        "query_text": "q",
        "dataset_ids": list(dataset_ids),
        "result_count": 1,
        "charged_amount": amount,
        "currency": "USD",
    }
    return event("search.performed", f"{MARCH}-15T12:00:00Z", **data)


def run(world: World, period: Period = MARCH, run_id: str = "run_1") -> Run:
    """What the schedule starts, to its end."""
    tasks: Any = Tasks()
    start_run(world.table, tasks, run_id, period, world.now, by=SCHEDULE)
    for body in tasks.bodies:
        do(world, Task.from_json(body))
    return run_of(world, period, run_id)


def do(world: World, task: Task) -> Outcome:
    return do_task(world.table, task, world.now, hold_for=HOLD_FOR)


def run_of(world: World, period: Period = MARCH, run_id: str = "run_1") -> Run:
    found = get_run(world.table, period, run_id)
    assert found
    return found


def sums(found: Run) -> tuple[int, int, int, int]:
    return found.expected, found.generated, found.unchanged, found.failed


def detail(world: World, provider: str, period: Period = MARCH) -> PayoutDetail:
    """With all its lines."""
    found = get_payout(world.table, statement_id(provider, period, "USD"))
    assert found
    return replace(found, lines=list(found.lines))


def lines(world: World, provider: str, period: Period = MARCH) -> list[Line]:
    return [each.line for each in detail(world, provider, period).lines]


def statement(world: World, provider: str, period: Period = MARCH) -> Statement:
    """As the list and the detail show it."""
    made = detail(world, provider, period).payout.statement
    (listed,) = [s for s in statements(world, provider) if s.period == period]
    assert made == listed
    return made


def statements(world: World, provider: str) -> list[Statement]:
    """Newest month first; their number is counted beside them."""
    page = list_payouts(world.table, provider, limit=100)
    assert page.total == len(page.rows)
    return [payout.statement for payout in page.rows]


def units(whole: float) -> Micros:
    return round(whole * MICROS_PER_UNIT)


def credited(world: World, provider: str, period: Period) -> Micros:
    found = entries(world.table, provider, period, EntrySide.CREDIT)
    return sum(entry.amount for entry in found)


def check_stated(world: World, provider: str, gross: float, period: Period = MARCH) -> None:
    """One statement, of all that is in the ledger, and what belongs to it."""
    made = statement(world, provider, period)
    assert made.gross == units(gross)
    stated = detail(world, provider, period)
    due = credited(world, provider, period)
    assert (sum_of(each.line for each in stated.lines), stated.exact) == (due, due)
    assert [change.status for change in detail(world, provider, period).changes] == [
        PayoutStatus.PENDING
    ]
    reserves = [item for item in held(world) if item["statement_id"] == made.statement_id]
    assert [item["amount"] for item in reserves] == ([made.held] if made.held else [])


def held(world: World) -> list[dict[str, Any]]:
    return list(world.table.query(RESERVES_PK, consistent=True))
