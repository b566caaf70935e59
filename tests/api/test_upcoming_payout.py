"""GET /v1/provider/payouts/upcoming: what the next statements would say if the month ended now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.audit.model import SCHEDULE
from tally.kernel.instants import plus
from tally.kernel.keys import Key
from tally.kernel.periods import closes_at
from tally.ledger.items import unspread_provider_month_key
from tally.ledger.provider_months import ProviderMonth, announcement
from tally.payouts.items import held_reserve_key
from tally.payouts.model.statements import statement_id
from tally.payouts.reserves import note_existing, send_due_reserves
from tally.payouts.runs import Run, get_run
from tally.payouts.starting import start_run
from tests import builders
from tests.api.answers import INVALID_CURSOR, answer, success
from tests.api.statements import PAYOUTS, access, detail, refund, release_reserves, state
from tests.builders import event, told
from tests.world import World, new_world

URL = f"{PAYOUTS}/upcoming"
FEBRUARY, MARCH, APRIL = "2026-02", "2026-03", "2026-04"
NOTHING: dict[str, Any] = {"upcoming": [], "carried": [], "reserves": [], "next_cursor": None}
SAME = (
    *("gross_revenue", "platform_fee", "seller_earnings", "held_amount", "carried_in"),
    *("carried_over", "released_amount", "currency", "fee_rate", "reserve_rate", "lines"),
    *("billing_period_start", "billing_period_end"),
)
"""What a statement and what was said before it have in common."""


@pytest.fixture
def trade(world: World) -> World:
    """acme buys what is north's and south's."""
    return builders.market(world, "acme", north=["dset_1", "dset_2"], south=["dset_9"])


def upcoming(world: World, query: str = "", tenant_id: str = "north") -> Any:
    return world.get(URL + query, tenant_id, Scope.BILLING_READ)


def happen(world: World, *events: Mapping[str, Any]) -> None:
    """The events are sent when they happen, and counted."""
    assert world.send(*events).status == 202
    world.deliver()


def test_a_provider_without_anything(trade: World) -> None:
    answered = trade.request("GET", URL, key=trade.key("north", Scope.BILLING_READ))

    assert answered == answer(200, success(NOTHING))


def test_a_whole_answer(trade: World) -> None:
    """March holds 1.00, February left -2.80 to settle of which March settles nothing more."""
    first = access(FEBRUARY, "10")
    state(trade, FEBRUARY, first)
    state(trade, MARCH, refund(MARCH, first, "4"))
    trade.now = "2026-04-05T10:00:00.000000000Z"
    search = told(
        "search.performed",
        "2026-04-05T09:00:00Z",
        dataset_ids=["dset_1", "dset_2", "dset_9"],
        charged_amount="1",
    )
    happen(trade, search, access(APRIL, "4.45"))

    answered = trade.request("GET", URL, key=trade.key("north", Scope.BILLING_READ))

    april = {
        "period": APRIL,
        "billing_period_start": "2026-04-01T00:00:00Z",
        "billing_period_end": "2026-04-30T23:59:59Z",
        "gross_revenue": Decimal("5.12"),
        "platform_fee": Decimal("1.54"),
        "seller_earnings": Decimal("3.58"),
        "held_amount": Decimal("0.51"),
        "carried_in": Decimal("-2.80"),
        "carried_over": Decimal("0.00"),
        "released_amount": Decimal("0.27"),
        "currency": "USD",
        "fee_rate": "0.30",
        "reserve_rate": "0.10",
        "due_at": "2026-05-01T06:00:00Z",
        "lines": [line("dset_1", "4.783334", 2), line("dset_2", "0.333333", 1)],
    }
    held = {
        "payout_statement_id": statement_id("north", FEBRUARY, "USD"),
        "period": FEBRUARY,
        "held_amount": Decimal("1.00"),
        "currency": "USD",
        "due_at": "2026-05-30T06:00:00Z",
    }
    carried = {"currency": "USD", "amount": Decimal("-2.80")}
    whole = {"upcoming": [april], "carried": [carried], "reserves": [held], "next_cursor": None}
    assert answered == answer(200, success(whole))
    assert '"lines": [{"dataset_id": "dset_1", "dataset_name": ' in answered.text
    souths = upcoming(trade, tenant_id="south")
    assert [each["gross_revenue"] for each in souths["upcoming"]] == [Decimal("0.33")]
    assert upcoming(trade, tenant_id="acme") == upcoming(trade, tenant_id=PLATFORM) == NOTHING


def line(dataset_id: str, amount: str, entries: int) -> dict[str, Any]:
    return {
        "dataset_id": dataset_id,
        "dataset_name": "AP Invoices 2025",
        "amount": Decimal(amount),
        "entry_count": entries,
    }


def test_without_entries_what_is_carried_and_held_is_still_there(trade: World) -> None:
    charge = access(FEBRUARY, "10")
    state(trade, FEBRUARY, charge)
    state(trade, MARCH, refund(MARCH, charge, "4"))
    trade.now = "2026-04-05T10:00:00.000000000Z"
    trade.deliver()

    said = upcoming(trade)

    assert said["upcoming"] == []
    assert said["carried"] == [{"currency": "USD", "amount": Decimal("-2.80")}]
    assert [each["held_amount"] for each in said["reserves"]] == [Decimal("1.00")]


def test_the_last_month_is_there_until_its_statement_is_made(trade: World) -> None:
    """And what it leaves is what the present one takes."""
    trade.now = "2026-03-05T10:00:00.000000000Z"
    charge = access(MARCH, "10")
    happen(trade, charge)
    trade.now = "2026-03-31T10:00:00.000000000Z"
    happen(trade, refund(MARCH, charge, "10"))
    happen(trade, told("dataset.accessed", "2026-03-31T09:00:00Z", charged_amount="0.01"))
    trade.now = "2026-04-01T05:59:00.000000000Z"
    happen(trade, told("dataset.accessed", "2026-04-01T05:30:00Z", charged_amount="5"))

    before = upcoming(trade)["upcoming"]
    trade.now = "2026-04-01T06:00:00.000000000Z"
    trade.run_payouts(MARCH)
    after = upcoming(trade)["upcoming"]

    assert [each["period"] for each in before] == [MARCH, APRIL]
    assert [each["due_at"] for each in before] == ["2026-04-01T06:00:00Z", "2026-05-01T06:00:00Z"]
    assert after == before[1:]


def test_a_debt_goes_from_month_to_month(trade: World) -> None:
    charge = access(FEBRUARY, "100")
    state(trade, FEBRUARY, charge)
    trade.now = "2026-03-31T10:00:00.000000000Z"
    happen(trade, told("charge.refunded", "2026-03-31T09:00:00Z", **refunding(charge, "50")))
    trade.now = "2026-04-01T01:00:00.000000000Z"
    happen(trade, told("dataset.accessed", "2026-04-01T00:30:00Z", charged_amount="10"))

    march, april = upcoming(trade)["upcoming"]

    assert (march["carried_in"], march["carried_over"]) == (Decimal("0.00"), Decimal("-35.00"))
    assert (april["carried_in"], april["carried_over"]) == (Decimal("-35.00"), Decimal("-29.00"))
    assert april["released_amount"] == Decimal("0.00")
    state(trade, MARCH)
    assert upcoming(trade)["upcoming"] == [april]


def refunding(charge: Mapping[str, Any], amount: str) -> dict[str, Any]:
    return {"charge_event": {"source": charge["source"], "id": charge["id"]}, "amount": amount}


def test_reserves_are_there_until_they_are_released(trade: World) -> None:
    state(trade, FEBRUARY, access(FEBRUARY, "10"))
    state(trade, MARCH, access(MARCH, "20"), access(MARCH, "5", "dset_9"))

    both = upcoming(trade)["reserves"]
    trade.wait(days=60)
    release_reserves(trade)
    left = upcoming(trade)["reserves"]

    assert [(each["period"], each["held_amount"]) for each in both] == [
        (FEBRUARY, Decimal("1.00")),
        (MARCH, Decimal("2.00")),
    ]
    assert left == both[1:]
    assert left[0]["due_at"] == "2026-06-30T06:00:00Z"
    trade.wait(days=60)
    release_reserves(trade)
    assert upcoming(trade)["reserves"] == []


def test_reserves_from_before_are_noted_by_a_command(trade: World) -> None:
    state(trade, MARCH, access(MARCH, "20"), access(MARCH, "5", "dset_9"))
    expected = upcoming(trade)["reserves"]
    for tenant_id in ("north", "south"):
        first = held_reserve_key(tenant_id, "")
        for item in list(trade.table.query(*first)):
            trade.table.transact([trade.table.delete(Key(item["PK"], item["SK"]))])
    assert upcoming(trade)["reserves"] == []

    assert note_existing(trade.table) == 2
    assert upcoming(trade)["reserves"] == expected
    with trade.unchanged():
        assert note_existing(trade.table) == 0
    trade.wait(days=91)
    release_reserves(trade)
    assert upcoming(trade)["reserves"] == []
    assert note_existing(trade.table) == 0


# -------------------------------------------------------------------------------- pages


def test_lines_come_in_pages_of_the_same_statements(trade: World) -> None:
    kwd = trade.tenant("buyer-kwd", billing_currency="KWD")
    foreign = access(APRIL, "1", tenant_id=kwd, currency="KWD")
    happen(trade, access(APRIL, "1"), access(APRIL, "2", "dset_2"), foreign)
    whole = upcoming(trade)

    pages, cursor = list[Any](), ""
    while True:
        pages.append(upcoming(trade, f"?limit=1{cursor}"))
        if pages[-1]["next_cursor"] is None:
            break
        cursor = f"&cursor={pages[-1]['next_cursor']}"

    assert [each["currency"] for each in whole["upcoming"]] == ["KWD", "USD"]
    assert [[len(each["lines"]) for each in page["upcoming"]] for page in pages] == [
        *([1, 0], [0, 1], [0, 1])
    ]
    for n, statement in enumerate(whole["upcoming"]):
        met = [line for page in pages for line in page["upcoming"][n]["lines"]]
        assert met == statement["lines"]
        for page in pages:
            assert page["upcoming"][n] | {"lines": met} == statement
    foreign_cursor = pages[0]["next_cursor"]
    url = f"{URL}?cursor={foreign_cursor}"
    for tenant_id in ("south", PLATFORM):
        refused = trade.request("GET", url, key=trade.key(tenant_id, Scope.BILLING_READ))
        assert refused == answer(400, INVALID_CURSOR)


@pytest.mark.parametrize("first", ["the statement", "the reserve"])
def test_a_reserve_of_the_same_run_settles_what_the_statement_leaves(
    trade: World, first: str
) -> None:
    """February's 10.00 are due on 30 May. April left -42.00, of which May's 60.00 settle all."""
    sale = access(FEBRUARY, "100")
    state(trade, FEBRUARY, sale)
    state(trade, APRIL, refund(APRIL, sale, "60"))
    trade.now = "2026-05-20T00:00:00.000000000Z"
    happen(trade, access("2026-05", "100"))
    trade.now = "2026-06-01T05:59:59.000000000Z"
    (said,) = upcoming(trade)["upcoming"]

    trade.now = "2026-06-01T06:00:00.000000000Z"
    start_run(trade.table, trade.tasks, "run_may", "2026-05", trade.now, by=SCHEDULE)
    send_due_reserves(trade.table, trade.tasks, trade.now)
    if first == "the reserve":
        trade.tasks.bodies.reverse()
    trade.do_tasks()

    made = detail(trade, "2026-05")
    assert _same(said) == _same(made)
    assert (made["carried_in"], made["released_amount"]) == (Decimal("-42.00"), Decimal("18.00"))
    assert [each["settled"] for each in detail(trade, FEBRUARY)["reserve"]["releases"]] == [0]


def test_a_reserve_that_is_due_before_the_next_run_settles_a_debt(trade: World) -> None:
    """May has no statement: 10.00 of the 42.00 are settled before June's is made."""
    sale = access(FEBRUARY, "100")
    state(trade, FEBRUARY, sale)
    state(trade, APRIL, refund(APRIL, sale, "60"))
    trade.now = "2026-06-01T05:30:00.000000000Z"
    happen(trade, told("dataset.accessed", "2026-06-01T05:10:00Z", charged_amount="100"))

    (june,) = upcoming(trade)["upcoming"]
    trade.now = "2026-06-01T06:00:00.000000000Z"
    release_reserves(trade)

    assert june["carried_in"] == Decimal("-32.00")
    assert upcoming(trade)["upcoming"] == [june]


