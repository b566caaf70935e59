"""A provider's page: what it has, what it earns, what will be paid and was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from functions.console import app
from tests.builders import event, told
from tests.console.reading import HeldBack, block, card, cells, opened, sum_of
from tests.console.served import Served, serve
from tests.world import World, new_world

pytestmark = pytest.mark.slow


def test_a_provider_sees_what_it_has_and_earned(served: Served) -> None:
    page = opened(served, "provider", range="90d")

    assert card(page, "Datasets") == "2"
    assert card(page, "Objects") == "4"
    assert card(page, "Storage") == "5.72 MB"
    # 980.50 + 1250.00 + 12.3456 + 7.50 - 2.00
    assert card(page, "Revenue in the period") == "$2,248.35"
    chart = block(page, "Revenue")
    expect(chart).to_contain_text("$2,248.35 in 4 sales, 6 Jan 2026 to 5 Apr 2026")
    expect(chart).to_contain_text("Search $2,240.85")
    expect(chart).to_contain_text("Retrieval $7.50")
    expect(chart).to_contain_text("Refunded, already subtracted \u2212$2.00")


def test_sums_stand_under_the_dates_that_they_are_of(served: Served) -> None:
    page = opened(served, "provider", range="90d")
    revenue = block(page, "Revenue")
    datasets = block(page, "Datasets")
    datasets.get_by_role("button", name="Revenue of Contracts").click()
    expect(datasets).to_contain_text("6 Jan 2026 to 5 Apr 2026")
    held = HeldBack(served, page, "/v1/provider/series")

    held.choose("30 days")

    expect(revenue).to_contain_text("$2,248.35 in 4 sales, 6 Jan 2026 to 5 Apr 2026")
    expect(revenue.get_by_role("slider")).to_have_accessible_name(re.compile("6 Jan 2026 to"))
    expect(datasets).to_contain_text("6 Jan 2026 to 5 Apr 2026")
    expect(page.get_by_role("definition").filter(has_text="$2,248.35")).to_have_count(0)
    held.release()
    expect(revenue).to_contain_text("$1,267.85 in 3 sales, 7 Mar 2026 to 5 Apr 2026")
    expect(page.get_by_role("definition").filter(has_text="$1,267.85")).to_have_count(1)


def test_nothing_is_so_far_but_what_is_not_over(served: Served) -> None:
    page = opened(served, "provider")
    chart = block(page, "Revenue").get_by_role("slider")
    held = HeldBack(served, page, "/v1/provider/series")

    with page.expect_request("**/v1/provider/series*"):
        page.evaluate("location.hash = '#/provider?range=custom&from=2026-02-01&to=2026-02-28'")

    chart.press("End")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("^Sun 5 Apr 2026, so far: "))
    chart.press("Escape")
    held.release()
    expect(chart).to_have_attribute("aria-valuetext", re.compile("^1 Feb 2026 to 28 Feb 2026: "))
    chart.press("End")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("^Sat 28 Feb 2026: "))


def test_the_coming_payout_adds_up(served: Served) -> None:
    page = opened(served, "provider")

    coming = block(page, "Coming payout")
    assert sum_of(coming) == {
        "Gross revenue": "$17.85",
        "Platform fee": "\u2212$5.36",
        "Held in reserve": "\u2212$1.78",
        "Carried in": "$0.00",
        "Will be paid": "$10.71",
    }
    expect(coming).to_contain_text("The statement is made on 1 May 2026, 06:00 UTC.")
    assert cells(coming, "March 2026") == ["4 Jul 2026", "$125.00"]


def test_a_statement_opens_into_its_lines(served: Served) -> None:
    page = opened(served, "provider")
    statements = block(page, "Statements")
    assert cells(statements, "March 2026")[1:-1] == ["$1,250.00", "$875.00", "$125.00", "$750.00"]
    assert cells(statements, "February 2026")[:1] == ["● paid"]

    statements.get_by_role("button", name="Statement of February 2026").click()

    assert sum_of(statements) == {
        "Gross revenue": "$980.50",
        "Platform fee": "\u2212$294.15",
        "Held in reserve": "\u2212$98.05",
        "Carried in": "$0.00",
        "Paid out": "$588.30",
    }
    assert cells(statements, "Invoices") == ["1", "$490.25"]
    assert cells(statements, "Contracts") == ["1", "$490.25"]
    expect(statements).to_contain_text("$98.05 was held, and $98.05 still is, until 4 Jul 2026.")


def test_a_statement_that_waits_says_what_is_to_be_paid(served: Served) -> None:
    page = opened(served, "provider")
    statements = block(page, "Statements")

    statements.get_by_role("button", name="Statement of March 2026").click()

    assert list(sum_of(statements).items())[-1] == ("To be paid", "$750.00")
    expect(statements).to_contain_text("$125.00 was held, and $125.00 still is, until 4 Jul 2026.")
    with page.expect_download() as download:
        statements.get_by_role("button", name="Download statement 2026-03 USD as CSV").click()
    assert download.value.suggested_filename == "statement 2026-03 USD.csv"


def test_revenue_is_shown_in_each_currency_that_buyers_paid_in(context: BrowserContext) -> None:
    euros = [sale("2026-04-03", "40", "EUR"), sale("2026-04-04", "0.0031", "EUR")]
    with provider_of(*euros, buyers_currency="EUR") as world:
        served = serve(context, world)
        page = opened(served, "provider")
        revenue = block(page, "Revenue")
        expect(revenue).to_contain_text("Nothing was sold in USD from 7 Mar 2026 to 5 Apr 2026.")

        revenue.get_by_label("Currency").select_option("EUR")

        expect(revenue).to_contain_text("€40.00 in 2 sales, 7 Mar 2026 to 5 Apr 2026")
        expect(page.get_by_role("definition").filter(has_text="€40.00").first).to_be_visible()
        datasets = block(page, "Datasets")
        datasets.get_by_role("button", name="Revenue of N").click()
        expect(datasets).to_contain_text("€40.00 in 2 sales")
        page.reload()
        expect(revenue).to_contain_text("€40.00 in 2 sales")
        expect(revenue.get_by_label("Currency")).to_have_value("EUR")


def test_one_currency_leaves_no_choice(served: Served) -> None:
    page = opened(served, "provider")

    expect(block(page, "Statements")).to_contain_text("March 2026")
    expect(block(page, "Revenue")).to_contain_text("$1,267.85")
    expect(page.get_by_label("Currency")).to_have_count(0)


def test_little_revenue_is_not_called_none(context: BrowserContext) -> None:
    with provider_of(sale("2026-04-03", "0.004", "USD")) as world:
        page = opened(serve(context, world), "provider")

        expect(block(page, "Coming payout")).to_contain_text(
            "Nothing will be paid, because $0.004 is less than can be paid."
        )
        expect(block(page, "Revenue")).to_contain_text("$0.004 in 1 sale, 7 Mar 2026")
        block(page, "Revenue").get_by_text("As a table").click()
        revenue = block(page, "Revenue").get_by_role("table")
        assert cells(revenue, "Fri 3 Apr 2026") == ["$0.004", "$0.00", "$0.004"]
        assert card(page, "Revenue in the period") == "$0.004"


def test_a_period_before_that_lost_is_not_called_empty(context: BrowserContext) -> None:
    charge = sale("2026-03-10", "9", "USD")
    refund = event(
        "charge.refunded",
        "2026-03-30T09:00:00Z",
        tenant_id="globex",
        charge_event={name: charge[name] for name in ("source", "id")},
        amount="9",
        currency="USD",
    )
    with provider_of(charge, refund, sale("2026-04-03", "5", "USD")) as world:
        days = {"from": "2026-04-01", "to": "2026-04-05"}
        page = opened(serve(context, world), "provider", range="custom", **days)

        revenue = page.get_by_role("definition").filter(has_text="in the period before")
        expect(revenue).to_have_text("$5.00\u2212$9.00 in the period before")


def test_a_refund_is_drawn_once(served: Served) -> None:
    page = opened(served, "provider")

    def drawn(refunds: str, search: str, retrieval: str) -> Any:
        row = {"refunds": refunds, "search_revenue": search, "retrieval_revenue": retrieval}
        module = f"./{app.endpoint.version}/src/provider/revenue.js"
        call = "async ([module, row]) => (await import(module)).refundBar(row)"
        return page.evaluate(call, [module, row])

    assert drawn("2.00", "10.00", "0.00") == -2  # beside what was earned
    assert drawn("0.0031", "-0.0031", "0.00") == 0  # the bar of searches shows it
    assert drawn("0.30", "-0.10", "-0.20") == 0
    assert drawn("5.00", "-2.00", "1.00") == -3


def test_a_dataset_opens_into_its_revenue(served: Served) -> None:
    page = opened(served, "provider")
    datasets = block(page, "Datasets")
    assert cells(datasets, "Invoices dset_1")[:4] == ["4", "2", "5.72 MB", "2 Jan 2026"]

    datasets.get_by_role("button", name="Revenue of Contracts").click()

    expect(datasets).to_contain_text("$12.67 in 2 sales")  # (12.3456 - 2) / 2 + 7.50


def test_the_chart_is_read_out_with_the_keyboard(served: Served) -> None:
    page = opened(served, "provider")
    chart = block(page, "Revenue").get_by_role("slider")

    chart.press("Shift")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("^Sun 5 Apr 2026, so far: "))
    chart.press("ArrowLeft")

    told = "Sat 4 Apr 2026: Revenue $7.50, Search $0.00, Retrieval $7.50, "
    expect(chart).to_have_attribute("aria-valuetext", re.compile(re.escape(told)))
    expect(block(page, "Revenue")).to_contain_text("$7.50 Sat 4 Apr 2026")
    chart.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "0")
    chart.press("Escape")
    expect(block(page, "Revenue")).to_contain_text("$1,267.85 in 3 sales")


def test_a_chart_is_a_table_too(served: Served) -> None:
    page = opened(served, "provider")
    chart = block(page, "Revenue")

    chart.get_by_text("As a table").click()

    table = chart.get_by_role("table")
    assert cells(table, "Fri 3 Apr 2026") == ["$12.3456", "$0.00", "$0.00", "$12.3456"]
    assert cells(table, "Sun 5 Apr 2026") == ["\u2212$2.00", "$0.00", "\u2212$2.00", "\u2212$2.00"]


def test_a_list_is_downloaded_as_csv(served: Served) -> None:
    page = opened(served, "provider", range="custom", **{"from": "2026-04-03", "to": "2026-04-05"})

    with page.expect_download() as download:
        page.get_by_role("button", name="Download revenue 2026-04-03 2026-04-05 USD as CSV").click()

    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("\ufeff")
    lines = text[1:].splitlines()
    assert download.value.suggested_filename == "revenue 2026-04-03 2026-04-05 USD.csv"
    assert lines[0].split(",") == [
        *("period", "revenue", "search_revenue", "retrieval_revenue", "refunds", "sales")
    ]
    assert [line.split(",")[0] for line in lines[1:]] == ["2026-04-03", "2026-04-04", "2026-04-05"]


# ------------------------------------------------------------------------- small markets


@contextmanager
def provider_of(*sold: dict[str, Any], buyers_currency: str = "USD") -> Iterator[World]:
    """Acme with one dataset, of which Globex bought this."""
    with new_world() as world:
        world.tenant("acme")
        world.tenant("globex", billing_currency=buyers_currency)
        made = event("dataset.created", "2026-01-02T08:00:00Z", name="N")
        assert world.import_history(made, *sold).body["data"]["rejected"] == 0
        world.deliver()
        yield world


def sale(day: str, amount: str, currency: str) -> dict[str, Any]:
    return told(
        "search.performed",
        f"{day}T09:00:00Z",
        tenant_id="globex",
        charged_amount=amount,
        currency=currency,
    )
