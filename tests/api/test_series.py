"""GET /v1/provider/series and GET /v1/buyer/series: money by posting day, counts by their own."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tally.access.model.scopes import Scope
from tests import builders
from tests.api.answers import answer, failure, invalid, success
from tests.api.charges import refund
from tests.builders import accept, event, happen, told
from tests.world import World

PROVIDER = "/v1/provider/series"
BUYER = "/v1/buyer/series"
APRIL_5 = "from=2026-04-05&to=2026-04-05"


@pytest.fixture
def market(world: World) -> World:
    """acme and rival buy what is north's and south's."""
    return builders.market(world, "acme", "rival", north=["dset_1", "dset_2"], south=["dset_3"])


def series(world: World, url: str, tenant_id: str) -> Any:
    return world.get(url, tenant_id, Scope.BILLING_READ)


def earned(
    search: str = "0.00", retrieval: str = "0.00", refunds: str = "0.00", sales: int = 0
) -> dict[str, Any]:
    return {
        "revenue": Decimal(search) + Decimal(retrieval),
        "search_revenue": Decimal(search),
        "retrieval_revenue": Decimal(retrieval),
        "refunds": Decimal(refunds),
        "sales": sales,
    }


def spent(
    search: str = "0.00", retrieval: str = "0.00", searches: int = 0, accesses: int = 0
) -> dict[str, Any]:
    return {
        "total_spend": Decimal(search) + Decimal(retrieval),
        "search_spend": Decimal(search),
        "retrieval_spend": Decimal(retrieval),
        "searches": searches,
        "accesses": accesses,
    }


def by_day(world: World, url: str, tenant_id: str, range_: str) -> dict[str, dict[str, Any]]:
    """Period -> its amounts, of periods with any."""
    periods = series(world, f"{url}?{range_}", tenant_id)["periods"]
    return {
        period["period"]: {name: value for name, value in period.items() if name != "period"}
        for period in periods
        if any(value for name, value in period.items() if name != "period")
    }


def test_a_provider_sees_its_revenue_day_by_day(market: World) -> None:
    search = told("search.performed", "2026-04-03T12:00:00Z", charged_amount="2.50")
    access = told("dataset.accessed", "2026-04-05T00:00:00Z", charged_amount="1.0031")
    happen(market, search, access, refund(search, "0.50"))

    answered = market.request(
        "GET",
        f"{PROVIDER}?from=2026-04-03&to=2026-04-05",
        key=market.key("north", Scope.BILLING_READ),
    )

    of_days = [
        {"period": "2026-04-03"} | earned("2.50", sales=1),
        {"period": "2026-04-04"} | earned(),
        {"period": "2026-04-05"} | earned("-0.50", "1.0031", "0.50", 1),
    ]
    data = {
        "from": "2026-04-03",
        "to": "2026-04-05",
        "granularity": "day",
        "currency": "USD",
        "periods": of_days,
        "totals": earned("2.00", "1.0031", "0.50", 2),
    }
    assert answered == answer(200, success(data), Vary="Accept")


def test_a_buyer_sees_its_spend_searches_and_accesses(market: World) -> None:
    happen(
        market,
        told("search.performed", "2026-04-03T12:00:00Z", charged_amount="2.50"),
        told("search.performed", "2026-04-03T13:00:00Z", charged_amount="0"),
        told("dataset.accessed", "2026-04-05T09:00:00Z", charged_amount="1"),
        told("dataset.accessed", "2026-04-05T09:00:00Z", charged_amount="7", tenant_id="rival"),
    )

    found = series(market, f"{BUYER}?from=2026-04-03&to=2026-04-05", "acme")

    assert found == {
        "from": "2026-04-03",
        "to": "2026-04-05",
        "granularity": "day",
        "currency": "USD",
        "periods": [
            {"period": "2026-04-03"} | spent("2.50", searches=2),
            {"period": "2026-04-04"} | spent(),
            {"period": "2026-04-05"} | spent(retrieval="1.00", accesses=1),
        ],
        "totals": spent("2.50", "1.00", 2, 1),
    }


def test_of_a_month_only_the_days_in_the_range_are_summed(market: World) -> None:
    for day in ("03-31", "04-01", "04-04", "04-05"):
        sent = told("search.performed", f"2026-{day}T00:30:00Z", charged_amount="1")
        assert market.import_history(sent).status == 202
    market.deliver()
    months = "from=2026-02-20&to=2026-04-04&granularity=month"

    of_provider = series(market, f"{PROVIDER}?{months}", "north")
    of_buyer = series(market, f"{BUYER}?{months}", "acme")

    assert of_provider["periods"] == [
        {"period": "2026-02"} | earned(),
        {"period": "2026-03"} | earned("1.00", sales=1),
        {"period": "2026-04"} | earned("2.00", sales=2),
    ]
    assert of_provider["totals"] == earned("3.00", sales=3)
    assert [period["searches"] for period in of_buyer["periods"]] == [0, 1, 2]
    whole = series(market, f"{PROVIDER}?from=2026-03&to=2026-04&granularity=month", "north")
    assert (whole["from"], whole["to"]) == ("2026-03-01", "2026-04-30")
    assert whole["totals"] == earned("4.00", sales=4)


def test_the_default_is_the_last_30_days(market: World) -> None:
    for url in (PROVIDER, BUYER):
        found = series(market, url, "north")
        assert (found["from"], found["to"]) == ("2026-03-06", "2026-04-05")
        assert [period["period"] for period in found["periods"]] == [
            str(date(2026, 3, 6) + timedelta(days=n)) for n in range(31)
        ]
        assert series(market, f"{url}?from=2026-04-05", "north")["to"] == "2026-04-05"
        assert series(market, f"{url}?to=2026-03-20", "north")["from"] == "2026-03-06"


def test_each_dataset_has_its_own_series_also_when_it_is_deleted(market: World) -> None:
    both = told(
        "search.performed",
        charged_amount="3",
        dataset_ids=["dset_1", "dset_2"],
        allocations=[
            {"dataset_id": "dset_1", "amount": "1"},
            {"dataset_id": "dset_2", "amount": "2"},
        ],
    )
    happen(market, both, refund(both, "1.5"))
    happen(market, event("dataset.deleted", "2026-04-05T09:45:00Z", tenant_id="north"))

    def of(dataset_id: str) -> Any:
        return series(market, f"{PROVIDER}?{APRIL_5}&dataset_id={dataset_id}", "north")["totals"]

    assert of("dset_1") == earned("0.50", refunds="0.50", sales=1)
    assert of("dset_2") == earned("1.00", refunds="1.00", sales=1)
    whole = series(market, f"{PROVIDER}?{APRIL_5}", "north")["totals"]
    assert whole == earned("1.50", refunds="1.50", sales=1), "one charge is one sale"


@pytest.mark.parametrize("dataset_id", ["no%20id", "", "x" * 65])
def test_what_can_be_no_dataset(market: World, dataset_id: str) -> None:
    key = market.key("north", Scope.BILLING_READ)

    answered = market.request("GET", f"{PROVIDER}?dataset_id={dataset_id}", key=key)

    wrong = ("dataset_id", "must be 1 to 64 letters, digits, underscores or hyphens")
    assert answered == answer(400, invalid(wrong))


@pytest.mark.parametrize("dataset_id", ["dset_3", "dset_9"])
def test_a_dataset_of_others_is_none(market: World, dataset_id: str) -> None:
    key = market.key("north", Scope.BILLING_READ)
    url = f"{PROVIDER}?dataset_id={dataset_id}"

    answered = market.request("GET", url, key=key)

    assert answered.status == 404
    assert [each["field"] for each in answered.body["error"]["details"]] == ["dataset_id"]


def test_currencies_are_apart(world: World) -> None:
    builders.market(world, "acme", north=["dset_1"])
    world.tenant("eve", billing_currency="EUR")
    happen(
        world,
        told("search.performed", charged_amount="1"),
        told("search.performed", charged_amount="2", tenant_id="eve", currency="EUR"),
    )

    of_provider = {
        currency: series(world, f"{PROVIDER}?{APRIL_5}&currency={currency}", "north")["totals"]
        for currency in ("USD", "EUR", "XYZ")
    }
    assert of_provider == {
        "USD": earned("1.00", sales=1),
        "EUR": earned("2.00", sales=1),
        "XYZ": earned(),
    }
    assert series(world, f"{BUYER}?{APRIL_5}", "eve")["currency"] == "EUR"
    assert series(world, f"{BUYER}?{APRIL_5}", "eve")["totals"] == spent("2.00", searches=1)
    other = series(world, f"{BUYER}?{APRIL_5}&currency=USD", "eve")
    assert (other["currency"], other["totals"]) == ("USD", spent(searches=1))


# ------------------------------------------------------------------------- posting days


def test_what_comes_late_is_money_of_the_day_on_which_it_is_posted(market: World) -> None:
    """And an activity of the day on which it happened."""
    happen(
        market,
        told("search.performed", "2026-04-02T09:00:00Z", charged_amount="1"),
        told("search.performed", "2026-03-20T09:00:00Z", charged_amount="2"),
    )

    assert by_day(market, PROVIDER, "north", "from=2026-03&to=2026-04") == {
        "2026-04-02": earned("1.00", sales=1),
        "2026-04-05": earned("2.00", sales=1),
    }
    assert by_day(market, BUYER, "acme", "from=2026-03&to=2026-04") == {
        "2026-03-20": spent(searches=1),
        "2026-04-02": spent("1.00", searches=1),
        "2026-04-05": spent("2.00"),
    }


def test_while_the_month_before_is_open_its_events_post_to_their_own_days(market: World) -> None:
    market.now = "2026-05-01T04:59:00.000000000Z"
    happen(market, told("dataset.accessed", "2026-04-30T23:59:59Z", charged_amount="1"))
    market.wait(minutes=2)
    happen(market, told("dataset.accessed", "2026-04-30T23:59:59Z", charged_amount="2"))

    assert by_day(market, PROVIDER, "north", "from=2026-04&to=2026-05") == {
        "2026-04-30": earned(retrieval="1.00", sales=1),
        "2026-05-01": earned(retrieval="2.00", sales=1),
    }


def test_a_refund_is_of_its_own_day(market: World) -> None:
    charge = told("search.performed", "2026-04-01T09:00:00Z", charged_amount="5")
    accept(market, charge)
    happen(market, refund(charge, "2", time="2026-04-04T09:00:00Z"))

    assert by_day(market, PROVIDER, "north", "from=2026-04&to=2026-04") == {
        "2026-04-01": earned("5.00", sales=1),
        "2026-04-04": earned("-2.00", refunds="2.00"),
    }


def test_imported_history_is_of_its_own_days_or_of_the_day_of_the_import(market: World) -> None:
    """For the provider whose month has a statement, it is money of today."""
    stated = told(
        "dataset.accessed", "2026-02-10T09:00:00Z", dataset_id="dset_3", charged_amount="1"
    )
    assert market.import_history(stated).status == 202
    market.run_payouts("2026-02")
    both = told(
        "search.performed",
        "2026-02-20T09:00:00Z",
        charged_amount="4",
        dataset_ids=["dset_1", "dset_3"],
    )
    assert market.import_history(both).status == 202
    market.deliver()

    year = "from=2026-01&to=2026-04"
    assert by_day(market, PROVIDER, "north", year) == {"2026-02-20": earned("2.00", sales=1)}
    assert by_day(market, PROVIDER, "south", year) == {
        "2026-02-10": earned(retrieval="1.00", sales=1),
        "2026-04-05": earned("2.00", sales=1),
    }
    assert by_day(market, BUYER, "acme", year) == {
        "2026-02-10": spent(retrieval="1.00", accesses=1),
        "2026-02-20": spent("4.00", searches=1),
    }


def test_erased_texts_leave_money_and_counts(market: World) -> None:
    happen(market, told("search.performed", charged_amount="1"))
    before = series(market, f"{BUYER}?{APRIL_5}", "acme")
    url = "/v1/agent/activity/searches/query-texts?before=2026-04-06T00:00:00Z"
    erased = market.request("DELETE", url, key=market.key("acme", Scope.KEYS_WRITE))
    assert erased.status == 202
    market.wait(hours=1)
    market.deliver()

    assert series(market, f"{BUYER}?{APRIL_5}", "acme") == before


def test_months_are_the_gross_of_their_statements(market: World) -> None:
    market.now = "2026-04-01T02:00:00.000000000Z"
    charge = told("search.performed", "2026-03-30T09:00:00Z", charged_amount="10.10")
    happen(
        market,
        charge,
        told("dataset.accessed", "2026-03-02T09:00:00Z", charged_amount="7.77"),
        refund(charge, "3.30", time="2026-03-31T12:00:00Z"),
    )
    market.now = "2026-05-01T06:00:00.000000000Z"
    happen(market, told("dataset.accessed", "2026-04-30T09:00:00Z", charged_amount="1"))
    for month in ("2026-03", "2026-04"):
        market.run_payouts(month)

    statements = market.get("/v1/provider/payouts", "north", Scope.BILLING_READ)["payouts"]
    months = series(market, f"{PROVIDER}?from=2026-03&to=2026-05&granularity=month", "north")

    gross = {each["billing_period_start"][:7]: each["gross_revenue"] for each in statements}
    revenue = {each["period"]: each["revenue"] for each in months["periods"]}
    assert gross == {"2026-03": Decimal("14.57")}
    assert revenue == gross | {"2026-04": 0, "2026-05": Decimal("1.00")}


def test_a_search_of_the_most_datasets_of_one_provider_is_counted(world: World) -> None:
    """It adds to more counters than fit into one transaction."""
    datasets = [f"d{n:02}" for n in range(50)]
    builders.market(world, "acme", north=datasets)
    happen(world, told("search.performed", charged_amount="50", dataset_ids=datasets))

    assert series(world, f"{PROVIDER}?{APRIL_5}", "north")["totals"] == earned("50.00", sales=1)
    for dataset_id in datasets:
        url = f"{PROVIDER}?{APRIL_5}&dataset_id={dataset_id}"
        assert series(world, url, "north")["totals"] == earned("1.00", sales=1)


# -------------------------------------------------------------------------------- faults

DAY_RULE = "must be a date like 2026-04-05 or a date-time like 2026-04-05T09:30:00Z"


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ("from=yesterday", "from", DAY_RULE),
        ("to=2026-13", "to", DAY_RULE),
        ("from=1999-12", "from", "must not be before 2000-01-01"),
        ("granularity=week", "granularity", "must be one of: day, month"),
        ("currency=usd", "currency", "must be three capital letters, such as USD"),
        ("currency=", "currency", "must be three capital letters, such as USD"),
    ],
)
@pytest.mark.parametrize("url", [PROVIDER, BUYER])
def test_wrong_parameters_are_named(
    market: World, url: str, query: str, field: str, rule: str
) -> None:
    answered = market.request("GET", f"{url}?{query}", key=market.key("north", Scope.BILLING_READ))
    assert (answered.status, answered.body) == (400, invalid((field, rule)))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("from=2026-04-06", "from (2026-04-06) must not be after to (2026-04-05)."),
        (
            "from=2023-01-01&to=2026-01-01",
            "The range may span at most 1,096 days; 2023-01-01 to 2026-01-01 is longer.",
        ),
        (
            "from=2000-01&to=2100-01&granularity=month",
            "The range may span at most 1,096 months; 2000-01-01 to 2100-01-31 is longer.",
        ),
    ],
)
@pytest.mark.parametrize("url", [PROVIDER, BUYER])
def test_ranges_that_are_not_answered(market: World, url: str, query: str, message: str) -> None:
    answered = market.request("GET", f"{url}?{query}", key=market.key("north", Scope.BILLING_READ))
    expected = failure("invalid_request", message, ("from", message))
    assert (answered.status, answered.body) == (400, expected)


def test_the_longest_ranges(market: World) -> None:
    days = series(market, f"{PROVIDER}?from=2023-01-01&to=2025-12-31", "north")
    assert len(days["periods"]) == 1096
    months = series(market, f"{BUYER}?from=2000-01&to=2091-04&granularity=month", "north")
    assert len(months["periods"]) == 1096
