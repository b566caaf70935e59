"""GET /v1/admin/payouts: the statements of all providers of a month."""

from __future__ import annotations

from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tally.ledger.items import unspread_provider_month_key
from tally.ledger.provider_months import ProviderMonth
from tally.payouts import months
from tally.payouts.model.statements import statement_id
from tests import builders
from tests.api.answers import INVALID_CURSOR, invalid, list_answer, success
from tests.api.statements import access, listed, move, state
from tests.world import NOW, World

URL = "/v1/admin/payouts"
FEBRUARY, MARCH, SPREAD = "2026-02", "2026-03", "2027-01"
PROVIDERS = ["east", "north", "south", "west"]


@pytest.fixture
def trade(world: World) -> World:
    """acme buys of four providers."""
    return builders.market(world, "acme", **{each: [f"dset_{each}"] for each in PROVIDERS})


def ask(world: World, query: str = "") -> Answer:
    return world.request("GET", f"{URL}{query}", key=world.key(PLATFORM, Scope.ADMIN))


def found(world: World, query: str = "") -> Any:
    answered = ask(world, query)
    assert answered.status == 200, answered
    return answered.body["data"]


def ids(page: Any) -> list[str]:
    return [each["provider_id"] for each in page["payouts"]]


def whole(world: World, query: str) -> list[Any]:
    """All pages."""
    pages = [found(world, query)]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(found(world, f"{query}&cursor={cursor}"))
    return pages


def state_all(world: World, period: str, *providers: str) -> None:
    state(world, period, *[access(period, "10", f"dset_{each}") for each in providers])


def test_a_month_without_statements(trade: World) -> None:
    """The latest that has ended, if none is asked for."""
    nothing = {"payouts": [], "total": 0, "next_cursor": None}

    assert ask(trade) == list_answer(200, success({"period": MARCH, **nothing}))
    for period in (FEBRUARY, "2026-04", "2999-12"):
        expected = success({"period": period, **nothing})
        assert ask(trade, f"?period={period}") == list_answer(200, expected)
    trade.now = "2026-05-01T05:04:59.000000000Z"
    assert found(trade)["period"] == MARCH
    trade.now = "2026-05-01T05:05:00.000000000Z"
    assert found(trade)["period"] == "2026-04"


def test_statements_of_a_month_with_their_providers(trade: World) -> None:
    state_all(trade, FEBRUARY, "north")
    state_all(trade, MARCH, "north", "west")
    trade.now = NOW

    answered = ask(trade)

    amounts = ("10.00", "7.00", "1.00", "6.00")
    rows = [
        {
            **listed(MARCH, *amounts, tenant_id=each),
            "provider_id": each,
            "provider_name": each.title(),
        }
        for each in ("north", "west")
    ]
    body = {"period": MARCH, "payouts": rows, "total": 2, "next_cursor": None}
    assert answered == list_answer(200, success(body))
    assert ids(found(trade, f"?period={FEBRUARY}")) == ["north"]


def test_each_currency_has_its_own(trade: World) -> None:
    trade.tenant("kuwait", billing_currency="KWD")
    foreign = access(MARCH, "1", "dset_north", tenant_id="kuwait", currency="KWD")
    state(trade, MARCH, access(MARCH, "1", "dset_north"), foreign)

    page = found(trade)

    assert [(each["provider_id"], each["currency"]) for each in page["payouts"]] == [
        ("north", "KWD"),
        ("north", "USD"),
    ]
    assert [ids(each) for each in whole(trade, "?limit=1")] == [["north"], ["north"]]


@pytest.mark.parametrize("period", [MARCH, SPREAD])
def test_pages_have_each_once_in_one_order(trade: World, period: str) -> None:
    """Also where the month's register is in several partitions."""
    state_all(trade, period, *PROVIDERS)
    query = f"?period={period}"
    order = ids(found(trade, query))
    assert sorted(order) == PROVIDERS

    for limit, sizes in {1: [1] * 4, 3: [3, 1], 4: [4], 100: [4]}.items():
        pages = whole(trade, f"{query}&limit={limit}")
        assert [len(each["payouts"]) for each in pages] == sizes
        assert [one for each in pages for one in ids(each)] == order
        assert {each["total"] for each in pages} == {4}


