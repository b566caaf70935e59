"""Nothing that was credited is lost or doubled: history, refunds, carries and reserves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.aws.announcing import Announcer
from tally.kernel.instants import plus
from tally.kernel.money import MICROS_PER_UNIT, Micros
from tally.kernel.periods import Period
from tally.ledger.books import check_books
from tally.ledger.model.entries import EntrySide
from tally.ledger.reads import entries
from tally.payouts.items import carry_key
from tally.payouts.reading import get_payout
from tally.payouts.reserves import due_reserves, release
from tally.payouts.verifying import verify
from tests.builders import event
from tests.faults import Crash, FaultyClient, crash_after, rival
from tests.store.payouts import (
    APRIL,
    CRASHES,
    FIRST_OF_MAY,
    HOLD_FOR,
    MARCH,
    Event,
    access,
    check_stated,
    credited,
    detail,
    faulty,
    held,
    import_history,
    open_market,
    post,
    run,
    search,
    statement,
    statements,
    sums,
    units,
)
from tests.world import World, new_world


@pytest.fixture
def market(world: World) -> World:
    return open_market(world)


@pytest.fixture
def client(market: World) -> FaultyClient:
    return faulty(market)


def refund(of: str, amount: str, time: str) -> Event:
    charge = {"source": "/marketplace", "id": of}
    return event(
        "charge.refunded", time, tenant_id="ada", charge_event=charge, amount=amount, currency="USD"
    )


def carry_of(world: World, provider: str) -> Micros:
    item = world.table.get(carry_key(provider, "USD"), consistent=True)
    return int(item["amount"]) if item else 0


def balanced(world: World) -> bool:
    found = check_books(world.table, world.now, timedelta())
    return all(balance.difference == 0 for balance in found)


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
    market: World, client: FaultyClient, monkeypatch: pytest.MonkeyPatch, process: str
) -> None:
    import_history(market, access("10"))
    if process == "cold":  # does not know of the month
        monkeypatch.setattr("tally.intake.accepting._announcer", Announcer())  # as a new process
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


# Long enough for reserves to be released: those of the first months after 90 days.
MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06")


@st.composite
def months(draw: st.DrawFn) -> list[list[Micros]]:
    """What happens in each month: charges, and what is to be refunded, as far as it is left."""
    charges = st.one_of(st.integers(1, 30_000), st.integers(1, 10**9))
    refunds = st.integers(-(10**9), -1)
    each = st.lists(st.one_of(charges, refunds, refunds), max_size=3)
    return draw(st.lists(each, min_size=len(MONTHS), max_size=len(MONTHS)))


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
    releases = [each.release for each in details if each and each.release]
    still_held = sum(item["amount"] for item in held(world))
    assert sum(each.amount for each in releases) + still_held == sum(each.held for each in made)
    assert sum(each.gross for each in made) == (
        sum(each.fee for each in made)
        + sum(each.released for each in made)
        + still_held
        + sum(each.paid_out for each in releases)
        + carry_of(world, "north")
    )
    assert carry_of(world, "north") <= 0
    assert [verify(world.table, each) for each in ids] == [None] * len(ids)
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
