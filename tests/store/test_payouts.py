"""One statement per provider, month and currency, whatever happens; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import batched
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.books import check_books
from tally.domain.charges import EntrySide, LedgerEntry, Posting, SpendKind
from tally.domain.events import Rejected
from tally.domain.instants import plus
from tally.domain.money import MICROS_PER_UNIT, Micros
from tally.domain.payouts import Line, PayoutStatus, Statement, statement_id
from tally.domain.periods import Period
from tally.http.cloudevents import read_event
from tally.store import ingestion, keys, ledger
from tally.store.ingestion import Door, ingest
from tally.store.ledger import entries, entry_attributes, entry_key
from tally.store.payout_runs import (
    Outcome,
    Run,
    Task,
    do_task,
    failures,
    get_run,
    note_failure,
    start_run,
)
from tally.store.payouts import (
    PayoutDetail,
    due_reserves,
    get_payout,
    list_payouts,
    release,
)
from tests.faults import Crash, FaultyClient, crash_after, crash_before, rival
from tests.world import Tasks, World, event, new_world

HOLD_FOR = timedelta(days=90)
MARCH, APRIL = "2026-03", "2026-04"
FIRST_OF_APRIL, FIRST_OF_MAY = "2026-04-01T06:00:00.000000000Z", "2026-05-01T06:00:00.000000000Z"
CRASHES = (crash_before, crash_after)

type Event = dict[str, Any]


# ----------------------------------------------------------------------- a marketplace


@pytest.fixture
def market(world: World) -> World:
    return open_market(world)


def open_market(world: World) -> World:
    """Ada buys of north (d1) and south (d2); it is the 1st of April, when the schedule fires."""
    for tenant in ("ada", "north", "south"):
        world.tenant(tenant)
    post(
        world,
        *(
            event("dataset.created", "2026-01-01T00:00:00Z", tenant_id=owner, dataset_id=dataset)
            for dataset, owner in (("d1", "north"), ("d2", "south"))
        ),
    )
    world.now = FIRST_OF_APRIL
    return world


@pytest.fixture
def client(market: World) -> FaultyClient:
    return faulty(market)


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


def refund(of: str, amount: str, time: str) -> Event:
    charge = {"source": "/marketplace", "id": of}
    return event(
        "charge.refunded", time, tenant_id="ada", charge_event=charge, amount=amount, currency="USD"
    )


def run(world: World, period: Period = MARCH, run_id: str = "run_1") -> Run:
    """What the schedule starts, to its end."""
    tasks: Any = Tasks()
    start_run(world.table, tasks, run_id, period, world.now, by="schedule")
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
    found = get_payout(world.table, statement_id(provider, period, "USD"))
    assert found
    return found


def statement(world: World, provider: str, period: Period = MARCH) -> Statement:
    """As the list and the detail show it."""
    made = detail(world, provider, period).payout.statement
    (listed,) = [s for s in statements(world, provider) if s.period == period]
    assert replace(made, lines=()) == listed
    return made


def statements(world: World, provider: str) -> list[Statement]:
    """Newest month first; their number is counted beside them."""
    page = list_payouts(world.table, provider, limit=100)
    assert page.total == len(page.payouts)
    return [payout.statement for payout in page.payouts]


def units(whole: float) -> Micros:
    return round(whole * MICROS_PER_UNIT)


def credited(world: World, provider: str, period: Period) -> Micros:
    found = entries(world.table, provider, period, EntrySide.CREDIT)
    return sum(entry.amount for entry in found)


def check_stated(world: World, provider: str, gross: float, period: Period = MARCH) -> None:
    """One statement, of all that is in the ledger, and what belongs to it."""
    made = statement(world, provider, period)
    assert made.gross == units(gross)
    assert sum(line.amount for line in made.lines) == credited(world, provider, period)
    assert [change.status for change in detail(world, provider, period).changes] == [
        PayoutStatus.PENDING
    ]
    reserves = [item for item in held(world) if item["statement_id"] == made.statement_id]
    assert [item["amount"] for item in reserves] == ([made.held] if made.held else [])


def held(world: World) -> list[dict[str, Any]]:
    return list(world.table.query(keys.RESERVES_PK, consistent=True))


def carry_of(world: World, provider: str) -> Micros:
    item = world.table.get(keys.carry(provider, "USD"), consistent=True)
    return int(item["amount"]) if item else 0


def balanced(world: World) -> bool:
    found = check_books(world.table, world.now, timedelta())
    return all(balance.difference == 0 for balance in found)


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
        lines=(Line("d1", 1_250_015_000, 2),),
    )
    assert north.names == {"d1": "AP Invoices 2025"}
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
        table.transact([table.put(keys.dataset(each), {"name": name}) for each in some])
    entry = LedgerEntry(
        Posting("e", SpendKind.SEARCH, "USD", market.now, market.now),
        EntrySide.CREDIT,
        "north",
        MARCH,
        400 * 10**15,
        dict.fromkeys(dataset_ids, 10**15),
    )
    register = keys.period_provider(MARCH, "north", "USD")
    table.transact(
        [
            table.put_new(entry_key(entry), entry_attributes(entry)),
            table.put_new(register, {"tenant_id": "north", "currency": "USD"}),
        ]
    )
    assert sums(run(market)) == (1, 1, 0, 0)
    found = detail(market, "north")
    assert [line.dataset_id for line in found.payout.statement.lines] == dataset_ids
    assert found.names == dict.fromkeys(dataset_ids, name)
    lines = table.query(
        keys.payout_by_id(found.payout.statement.statement_id).pk, keys.LINES_PREFIX
    )
    assert all(len(str(item).encode()) < 400_000 for item in lines)


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
    (line,) = statement(market, "north").lines
    assert line == Line("d1", units(sum_of_all), charges)


def test_a_limit_holds_across_pages(market: World) -> None:
    import_history(market, *(access("1") for _ in range(7)))
    pk = keys.ledger_pk("north", MARCH)
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
    start_run(market.table, market.tasks, "run_1", MARCH, market.now, by="schedule")
    client.after(0, crash)
    with pytest.raises(Crash):
        market.do_tasks()
    market.do_tasks()
    assert sums(run_of(market)) == (1, 1, 0, 0)
    check_stated(market, "north", 10)


def test_a_message_that_comes_three_times_counts_once(market: World) -> None:
    import_history(market, access("10"))
    start_run(market.table, market.tasks, "run_1", MARCH, market.now, by="schedule")
    market.tasks.bodies *= 3
    market.do_tasks()
    assert sums(run_of(market)) == (1, 1, 0, 0)
    check_stated(market, "north", 10)


def test_a_schedule_that_fires_twice_starts_one_run(market: World) -> None:
    import_history(market, access("10"))
    for _ in range(2):
        start_run(market.table, market.tasks, "run_1", MARCH, market.now, by="schedule")
    market.do_tasks()
    assert sums(run_of(market)) == (1, 1, 0, 0)
    market.wait(days=1)
    again = start_run(market.table, market.tasks, "run_1", MARCH, market.now, by="other")
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


# ------------------------------------------------------------------- history meanwhile


def test_history_that_comes_while_a_statement_is_made_is_in_it(
    market: World, client: FaultyClient
) -> None:
    import_history(market, access("10"))
    client.after(1, rival(lambda: import_history(market, access("5"))))
    run(market)
    check_stated(market, "north", 15)
    assert balanced(market)


@pytest.mark.parametrize("process", ["warm", "cold"])
def test_history_that_a_statement_gets_ahead_of_counts_in_the_present_month(
    market: World, client: FaultyClient, process: str
) -> None:
    import_history(market, access("10"))
    if process == "cold":  # does not know of the month
        ingestion._known_registers.clear()  # noqa: SLF001  as a new process is
    client.after(0, rival(lambda: run(market)))
    import_history(market, access("5"))
    check_stated(market, "north", 10)
    assert credited(market, "north", APRIL) == units(5)
    assert balanced(market)


def test_a_month_that_others_open_and_close_at_once_stays_closed(
    market: World, client: FaultyClient
) -> None:
    """Its register is about to be written when another process imports, and a run states it."""

    def open_and_close() -> None:
        import_history(market, access("10"))
        run(market)

    client.after(0, rival(open_and_close))
    import_history(market, access("5"))
    check_stated(market, "north", 10)
    assert credited(market, "north", APRIL) == units(5)
    assert balanced(market)


def test_history_after_a_statement_counts_in_the_present_month_of_that_provider_alone(
    market: World,
) -> None:
    import_history(market, access("10"))
    run(market)
    import_history(market, search("4", "d1", "d2"))
    before = detail(market, "north")
    assert [credited(market, "north", each) for each in (MARCH, APRIL)] == [units(10), units(2)]
    assert [credited(market, "south", each) for each in (MARCH, APRIL)] == [units(2), 0]
    assert balanced(market)

    assert sums(run(market, run_id="run_2")) == (2, 1, 1, 0)
    assert detail(market, "north") == before
    check_stated(market, "south", 2)
    market.now = FIRST_OF_MAY
    assert sums(run(market, APRIL, run_id="run_3")) == (1, 1, 0, 0)
    check_stated(market, "north", 2, APRIL)


# ----------------------------------------------------------------- refunds and carries


def test_a_refund_after_the_statement_lands_in_the_present_month_and_is_carried(
    market: World,
) -> None:
    import_history(market, access("100", event_id="c"))
    run(market)
    before = detail(market, "north")
    post(market, refund("c", "40", f"{MARCH}-31T12:00:00Z"))
    assert detail(market, "north") == before
    assert credited(market, "north", APRIL) == units(-40)

    market.now = FIRST_OF_MAY
    post(market, access("10", month="2026-05"))
    run(market, APRIL, "run_2")
    april = statement(market, "north", APRIL)
    assert (april.gross, april.fee, april.earnings) == (units(-40), units(-12), units(-28))
    assert (april.held, april.released, april.carried_over) == (0, 0, units(-28))
    assert [item["amount"] for item in held(market)] == [units(10)]  # March's alone

    market.now = "2026-06-01T06:00:00.000000000Z"
    run(market, "2026-05", "run_3")
    may = statement(market, "north", "2026-05")
    assert (may.carried_in, may.held, may.released) == (units(-28), units(1), 0)
    assert may.carried_over == carry_of(market, "north") == units(6 - 28)
    assert detail(market, "north") == before


@pytest.mark.parametrize("first", ["-", "+"])
def test_statements_of_two_months_at_once_carry_from_one_to_the_other(
    market: World, client: FaultyClient, first: str
) -> None:
    """Whichever month is stated second takes what the first one left."""
    import_history(market, access("100", month="2026-01", event_id="c"))
    run(market, "2026-01", "run_0")
    import_history(
        market,
        refund("c", "50", "2026-02-10T12:00:00Z"),
        access("20"),
        access("10", month="2026-02"),
    )
    early, late = ("2026-02", MARCH) if first == "-" else (MARCH, "2026-02")
    client.after(1, rival(lambda: run(market, early, "run_2")))
    run(market, late, "run_1")
    made_first, made_second = (statement(market, "north", month) for month in (early, late))
    assert made_first.carried_in == 0
    assert made_second.carried_in == made_first.carried_over
    assert carry_of(market, "north") == made_second.carried_over
    assert sum(each.gross for each in statements(market, "north")) == units(80)


# -------------------------------------------------------------------------- failures


@pytest.fixture
def task(market: World) -> Task:
    """Of a run over one provider."""
    import_history(market, access("10"))
    start_run(market.table, market.tasks, "run_1", MARCH, market.now, by="schedule")
    return Task.from_json(market.tasks.bodies[0])


def test_a_failure_is_taken_back_when_its_message_succeeds(market: World, task: Task) -> None:
    for _ in range(2):
        note_failure(market.table, task)
    assert sums(run_of(market)) == (1, 0, 0, 1)
    assert list(failures(market.table, "run_1")) == ["north USD"]
    assert do(market, task) is Outcome.GENERATED
    assert sums(run_of(market)) == (1, 1, 0, 0)
    assert list(failures(market.table, "run_1")) == []
    note_failure(market.table, task)
    assert sums(run_of(market)) == (1, 1, 0, 0)
    check_stated(market, "north", 10)


def test_a_failure_is_taken_back_when_another_run_made_the_statement(
    market: World, task: Task
) -> None:
    note_failure(market.table, task)
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
    client.after(0, rival(lambda: note_failure(market.table, task)))
    assert do(market, task) is (Outcome.UNCHANGED if stated else Outcome.GENERATED)
    assert sums(run_of(market)) == ((1, 0, 1, 0) if stated else (1, 1, 0, 0))
    check_stated(market, "north", 10)


def test_a_success_that_is_noted_meanwhile_is_no_failure(
    market: World, client: FaultyClient, task: Task
) -> None:
    client.after(0, rival(lambda: do(market, task)))
    note_failure(market.table, task)
    assert sums(run_of(market)) == (1, 1, 0, 0)


# -------------------------------------------------------------------------- reserves


def release_due(world: World) -> int:
    return sum(release(world.table, due, world.now) for due in due_reserves(world.table, world.now))


def test_a_reserve_is_released_once_after_ninety_days(market: World) -> None:
    import_history(market, access("10"), access("20", "d2"))
    run(market)
    made = statement(market, "north")
    due = plus(market.now, HOLD_FOR)
    market.now = f"{plus(due, -timedelta(microseconds=1))}"
    assert release_due(market) == 0
    market.now = due
    assert release_due(market) == 2
    market.wait(days=30)
    assert release_due(market) == 0
    found = detail(market, "north")
    assert found.release
    assert (found.release.amount, found.release.released_at) == (units(1), due)
    assert statement(market, "north") == made
    assert held(market) == []


@pytest.mark.parametrize("write", [0, 1])
@pytest.mark.parametrize("crash", CRASHES)
def test_releases_that_died_go_on(
    market: World, client: FaultyClient, crash: Any, write: int
) -> None:
    import_history(market, access("10"), access("20", "d2"))
    run(market)
    market.wait(days=90)
    client.after(write, crash)
    with pytest.raises(Crash):
        release_due(market)
    assert release_due(market) == 2 - write - (crash is crash_after)
    released = [detail(market, provider).release for provider in ("north", "south")]
    assert [each and each.amount for each in released] == [units(1), units(2)]


def test_two_releases_at_once_release_once(market: World, client: FaultyClient) -> None:
    import_history(market, access("10"))
    run(market)
    market.wait(days=90)
    others: list[int] = []
    client.after(0, rival(lambda: others.append(release_due(market))))
    assert (release_due(market), others) == (0, [1])
    found = detail(market, "north").release
    assert found
    assert found.amount == units(1)


# ---------------------------------------------------------------- any provider's months

MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04")


@st.composite
def months(draw: st.DrawFn) -> list[list[Micros]]:
    """What happens in each month: charges, and what is to be refunded, as far as it is left."""
    charges = st.one_of(st.integers(1, 30_000), st.integers(1, 10**9))
    refunds = st.integers(-(10**9), -1)
    each = st.lists(st.one_of(charges, refunds, refunds), max_size=3)
    return draw(st.lists(each, min_size=len(MONTHS), max_size=len(MONTHS)))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(months(), st.integers(0, 12), st.sampled_from(CRASHES))
def test_what_was_credited_is_paid_kept_held_released_or_carried(
    history: list[list[Micros]], crash_at: int, crash: Any
) -> None:
    """To the minor unit, over months of which some have more refunds than charges."""
    with new_world() as world:
        open_market(world)
        client = faulty(world)
        left: dict[str, Micros] = {}
        client.after(crash_at, crash)
        for month, amounts in zip(MONTHS, history, strict=True):
            world.now = f"{month}-20T12:00:00.000000000Z"
            for n, amount in enumerate(amounts):
                happen(world, f"{month}-{n}", amount, left)
            world.now = f"{following(month)}-01T06:00:00.000000000Z"
            again_if_it_dies(partial(run, world, month, f"run_{month}"))
            again_if_it_dies(lambda: release_due(world))
        check_all_is_accounted_for(world)


def happen(world: World, name: str, amount: Micros, left: dict[str, Micros]) -> None:
    """A charge, or a refund of the oldest charge of which something is left."""
    if amount > 0:
        charge = access(text_of(amount), month=world.now[:7], event_id=name)
        again_if_it_dies(lambda: post(world, charge))
        left[name] = amount
    elif any(left.values()):
        of = next(charge for charge in left if left[charge])
        taken = min(-amount, left[of])
        back = refund(of, text_of(taken), world.now) | {"id": name}
        again_if_it_dies(lambda: post(world, back))
        left[of] -= taken


def again_if_it_dies(act: Callable[[], object]) -> None:
    """All that happens here may be done again after a crash."""
    try:
        act()
    except Crash:
        act()


def check_all_is_accounted_for(world: World) -> None:
    made = statements(world, "north")
    ids = {each.statement_id for each in made}
    details = [get_payout(world.table, each) for each in ids]
    released = sum(each.release.amount for each in details if each and each.release)
    still_held = sum(item["amount"] for item in held(world))
    assert released + still_held == sum(each.held for each in made)
    assert sum(each.gross for each in made) == (
        sum(each.fee for each in made)
        + sum(each.released for each in made)
        + still_held
        + released
        + carry_of(world, "north")
    )
    assert carry_of(world, "north") <= 0
    by_month = {each.period: each.gross for each in made}
    for month in MONTHS:
        exact = credited(world, "north", month)
        assert abs(by_month.get(month, 0) - exact) <= 5_000  # half a cent
        has_entries = any(entries(world.table, "north", month, EntrySide.CREDIT))
        assert (month in by_month) == has_entries
    assert balanced(world)


def following(month: Period) -> Period:
    return f"{month[:5]}{int(month[5:]) + 1:02}"


def text_of(micros: Micros) -> str:
    return f"{micros // MICROS_PER_UNIT}.{micros % MICROS_PER_UNIT:06}"
