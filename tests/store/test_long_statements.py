"""A statement has any number of lines: they are written first, and seen with the statement only."""

from __future__ import annotations

from typing import Any

import pytest

from tally.audit.model import SCHEDULE
from tally.kernel.keys import Key
from tally.payouts import making
from tally.payouts.items import LINES_PREFIX, lines_prefix, payout_key
from tally.payouts.model.statements import Line, statement_id
from tally.payouts.reading import LinePosition, get_payout
from tally.payouts.runs import Outcome
from tally.payouts.starting import start_run
from tally.payouts.tasks import Task
from tally.payouts.verifying import verify
from tests.builders import event
from tests.faults import Crash, FaultyClient, error_after, rival
from tests.store.payouts import (
    CRASHES,
    MARCH,
    access,
    check_stated,
    detail,
    do,
    faulty,
    import_history,
    lines,
    open_market,
    run,
    run_of,
    statements,
    sums,
    units,
)
from tests.world import World

pytestmark = pytest.mark.slow

NORTHS = [f"n{n}" for n in range(9)]
MADE = statement_id("north", MARCH, "USD")
# What a task writes while a transaction takes four lines.
FIRST_LINES, SECOND_LINES, STATEMENT, DELETION = range(4)
BEFORE_THE_STATEMENT = (FIRST_LINES, SECOND_LINES, STATEMENT)


@pytest.fixture(autouse=True)
def _small_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "LINES_AN_ITEM", 2)
    monkeypatch.setattr(making, "ITEMS_A_TRANSACTION", 2)


@pytest.fixture
def market(world: World) -> World:
    """Nine of north's datasets were bought, for 10 and their number: 126 in all."""
    open_market(world)
    created = [
        event("dataset.created", "2026-01-01T00:00:00Z", tenant_id="north", dataset_id=each)
        for each in [*NORTHS, "late"]
    ]
    assert world.send(*created).status == 202
    import_history(world, *(access(str(10 + n), each) for n, each in enumerate(NORTHS)))
    return world


@pytest.fixture
def client(market: World) -> FaultyClient:
    return faulty(market)


@pytest.fixture
def task(market: World) -> Task:
    start_run(market.table, market.tasks, "run_1", MARCH, market.now, by=SCHEDULE)
    return Task.from_json(market.tasks.bodies[0])


def check_nothing_is_stated(world: World) -> None:
    assert statements(world, "north") == []
    assert get_payout(world.table, MADE) is None


def check_stated_once(world: World, *, late: int = 0) -> None:
    """Every line is there once, and no lines of other attempts are."""
    expected = [Line(each, units(10 + n), 1) for n, each in enumerate(NORTHS)]
    if late:
        expected = [Line("late", units(late), 1), *expected]
    assert lines(world, "north") == expected
    check_stated(world, "north", 126 + late)
    assert verify(world.table, MADE) is None
    assert attempts_left(world) == [attempt_stated(world)]


def attempt_stated(world: World) -> str:
    stored = world.table.get(payout_key("north", MARCH, "USD"), consistent=True)
    assert stored
    return str(stored["attempt"])


def attempts_left(world: World) -> list[str]:
    """Attempts of which lines are stored, each once."""
    items = world.table.query(f"PAYOUT#{MADE}", LINES_PREFIX, consistent=True)
    return list(dict.fromkeys(item["SK"].split("#")[1] for item in items))


def test_a_statement_with_more_lines_than_its_transaction_takes(market: World) -> None:
    assert sums(run(market)) == (1, 1, 0, 0)

    check_stated_once(market)


# --------------------------------------------------------------------------------- crashes


def dies(world: World, task: Task) -> bool:
    try:
        do(world, task)
    except Crash:
        return True
    return False


@pytest.mark.parametrize("write", BEFORE_THE_STATEMENT)
def test_lines_are_seen_with_the_statement_only(
    market: World, client: FaultyClient, task: Task, write: int
) -> None:
    def look() -> None:
        check_nothing_is_stated(market)

    client.after(write, rival(look))

    assert do(market, task) is Outcome.GENERATED
    check_stated_once(market)


@pytest.mark.parametrize("crash", CRASHES)
@pytest.mark.parametrize("second", [*BEFORE_THE_STATEMENT, DELETION])
@pytest.mark.parametrize("first", BEFORE_THE_STATEMENT)
def test_a_task_that_died_twice_is_done_at_its_third_delivery(  # noqa: PLR0917  a table of cases
    market: World, client: FaultyClient, task: Task, crash: Any, first: int, second: int
) -> None:
    """Each delivery writes lines of its own; those of the dead are deleted when there is a
    statement."""
    for write in (first, second):
        client.calm()
        client.after(write, crash)
        dies(market, task)
        if not statements(market, "north"):
            check_nothing_is_stated(market)
    client.calm()

    assert do(market, task) is Outcome.GENERATED
    assert sums(run_of(market)) == (1, 1, 0, 0)
    check_stated_once(market)


@pytest.mark.parametrize("write", [*BEFORE_THE_STATEMENT])
def test_a_write_whose_answer_is_lost_is_done_once(
    market: World, client: FaultyClient, task: Task, write: int
) -> None:
    client.after(write, error_after)

    assert do(market, task) is Outcome.GENERATED
    check_stated_once(market)


