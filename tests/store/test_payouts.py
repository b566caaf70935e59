"""One statement per provider, month and currency, whatever happens."""

from __future__ import annotations

from itertools import batched
from typing import Any

import pytest

from tally.audit.model import SCHEDULE
from tally.catalog.items import dataset_key
from tally.ledger import reads as ledger
from tally.ledger.items import entry_attributes, key_of_entry, ledger_pk, provider_month_key
from tally.ledger.model.charges import SpendKind
from tally.ledger.model.entries import EntrySide, LedgerEntry, Posting
from tally.ledger.reads import entries
from tally.payouts.items import LINES_PREFIX, payout_by_id_key
from tally.payouts.model.statements import Line, Statement
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.runs import Outcome, failures
from tally.payouts.starting import start_run
from tally.payouts.tasks import Task, note_failure
from tests.faults import Crash, FaultyClient, rival
from tests.operators import OPERATOR
from tests.store.payouts import (
    APRIL,
    CRASHES,
    MARCH,
    access,
    check_stated,
    detail,
    do,
    faulty,
    held,
    import_history,
    lines,
    open_market,
    run,
    run_of,
    search,
    statements,
    sums,
    units,
)
from tests.world import World


@pytest.fixture
def market(world: World) -> World:
    return open_market(world)


@pytest.fixture
def client(market: World) -> FaultyClient:
    return faulty(market)


# ------------------------------------------------------------------------------ a run


def test_a_run_makes_a_statement_of_each_providers_month(market: World) -> None:
    import_history(market, access("1250.00"), search("0.03", "d1", "d2"), access("7", month=APRIL))
    assert sums(run(market)) == (2, 2, 0, 0)
    north = detail(market, "north")
    assert north.payout.statement == Statement(
        tenant_id="north",
        period=MARCH,
        currency="USD",
        fee_rate=north.payout.statement.fee_rate,
        reserve_rate=north.payout.statement.reserve_rate,
        gross=1_250_020_000,  # 1250.015, half to even
        fee=375_010_000,
        held=125_000_000,
        carried_in=0,
        created_at=market.now,
        number=1,
    )
    assert north.lines == [(Line("d1", 1_250_015_000, 2), "AP Invoices 2025")]
    assert (north.payout.status, north.release) == (PayoutStatus.PENDING, None)
    check_stated(market, "south", 0.02)


def test_a_run_by_hand_makes_the_same(market: World) -> None:
    import_history(market, access("1250.00"))
    found = market.run_payouts(MARCH)
    assert sums(found) == (1, 1, 0, 0)
    check_stated(market, "north", 1250)


def test_there_is_no_statement_of_nothing(market: World) -> None:
    assert sums(run(market)) == (0, 0, 0, 0)
    import_history(market, access("0"))
    assert sums(run(market)) == (0, 0, 0, 0)
    assert statements(market, "north") == []


def test_each_currency_has_its_own_statement(market: World) -> None:
    market.tenant("eva", billing_currency="EUR")
    in_euros = access("3")
    in_euros["data"] |= {"tenant_id": "eva", "currency": "EUR"}
    import_history(market, access("2"), in_euros)
    assert sums(run(market)) == (2, 2, 0, 0)
    found = {each.currency: each.gross for each in statements(market, "north")}
    assert found == {"USD": units(2), "EUR": units(3)}


def test_long_names_of_many_datasets_fit_into_the_items_of_a_statement(market: World) -> None:
    """An item holds 400 KB; a name has up to 256 characters of up to 4 bytes each."""
    name, table = "\U0001f4c8" * 256, market.table
    dataset_ids = [f"{n:064}" for n in range(400)]
    for some in batched(dataset_ids, 100, strict=True):
        table.transact([table.put(dataset_key(each), {"name": name}) for each in some])
    entry = LedgerEntry(
        Posting("e", SpendKind.SEARCH, "USD", market.now, market.now),
        EntrySide.CREDIT,
        "north",
        MARCH,
        400 * 10**15,
        dict.fromkeys(dataset_ids, 10**15),
    )
    register = provider_month_key(MARCH, "north", "USD")
    table.transact(
        [
            table.put_new(key_of_entry(entry), entry_attributes(entry)),
            table.put_new(register, {"tenant_id": "north", "currency": "USD"}),
        ]
    )
    assert sums(run(market)) == (1, 1, 0, 0)
    found = detail(market, "north")
    assert found.lines == [(Line(each, 10**15, 1), name) for each in dataset_ids]
    items = table.query(payout_by_id_key(found.payout.statement.statement_id).pk, LINES_PREFIX)
    assert all(len(str(item).encode()) < 400_000 for item in items)


