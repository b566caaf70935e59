"""What a provider owes is taken once: by one statement or by one released reserve at a time."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tally.kernel.money import Micros
from tally.payouts.items import carry_key, payout_key, payout_release_key
from tally.payouts.model.carrying import Release
from tally.payouts.reserves import due_reserves, release
from tally.payouts.verifying import all_statements, verify
from tests.builders import event
from tests.faults import Crash, FaultyClient, rival
from tests.store.payouts import (
    CRASHES,
    Event,
    access,
    detail,
    faulty,
    held,
    import_history,
    open_market,
    run,
    statement,
    statements,
    units,
)
from tests.world import World

pytestmark = pytest.mark.slow

JANUARY, FEBRUARY, MARCH = "2026-01", "2026-02", "2026-03"
HALF = Decimal("0.5")
RESERVE_IS_DUE = "2026-06-30T06:00:00.000000000Z"


@pytest.fixture
def market(world: World) -> World:
    """North was paid for January: 1000 earned it 700, of which 100 are held."""
    open_market(world)
    import_history(world, access("1000", month=JANUARY, event_id="c"))
    run(world, JANUARY, "run_january")
    return world


@pytest.fixture
def client(market: World) -> FaultyClient:
    return faulty(market)


def refund(month: str, amount: str) -> Event:
    charge = {"source": "/marketplace", "id": "c"}
    refunded: Event = {"charge_event": charge, "amount": amount, "currency": "USD"}
    return event("charge.refunded", f"{month}-10T12:00:00Z", tenant_id="ada", **refunded)


def release_due(world: World) -> None:
    for due in due_reserves(world.table, world.now):
        release(world.table, due, world.now)


def carried(world: World) -> Micros:
    item = world.table.get(carry_key("north", "USD"), consistent=True)
    assert item
    return int(item["amount"])


def differences(world: World) -> dict[str, str | None]:
    """What `tally payouts verify` says of each statement, by month."""
    names = {each.statement_id: each.period for each in statements(world, "north")}
    return {names[each]: verify(world.table, each) for each in all_statements(world.table)}


def released(world: World, period: str) -> Release:
    found = detail(world, "north", period).release
    assert found
    return found


# -------------------------------------------------------------------- order of statements


@pytest.mark.parametrize("first", [FEBRUARY, MARCH])
def test_statements_are_verified_in_the_order_in_which_they_took_what_is_carried(
    market: World, client: FaultyClient, first: str
) -> None:
    """Two months are stated at once: the run that starts last commits first."""
    import_history(market, refund(FEBRUARY, "50"), access("20"))
    last = MARCH if first == FEBRUARY else FEBRUARY

    def overtake() -> None:
        market.wait(seconds=1)
        run(market, first, "run_2")

    client.after(1, rival(overtake))
    run(market, last, "run_1")

    made_first, made_last = statement(market, "north", first), statement(market, "north", last)
    assert made_first.created_at > made_last.created_at
    assert (made_first.number, made_last.number) == (2, 3)
    assert made_last.carried_in == made_first.carried_over
    assert differences(market) == {JANUARY: None, FEBRUARY: None, MARCH: None}
    market.wait(days=31)
    import_history(market, access("1", month="2026-04"))
    run(market, "2026-04", "run_3")
    assert differences(market)["2026-04"] is None


@pytest.mark.parametrize("month", [FEBRUARY, MARCH])
def test_a_carried_amount_that_differs_is_named(market: World, month: str) -> None:
    import_history(market, refund(FEBRUARY, "50"), access("20"))
    run(market, FEBRUARY, "run_1")
    run(market, MARCH, "run_2")
    more = market.table.add(payout_key("north", month, "USD"), {"carried_in": 10_000})
    market.table.transact([more])

    right = {FEBRUARY: "0.00", MARCH: "-35.00"}[month]
    wrong = {FEBRUARY: "0.01", MARCH: "-34.99"}[month]
    assert differences(market)[month] == f"carried_in is {wrong}, and should be {right}"


def forget_numbers(world: World) -> None:
    """Statements, releases and the balance become what they were before they were numbered."""
    table = world.table
    keys = [carry_key("north", "USD")]
    for made in statements(world, "north"):
        keys.append(payout_key("north", made.period, "USD"))
        if detail(world, "north", made.period).release:
            keys.append(payout_release_key(made.statement_id))
    for key in keys:
        table.transact([table.update(key, "REMOVE #number, moves", names=["number"])])


def test_statements_from_before_they_were_numbered_are_verified_by_their_times(
    market: World,
) -> None:
    import_history(market, refund(FEBRUARY, "50"), access("20"))
    for month in (FEBRUARY, MARCH):
        market.wait(seconds=1)
        run(market, month, f"run_{month}")
    forget_numbers(market)

    assert statement(market, "north", MARCH).carried_in == units(-35)
    assert differences(market) == {JANUARY: None, FEBRUARY: None, MARCH: None}


@pytest.mark.parametrize("first", [FEBRUARY, MARCH])
def test_numbered_statements_follow_those_without_numbers(
    market: World, client: FaultyClient, first: str
) -> None:
    """The first two with numbers are made at once: again the last to start commits first."""
    import_history(market, refund(JANUARY, "10"), refund(FEBRUARY, "50"), access("20"))
    market.wait(seconds=1)
    import_history(market, refund("2025-12", "300"))
    run(market, "2025-12", "run_0")
    forget_numbers(market)
    market.wait(seconds=1)
    last = MARCH if first == FEBRUARY else FEBRUARY

    def overtake() -> None:
        market.wait(seconds=1)
        run(market, first, "run_2")

    client.after(1, rival(overtake))
    run(market, last, "run_1")

    in_order = [statement(market, "north", month) for month in ("2025-12", first, last)]
    assert [made.number for made in in_order] == [None, 1, 2]
    assert in_order[1].carried_in == in_order[0].carried_over == units(-210)
    assert set(differences(market).values()) == {None}


def test_more_was_held_than_earned_before_statements_were_numbered(market: World) -> None:
    """What was stated stays right: it is the rate's part, rounded alone."""
    market.tenant("halves", fee_rate=HALF, reserve_rate=HALF)
    created = event("dataset.created", "2026-01-01T00:00:00Z", tenant_id="halves", dataset_id="h")
    assert market.send(created).status == 202
    import_history(market, access("0.03", "h"))
    run(market, MARCH, "run_1")
    made = statement(market, "halves", MARCH)
    assert (made.earnings, made.held, made.carried_over) == (units(0.01), units(0.01), 0)
    assert verify(market.table, made.statement_id) is None

    table, key = market.table, payout_key("halves", MARCH, "USD")
    table.transact([table.update(key, "SET held = :held", held=units(0.02))])
    assert verify(table, made.statement_id) == "held is 0.02, and should be 0.01"
    table.transact([table.update(key, "REMOVE #number", names=["number"])])
    assert verify(table, made.statement_id) is None