def test_a_statement_that_is_made_meanwhile_is_in_all_of_the_answer(trade: World) -> None:
    """It leaves -35.00, which was not carried when the answer was begun."""
    charge = access(FEBRUARY, "100")
    state(trade, FEBRUARY, charge)
    trade.now = "2026-03-31T10:00:00.000000000Z"
    happen(trade, told("charge.refunded", "2026-03-31T09:00:00Z", **refunding(charge, "50")))
    trade.now = "2026-04-01T06:00:00.000000000Z"
    happen(trade, told("dataset.accessed", "2026-04-01T05:30:00Z", charged_amount="10"))
    key, calls = trade.key("north", Scope.BILLING_READ), list[str]()

    def overtake(call: str) -> None:
        calls.append(call)
        if calls.count("Query") == 2:  # the balances were read
            calls.append("Query")
            trade.run_payouts(MARCH)

    with trade.on_call(overtake):
        during = trade.request("GET", URL, key=key)

    assert during.body["data"] == upcoming(trade)
    assert during.body["data"]["carried"] == [{"currency": "USD", "amount": Decimal("-35.00")}]


def test_a_month_that_was_registered_by_an_earlier_release(trade: World) -> None:
    """It spreads no register: the provider is in the month's first partition."""
    trade.now = "2027-02-20T00:00:00.000000000Z"
    happen(trade, access("2027-02", "10"))
    said = upcoming(trade)
    month = ProviderMonth("north", "2027-02", "USD")
    unspread = unspread_provider_month_key(month.period, "north", "USD")
    trade.table.transact(
        [trade.table.delete(month.key), trade.table.put(unspread, announcement(month))]
    )

    assert upcoming(trade) == said
    assert [each["gross_revenue"] for each in said["upcoming"]] == [Decimal("10.00")]