def test_of_one_status(trade: World) -> None:
    state_all(trade, MARCH, *PROVIDERS)
    for provider, statuses in {"north": ["processing"], "south": ["processing", "paid"]}.items():
        for status in statuses:
            assert move(trade, statement_id(provider, MARCH, "USD"), status).status == 200

    by_status = {
        status: ids(found(trade, f"?status={status}"))
        for status in ("pending", "processing", "paid", "failed")
    }

    assert by_status == {
        "pending": ["east", "west"],
        "processing": ["north"],
        "paid": ["south"],
        "failed": [],
    }
    assert found(trade, "?status=paid")["total"] == 4
    assert [ids(each) for each in whole(trade, "?status=pending&limit=1")] == [["east"], ["west"]]


def test_a_page_looks_at_so_many_at_most(trade: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(months, "_MOST_LOOKED_AT", 2)
    monkeypatch.setattr(months, "_LOOKED_AT_ONCE", 1)
    state_all(trade, MARCH, *PROVIDERS)
    assert move(trade, statement_id("west", MARCH, "USD"), "processing").status == 200

    pages = whole(trade, "?status=processing")

    assert [ids(each) for each in pages][:2] == [[], ["west"]]
    assert [one for each in pages for one in ids(each)] == ["west"]


def test_a_cursor_is_of_its_month_and_status(trade: World) -> None:
    state_all(trade, FEBRUARY, *PROVIDERS)
    state_all(trade, MARCH, *PROVIDERS)
    trade.now = NOW
    cursor = found(trade, f"?period={MARCH}&limit=1")["next_cursor"]

    for query in (f"period={FEBRUARY}", f"period={MARCH}&status=pending"):
        assert ask(trade, f"?{query}&cursor={cursor}") == list_answer(400, INVALID_CURSOR)
    assert ids(found(trade, f"?cursor={cursor}")) == PROVIDERS[1:]


def test_the_pages_of_the_latest_month_stay_with_it(trade: World) -> None:
    state_all(trade, MARCH, *PROVIDERS)
    trade.now = "2026-05-01T05:04:59.000000000Z"
    cursor = found(trade, "?limit=1")["next_cursor"]

    trade.now = "2026-05-01T05:05:00.000000000Z"
    rest = found(trade, f"?cursor={cursor}")

    assert (rest["period"], ids(rest)) == (MARCH, PROVIDERS[1:])


def test_what_an_earlier_release_closed_has_pages(trade: World) -> None:
    """It spreads no register: all providers of a month are in its first partition."""
    state_all(trade, SPREAD, *PROVIDERS)
    for provider in ("east", "west"):
        key = ProviderMonth(provider, SPREAD, "USD").key
        stored = trade.table.get(key, consistent=True)
        assert stored
        attributes = {name: stored[name] for name in stored if name not in ("PK", "SK")}
        unspread = unspread_provider_month_key(SPREAD, provider, "USD")
        trade.table.transact([trade.table.delete(key), trade.table.put(unspread, attributes)])

    pages = whole(trade, f"?period={SPREAD}&limit=1")

    assert sorted(one for each in pages for one in ids(each)) == PROVIDERS
    assert {each["total"] for each in pages} == {4}


def test_the_total_counts_what_several_runs_made(trade: World) -> None:
    state_all(trade, MARCH, "north")
    trade.import_history(access(MARCH, "10", "dset_south"))
    trade.run_payouts(MARCH)
    trade.run_payouts(MARCH)

    assert found(trade, f"?period={MARCH}")["total"] == 2


def test_malformed(trade: World) -> None:
    months_and_rules = {
        "2026-13": "must be a month, such as 2026-03",
        "": "must be a month, such as 2026-03",
        "2026-03-01": "must be a month, such as 2026-03",
        "1999-12": "must not be before 2000-01-01",
    }
    for period, rule in months_and_rules.items():
        refused = list_answer(400, invalid(("period", rule)))
        assert ask(trade, f"?period={period}") == refused
    choices = "must be one of: pending, processing, paid, failed"
    assert ask(trade, "?status=PAID") == list_answer(400, invalid(("status", choices)))