# ---------------------------------------------------------------------------------- rivals


@pytest.mark.parametrize("write", BEFORE_THE_STATEMENT)
@pytest.mark.parametrize("other", ["run_1", "run_2"])
def test_a_rival_with_the_same_lines(
    market: World, client: FaultyClient, task: Task, other: str, write: int
) -> None:
    """It finds lines of an attempt that goes on, and deletes them: they are lost all the same."""
    client.after(write, rival(lambda: run(market, run_id=other)))

    assert do(market, task) is (Outcome.GENERATED if other == "run_1" else Outcome.UNCHANGED)
    check_stated_once(market)


@pytest.mark.parametrize("write", BEFORE_THE_STATEMENT)
def test_history_that_is_imported_while_lines_are_written(
    market: World, client: FaultyClient, task: Task, write: int
) -> None:
    """The lines written by then are of another content."""
    client.after(write, rival(lambda: import_history(market, access("5", "late"))))

    assert do(market, task) is Outcome.GENERATED
    check_stated_once(market, late=5)


@pytest.mark.parametrize("write", BEFORE_THE_STATEMENT)
def test_a_rival_with_other_lines(
    market: World, client: FaultyClient, task: Task, write: int
) -> None:
    """Whoever read the ledger before an import cannot state it; the lines do not mix."""

    def import_and_state() -> None:
        import_history(market, access("5", "late"))
        run(market, run_id="run_2")

    client.after(write, rival(import_and_state))

    assert do(market, task) is Outcome.UNCHANGED
    check_stated_once(market, late=5)


@pytest.mark.parametrize("write", BEFORE_THE_STATEMENT)
@pytest.mark.parametrize("crash", CRASHES)
def test_lines_of_the_dead_are_not_mixed_with_later_ones(
    market: World, client: FaultyClient, task: Task, crash: Any, write: int
) -> None:
    """A dataset gets another name between two deliveries, and others have been sold."""
    client.after(write, crash)
    assert dies(market, task)
    stated = bool(statements(market, "north"))
    named = {"tenant_id": "north", "dataset_id": "n3", "name": "New"}
    renamed = event("dataset.updated", "2026-04-01T05:59:00Z", **named)
    assert market.send(renamed).status == 202
    import_history(market, access("5", "late"))  # of April, if March is stated

    do(market, task)
    check_stated_once(market, late=0 if stated else 5)
    names = {each.line.dataset_id: each.name for each in detail(market, "north").lines}
    assert names["n3"] == ("AP Invoices 2025" if stated else "New")


def test_nobody_deletes_lines_before_there_is_a_statement(market: World, task: Task) -> None:
    """Any of the attempts may still be the one that it will name."""
    for run_id in ("run_1", "run_2"):
        start_run(market.table, market.tasks, run_id, MARCH, market.now, by=SCHEDULE)
        client = faulty(market)
        client.after(STATEMENT, crash := CRASHES[0])
        assert dies(market, task._replace(run_id=run_id)), crash
    assert len(attempts_left(market)) == 2


# --------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("after", [None, *NORTHS])
def test_lines_after_any_other(market: World, after: str | None) -> None:
    """Within an item, at its end, and at the end of all."""
    run(market)

    found = get_payout(market.table, MADE, LinePosition(after) if after else None)

    assert found
    expected = [each for each in NORTHS if after is None or each > after]
    assert [each.line.dataset_id for each in found.lines] == expected


@pytest.mark.parametrize("stray", ["att_0000000000000000", "att_ffffffffffffffff"])
def test_lines_of_an_attempt_that_is_still_under_way_are_not_read(
    market: World, stray: str
) -> None:
    run(market)
    table, own = market.table, lines_prefix(attempt_stated(market))
    for item in list(table.query(f"PAYOUT#{MADE}", own, consistent=True)):
        sk = item["SK"].replace(attempt_stated(market), stray)
        table.transact([table.put(Key(item["PK"], sk), {"lines": item["lines"]})])

    assert [line.dataset_id for line in lines(market, "north")] == NORTHS
    assert verify(table, MADE) is None
    run(market)  # finds its outcome, and deletes them
    check_stated_once(market)


# ----------------------------------------------------------------------------------- costs


SMALL = ["BatchGetItem", "BatchGetItem", "Query", "BatchGetItem", "GetItem", "TransactWriteItems"]


def test_a_statement_whose_lines_fit_is_one_transaction(market: World) -> None:
    import_history(market, access("1", "d2"))
    start_run(market.table, market.tasks, "run_1", MARCH, market.now, by=SCHEDULE)
    tasks = [Task.from_json(body) for body in market.tasks.bodies]
    (south,) = (each for each in tasks if each.tenant_id == "south")
    calls: list[str] = []

    with market.on_call(calls.append):
        assert do(market, south) is Outcome.GENERATED
    # Outcome and run, month, ledger, names, tenant, all that is written, and reserves that are due.
    assert calls == [*SMALL, "Query"]

    calls.clear()
    with market.on_call(calls.append):
        assert detail(market, "south").lines
    assert calls == ["Query", "GetItem"]
