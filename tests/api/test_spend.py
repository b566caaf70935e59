"""GET /v1/buyer/spend: what a buyer spent this month, to the last digit."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from tally.access.model.scopes import Scope
from tally.ledger.counters import SpendTotals
from tests import builders
from tests.api.answers import answer, success
from tests.builders import accept, told
from tests.world import World

SPEND = "/v1/buyer/spend"


@pytest.fixture
def market(world: World) -> World:
    """acme and rival buy what is north's."""
    return builders.market(world, "acme", "rival", north=["dset_1"])


def summary(world: World, tenant_id: str = "acme") -> str:
    """The `data` of the answer as it was sent."""
    answered = world.request("GET", SPEND, key=world.key(tenant_id, Scope.BILLING_READ))
    assert answered.status == 200, answered
    match = re.fullmatch(r'\{"data": (\{.*?\}), "request_id": .*', answered.text)
    assert match
    return match[1]


def spend(
    total: str,
    search: str,
    retrieval: str,
    currency: str = "USD",
    period: tuple[str, str] = ("2026-04-01", "2026-04-30"),
) -> str:
    """The same, with amounts written so."""
    first, last = period
    return (
        f'{{"total_spend": {total}, "currency": "{currency}", '
        f'"period_start": "{first}T00:00:00Z", "period_end": "{last}T23:59:59Z", '
        f'"search_spend": {search}, "retrieval_spend": {retrieval}}}'
    )


def test_the_references_buyer(market: World) -> None:
    sent = [
        told("search.performed", charged_amount="98"),
        told("search.performed", charged_amount=0.42),
        told("dataset.accessed", charged_amount="27.250000", kind="download"),
        told("dataset.accessed", "2026-03-31T23:59:59Z", charged_amount="1", kind="retrieval"),
    ]
    back = told(
        "charge.refunded",
        charge_event={"source": "/marketplace", "id": sent[-1]["id"]},
        amount="1.00",
    )
    rivals = told("search.performed", tenant_id="rival", charged_amount="7")
    assert market.send(*sent, back, rivals).status == 202
    market.deliver()

    answered = market.request("GET", SPEND, key=market.key("acme"))

    reference = spend("125.67", "98.42", "27.25")
    assert answered == answer(200, success(json.loads(reference, parse_float=Decimal)))
    assert summary(market) == reference
    assert summary(market, "rival") == spend("7.00", "7.00", "0.00")
    assert summary(market, "north") == spend("0.00", "0.00", "0.00")


def test_other_currencies_are_as_exact(market: World) -> None:
    """Zeros have no currency's decimals but a price's."""
    for currency, amount in {"JPY": "45.00", "KWD": "0.125"}.items():
        buyer = market.tenant(f"buyer-{currency}", billing_currency=currency)
        sent = told("search.performed", tenant_id=buyer, charged_amount=amount, currency=currency)
        assert summary(market, buyer) == spend("0.00", "0.00", "0.00", currency)
        assert market.send(sent).status == 202
        market.deliver()

        assert summary(market, buyer) == spend(amount, amount, "0.00", currency)


# Micro-units of searches and of retrievals -> the total and both, as they are written.
WRITTEN = {
    (450_000, 0): ("0.45", "0.45", "0.00"),
    (1, 2): ("0.000003", "0.000001", "0.000002"),
    (100_000, 200_000): ("0.30", "0.10", "0.20"),
    (3_100, 1_249_996_900): ("1250.00", "0.0031", "1249.9969"),
    (-50_000, 0): ("-0.05", "-0.05", "0.00"),
    (5_000_001, -5_000_000): ("0.000001", "5.000001", "-5.00"),
    (-1, 0): ("-0.000001", "-0.000001", "0.00"),
    (10**24 - 1, 1): (f"{10**18}.00", f"{10**18 - 1}.999999", "0.000001"),
}


def test_money_is_written_exactly(market: World) -> None:
    """The month's counter says so, whatever is in the table."""
    totals = SpendTotals("acme", "2026-04").key
    written = {}
    for search, retrieval in WRITTEN:
        counter = {"search": search, "retrieval": retrieval}
        market.table.transact([market.table.put(totals, counter)])
        written[search, retrieval] = summary(market)

    assert written == {counter: spend(*amounts) for counter, amounts in WRITTEN.items()}


def test_a_month_of_more_refunds_than_charges_is_negative(market: World) -> None:
    access = told("dataset.accessed", charged_amount="2.50")
    assert market.send(access).status == 202
    market.wait(days=26)
    back = told(
        "charge.refunded",
        "2026-05-01T09:00:00Z",
        charge_event={"source": "/marketplace", "id": access["id"]},
        amount="2.5",
    )
    search = told("search.performed", "2026-05-01T09:00:00Z", charged_amount="0.000001")
    assert market.send(back, search).status == 202
    market.deliver()

    may = ("2026-05-01", "2026-05-31")
    assert summary(market) == spend("-2.499999", "0.000001", "-2.50", period=may)


def test_a_refund_counts_in_the_spend_that_it_takes_back(market: World) -> None:
    search, access = told("search.performed"), told("dataset.accessed")
    refunds = [
        told("charge.refunded", charge_event={"source": e["source"], "id": e["id"]}, amount=amount)
        for e, amount in ((search, "0.05"), (access, "0.2"), (search, "0.000001"))
    ]
    assert market.send(search, access, *refunds).status == 202
    market.deliver()

    assert summary(market) == spend("0.649999", "0.399999", "0.25")


def test_a_late_charge_of_a_closed_month_is_this_months(market: World) -> None:
    market.now = "2026-05-01T04:59:59.000000000Z"
    accept(market, told("dataset.accessed", "2026-04-30T23:00:00Z"))
    market.now = "2026-05-01T05:00:00.000000000Z"
    accept(market, told("search.performed", "2026-04-30T23:00:00Z"))
    market.deliver()

    assert summary(market) == spend("0.45", "0.45", "0.00", period=("2026-05-01", "2026-05-31"))


def test_a_period_is_a_month_however_long(market: World) -> None:
    """It is the present one, even while the month before is still open."""
    months = {
        "2026-01-01T00:00:00.000000000Z": ("2026-01-01", "2026-01-31"),
        "2026-02-28T23:59:59.999999999Z": ("2026-02-01", "2026-02-28"),
        "2028-02-29T12:00:00.000000000Z": ("2028-02-01", "2028-02-29"),
        "2100-02-01T00:00:00.000000000Z": ("2100-02-01", "2100-02-28"),
        "2026-04-30T23:59:59.999999999Z": ("2026-04-01", "2026-04-30"),
        "2026-12-31T23:59:59.999999999Z": ("2026-12-01", "2026-12-31"),
    }
    for now, period in months.items():
        market.now = now

        assert summary(market) == spend("0.00", "0.00", "0.00", period=period)