@pytest.mark.parametrize("charges", [2, 3, 4, 6, 7])
def test_a_statement_is_exact_across_the_pages_of_the_ledger(
    market: World, monkeypatch: pytest.MonkeyPatch, charges: int
) -> None:
    """A page is taken when it is needed, and all are: each charge has a digit of the sum."""
    monkeypatch.setattr(ledger, "_ENTRIES_PER_PAGE", 3)
    import_history(market, *(access(str(10**n)) for n in range(charges)))
    sum_of_all = int("1" * charges)

    calls: list[str] = []
    with market.on_call(calls.append):
        found = entries(market.table, "north", MARCH, EntrySide.CREDIT)
        amounts = [next(found).amount]
        assert calls == ["Query"]
        amounts += [entry.amount for entry in found]
    assert sorted(amounts) == [units(10**n) for n in range(charges)]
    assert len(calls) in {-(-charges // 3), charges // 3 + 1}  # the last page may be an empty one

    assert sums(run(market)) == (1, 1, 0, 0)
    check_stated(market, "north", sum_of_all)
    assert lines(market, "north") == [Line("d1", units(sum_of_all), charges)]


def test_a_limit_holds_across_pages(market: World) -> None:
    import_history(market, *(access("1") for _ in range(7)))
    pk = ledger_pk("north", MARCH)
    in_order = [item["SK"] for item in market.table.query(pk)]
    for limit in (1, 2, 3, 6, 7, 8):
        found = market.table.query(pk, limit=limit, page=2)
        assert [item["SK"] for item in found] == in_order[:limit]


# ---------------------------------------------------------- again, at once, after a crash


def test_a_second_run_finds_every_statement_and_changes_none(market: World) -> None:
    import_history(market, access("10"), access("20", "d2"))
    run(market)
    before = detail(market, "north"), detail(market, "south"), held(market)
    market.wait(days=1)
    assert sums(run(market, run_id="run_2")) == (2, 0, 2, 0)
    assert (detail(market, "north"), detail(market, "south"), held(market)) == before


@pytest.mark.slow
@pytest.mark.parametrize("write", [0, 1, 2])
@pytest.mark.parametrize("other", ["run_1", "run_2"])
def test_two_runs_at_once_make_one_statement_each(
    market: World, client: FaultyClient, other: str, write: int
) -> None:
    """Before the run is noted, and between what is read and written for each of the providers."""
    import_history(market, access("10"), access("20", "d2"))
    client.after(write, rival(lambda: run(market, run_id=other)))
    run(market)
    run(market)
    check_stated(market, "north", 10)
    check_stated(market, "south", 20)
    both = [run_of(market), run_of(market, run_id=other)]
    assert all(found.is_finished and found.expected == 2 for found in both)
    assert sum(found.generated for found in both) == (4 if other == "run_1" else 2)


@pytest.mark.slow
@pytest.mark.parametrize("crash", CRASHES)
@pytest.mark.parametrize("write", [0, 1, 2])
def test_a_run_that_died_goes_on_when_its_schedule_fires_again(
    market: World, client: FaultyClient, crash: Any, write: int
) -> None:
    import_history(market, access("10"), access("20", "d2"))
    client.after(write, crash)
    with pytest.raises(Crash):
        run(market)
    market.wait(minutes=3)
    assert sums(run(market)) == (2, 2, 0, 0)
    check_stated(market, "north", 10)
    check_stated(market, "south", 20)


@pytest.mark.parametrize("crash", CRASHES)
def test_a_message_that_is_delivered_again_after_a_crash_is_done_once(
    market: World, client: FaultyClient, crash: Any
) -> None:
    import_history(market, access("10"))
    start_run(market.table, market.tasks, "run_1", MARCH, market.now, by=SCHEDULE)
    client.after(0, crash)
    with pytest.raises(Crash):
        market.do_tasks()
    market.do_tasks()
    assert sums(run_of(market)) == (1, 1, 0, 0)
    check_stated(market, "north", 10)


def test_a_message_that_comes_three_times_counts_once(market: World) -> None:
    import_history(market, access("10"))
    start_run(market.table, market.tasks, "run_1", MARCH, market.now, by=SCHEDULE)
    market.tasks.bodies *= 3
    market.do_tasks()
    assert sums(run_of(market)) == (1, 1, 0, 0)
    check_stated(market, "north", 10)


def test_a_schedule_that_fires_twice_starts_one_run(market: World) -> None:
    import_history(market, access("10"))
    for _ in range(2):
        start_run(market.table, market.tasks, "run_1", MARCH, market.now, by=SCHEDULE)
    market.do_tasks()
    assert sums(run_of(market)) == (1, 1, 0, 0)
    market.wait(days=1)
    again = start_run(market.table, market.tasks, "run_1", MARCH, market.now, by=OPERATOR)
    assert again == run_of(market)  # the sums too, and who began it when
    market.do_tasks()
    assert sums(run_of(market)) == (1, 1, 0, 0)
    check_stated(market, "north", 10)


def test_a_run_that_starts_again_takes_in_who_came_since(market: World) -> None:
    import_history(market, access("10"))
    run(market)
    import_history(market, access("20", "d2"))
    assert sums(run(market)) == (2, 2, 0, 0)


def test_a_start_that_was_overtaken_does_not_forget_who_came_since(
    market: World, client: FaultyClient
) -> None:
    import_history(market, access("10"))

    def overtake() -> None:
        import_history(market, access("20", "d2"))
        run(market)

    client.after(0, rival(overtake))
    assert sums(run(market)) == (2, 2, 0, 0)


# -------------------------------------------------------------------------- failures


@pytest.fixture
def task(market: World) -> Task:
    """Of a run over one provider."""
    import_history(market, access("10"))
    start_run(market.table, market.tasks, "run_1", MARCH, market.now, by=SCHEDULE)
    return Task.from_json(market.tasks.bodies[0])


def test_a_failure_is_taken_back_when_its_message_succeeds(market: World, task: Task) -> None:
    for _ in range(2):
        note_failure(market.table, task, market.now)
    assert sums(run_of(market)) == (1, 0, 0, 1)
    assert list(failures(market.table, "run_1")) == ["north USD"]
    assert do(market, task) is Outcome.GENERATED
    assert sums(run_of(market)) == (1, 1, 0, 0)
    assert list(failures(market.table, "run_1")) == []
    note_failure(market.table, task, market.now)
    assert sums(run_of(market)) == (1, 1, 0, 0)
    check_stated(market, "north", 10)


def test_a_failure_is_taken_back_when_another_run_made_the_statement(
    market: World, task: Task
) -> None:
    note_failure(market.table, task, market.now)
    run(market, run_id="run_2")
    assert do(market, task) is Outcome.UNCHANGED
    assert sums(run_of(market)) == (1, 0, 1, 0)


@pytest.mark.parametrize("by", ["itself", "run_2"])
def test_a_failure_that_is_noted_meanwhile_stops_nobody_who_succeeds(
    market: World, client: FaultyClient, task: Task, by: str
) -> None:
    """The message was delivered twice: one try gives up while the other is about to write."""
    stated = by == "run_2"
    if stated:
        run(market, run_id=by)
    client.after(0, rival(lambda: note_failure(market.table, task, market.now)))
    assert do(market, task) is (Outcome.UNCHANGED if stated else Outcome.GENERATED)
    assert sums(run_of(market)) == ((1, 0, 1, 0) if stated else (1, 1, 0, 0))
    check_stated(market, "north", 10)


def test_a_success_that_is_noted_meanwhile_is_no_failure(
    market: World, client: FaultyClient, task: Task
) -> None:
    client.after(0, rival(lambda: do(market, task)))
    note_failure(market.table, task, market.now)
    assert sums(run_of(market)) == (1, 1, 0, 0)