# ---------------------------------------------------------------------- released reserves


def test_a_reserve_settles_what_is_owed(market: World) -> None:
    """All that was earned is refunded: what is left of the debt waits for the next earnings."""
    import_history(market, refund(FEBRUARY, "1000"))
    run(market, FEBRUARY, "run_1")
    market.now = RESERVE_IS_DUE
    release_due(market)

    assert released(market, JANUARY) == Release(units(100), market.now, units(-700), number=3)
    assert released(market, JANUARY).paid_out == 0
    assert (carried(market), held(market)) == (units(-600), [])
    import_history(market, access("1000", month="2026-05"))
    run(market, "2026-05", "run_2")
    made = statement(market, "north", "2026-05")
    assert (made.carried_in, made.released, made.carried_over) == (units(-600), 0, 0)
    assert set(differences(market).values()) == {None}


def owing_seventy(world: World) -> None:
    """A refund of 100 is stated, March has earnings of 42, and January's reserve is due."""
    import_history(world, refund(FEBRUARY, "100"), access("60"))
    run(world, FEBRUARY, "run_1")
    world.now = RESERVE_IS_DUE
    assert carried(world) == units(-70)


state_march = partial(run, period=MARCH, run_id="run_2")


@pytest.mark.parametrize(
    ("act", "overtake", "write", "settled"),
    [
        # March pays 36 of the 70, and the reserve settles the rest; or the reserve settles all.
        (release_due, state_march, 0, 34),
        (state_march, release_due, 1, 70),
    ],
)
def test_a_statement_and_a_release_at_once_settle_a_debt_once(  # noqa: PLR0917  a table of cases
    market: World,
    client: FaultyClient,
    act: Callable[[World], Any],
    overtake: Callable[[World], Any],
    write: int,
    settled: int,
) -> None:
    owing_seventy(market)
    client.after(write, rival(lambda: overtake(market)))
    act(market)

    january, march = released(market, JANUARY), statement(market, "north", MARCH)
    assert january.settled == units(settled)
    assert january.paid_out + march.released == units(66)  # in either order
    assert carried(market) == 0
    assert set(differences(market).values()) == {None}


def test_a_debt_that_appears_while_a_reserve_is_released_is_settled(
    market: World, client: FaultyClient
) -> None:
    import_history(market, refund(FEBRUARY, "1000"))
    market.now = RESERVE_IS_DUE
    client.after(0, rival(lambda: run(market, FEBRUARY, "run_1")))
    release_due(market)

    assert (released(market, JANUARY).paid_out, carried(market)) == (0, units(-600))
    assert set(differences(market).values()) == {None}


@pytest.mark.parametrize("crash", CRASHES)
def test_a_release_that_died_settles_once(market: World, client: FaultyClient, crash: Any) -> None:
    owing_seventy(market)
    client.after(0, crash)
    with pytest.raises(Crash):
        release_due(market)
    release_due(market)

    assert (released(market, JANUARY).settled, carried(market)) == (units(70), 0)
    assert set(differences(market).values()) == {None}


@pytest.mark.parametrize(
    ("field", "difference"),
    [
        ("amount", "the amount of the release is 100.01, and should be 100.00"),
        ("carried_in", "carried_in of the release is -69.99, and should be -70.00"),
    ],
)
def test_a_release_that_differs_is_named(market: World, field: str, difference: str) -> None:
    owing_seventy(market)
    release_due(market)
    key = payout_release_key(statement(market, "north", JANUARY).statement_id)
    market.table.transact([market.table.add(key, {field: 10_000})])

    assert differences(market)[JANUARY] == difference


def test_a_release_from_before_they_were_numbered_settled_nothing(market: World) -> None:
    import_history(market, refund(FEBRUARY, "100"))
    market.now = RESERVE_IS_DUE
    release_due(market)
    market.wait(seconds=1)
    run(market, FEBRUARY, "run_1")
    forget_numbers(market)
    table, january = market.table, statement(market, "north", JANUARY)
    key = payout_release_key(january.statement_id)
    table.transact([table.update(key, "REMOVE carried_in")])

    assert released(market, JANUARY) == Release(units(100), RESERVE_IS_DUE)
    assert released(market, JANUARY).paid_out == units(100)
    assert set(differences(market).values()) == {None}