# ------------------------------------------------------ equal to what is made of it

DATASETS = ("dset_1", "dset_2", "dset_3")
CURRENCIES = ("USD", "JPY", "KWD")
MONTHS = ("2026-01", FEBRUARY, MARCH, APRIL, "2026-05", "2026-06")
# Reserves of 90 days come due within these months, also in the run that makes a statement.
sales = st.lists(
    st.tuples(
        st.sampled_from(MONTHS),
        st.sampled_from(CURRENCIES),
        st.sampled_from(DATASETS),
        st.integers(1, 10**10),
        st.none() | st.tuples(st.sampled_from(MONTHS), st.integers(1, 100)),  # a refund, per cent
    ),
    max_size=10,
)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sales, st.randoms(use_true_random=False))
def test_it_is_the_statement_that_is_then_made(sold: Sequence[Any], random: Random) -> None:
    """In whatever order the queue brings what the schedule sends."""
    with new_world() as world:
        builders.market(world, north=DATASETS)
        for currency in CURRENCIES:
            world.tenant(f"buyer-{currency}", billing_currency=currency)
        events = _by_month(sold)
        for period in MONTHS:
            world.now = f"{period}-20T00:00:00.000000000Z"
            if period in events:
                happen(world, *events[period])
            run_at = plus(closes_at(period), timedelta(hours=1))
            world.now = plus(run_at, -timedelta(seconds=1))
            said = upcoming(world)["upcoming"]

            world.now = run_at
            made = _run_by_schedule(world, period, random)

            assert made.generated == len(said)
            stated = [detail(world, period, currency=each["currency"]) for each in said]
            assert [_same(each) for each in said] == [_same(each) for each in stated]
            assert upcoming(world)["upcoming"] == []


def _run_by_schedule(world: World, period: str, random: Random) -> Run:
    run_id = f"run_{period}"
    start_run(world.table, world.tasks, run_id, period, world.now, by=SCHEDULE)
    send_due_reserves(world.table, world.tasks, world.now)
    random.shuffle(world.tasks.bodies)
    world.do_tasks()
    run = get_run(world.table, period, run_id)
    assert run
    return run


def _same(told_of: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told_of[name] for name in SAME}


def _by_month(sold: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    """Charges, and their refunds in the same month or a later one."""
    events: dict[str, list[dict[str, Any]]] = {}
    for period, currency, dataset_id, amount, refunded in sold:
        buyer = {"tenant_id": f"buyer-{currency}", "currency": currency}
        charge = access(period, str(Decimal(amount).scaleb(-6)), dataset_id, **buyer)
        events.setdefault(period, []).append(charge)
        if refunded:
            month, share = max(refunded[0], period), refunded[1]
            part = str(Decimal(amount * share // 100).scaleb(-6))
            time = f"{month}-06T09:00:00Z"
            back = event("charge.refunded", time, **buyer, **refunding(charge, part))
            del back["data"]["dataset_id"]
            events.setdefault(month, []).append(back)
    return events
