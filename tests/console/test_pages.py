"""Each audience's page, as people read it: by headings, names and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from dev import ROOT
from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.counting import parking
from tally.counting.changes import Poison
from tests.builders import event
from tests.console.served import ALL, BASE, ORIGIN, READS, Answer, Served, market, serve, settle
from tests.world import World, new_world

pytestmark = pytest.mark.slow

AXE = (ROOT / "tests/console/axe-core/axe.min.js").read_text()
PAGES = {
    "provider": ("acme", ALL),
    "buyer": ("globex", ALL),
    "partner": ("globex", ALL),
    "operator": (PLATFORM, (Scope.ADMIN,)),
}
each_page = pytest.mark.parametrize("name", PAGES)


def opened(served: Served, name: str, **settings: str) -> Page:
    tenant_id, scopes = PAGES[name]
    return served.signed_in(name, tenant_id, *scopes, **settings)


def block(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def row(inside: Locator, name: str) -> Locator:
    """The innermost, if an open row has a table in it."""
    header = inside.page.get_by_role("rowheader", name=name)
    return inside.get_by_role("row").filter(has=header).last


def cells(inside: Locator, name: str) -> list[str]:
    """What stands in a row, beside its name."""
    found = row(inside, name)
    expect(found).to_be_visible()
    return [text.strip() for text in found.get_by_role("cell").all_inner_texts()]


def card(page: Page, label: str) -> str:
    """The figure of a card."""
    term = page.get_by_role("term").filter(has_text=re.compile(f"^{label}$"))
    return term.locator("xpath=following-sibling::dd").inner_text().splitlines()[0]


def open_all(page: Page) -> None:
    """Every row that opens."""
    closed = page.get_by_role("button", expanded=False)
    while closed.count():
        closed.first.click()
    settle(page)


def sum_of(inside: Locator) -> dict[str, str]:
    """A sum, line by line."""
    expect(inside.locator(".sum > div").first).to_be_visible()
    lines = inside.locator(".sum > div").all()
    names = (line.locator("dt").evaluate("term => term.firstChild.data") for line in lines)
    return {name: line.locator("dd").inner_text() for name, line in zip(names, lines, strict=True)}


# ------------------------------------------------------------------------------ provider


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
    expect(statements).to_contain_text("$98.05 was held, and $98.05 still is.")


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
    assert cells(table, "Fri 3 Apr 2026") == ["$12.35", "$0.00", "$0.00", "$12.35"]
    assert cells(table, "Sun 5 Apr 2026") == ["\u2212$2.00", "$0.00", "\u2212$2.00", "\u2212$2.00"]


def test_a_list_is_downloaded_as_csv(served: Served) -> None:
    page = opened(served, "provider", range="custom", **{"from": "2026-04-03", "to": "2026-04-05"})

    with page.expect_download() as download:
        page.get_by_role("button", name="Download revenue 2026-04-03 2026-04-05 as CSV").click()

    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "revenue 2026-04-03 2026-04-05.csv"
    assert lines[0].split(",") == [
        *("period", "revenue", "search_revenue", "retrieval_revenue", "refunds", "sales")
    ]
    assert [line.split(",")[0] for line in lines[1:]] == ["2026-04-03", "2026-04-04", "2026-04-05"]


# --------------------------------------------------------------------------------- buyer


def test_a_buyer_sees_what_it_spent(served: Served) -> None:
    page = opened(served, "buyer", range="90d")

    assert card(page, "Spend this month") == "$17.85"
    assert card(page, "Searches") == "3"
    assert card(page, "Accesses") == "1"
    expect(block(page, "Spend")).to_contain_text("$2,248.35 6 Jan 2026 to 5 Apr 2026")
    searches = block(page, "Searches")
    assert cells(searches, "what was asked in 2026-04") == [
        *("3 Apr 2026, 09:00", "2", "3", "$12.3456")
    ]
    assert cells(block(page, "Accessed datasets"), "Contracts") == ["1", "4 Apr 2026, 09:00"]


def test_more_is_shown_by_cursor(served: Served) -> None:
    served.instead["/v1/agent/activity/searches"] = pages_of_searches(served.world)
    page = opened(served, "buyer")
    searches = block(page, "Searches")

    searches.get_by_role("button", name="Show more").click()

    expect(searches.get_by_role("rowheader")).to_have_text(
        ["what was asked in 2026-04", "what was asked in 2026-03"]
    )


def pages_of_searches(world: World) -> Callable[[], Answer]:
    """One search at a time, whatever the page asks for."""
    cursors: list[str | None] = [None]

    def answer() -> Answer:
        cursor = cursors.pop()
        query = f"limit=1&cursor={cursor}" if cursor else "limit=1"
        key = world.key("globex", *READS)
        found = world.request("GET", f"/v1/agent/activity/searches?{query}", key=key)
        cursors.append(found.body["data"]["next_cursor"])
        return 200, {"Content-Type": "application/json"}, json.loads(found.text)

    return answer


# ------------------------------------------------------------------------------- partner


def test_a_partner_sees_its_usage_and_cost(served: Served) -> None:
    page = opened(served, "partner")

    assert card(page, "Active organizations") == "2"
    assert card(page, "Identifications") == "1,200"
    assert card(page, "Credits left") == "3,800"
    assert card(page, "Cost of this billing period") == "$56.50"  # 1000 x 0.05 + 200 x 0.0325
    prices = block(page, "Prices")
    assert cells(prices, "Tier 2") == ["from 1,001", "$0.0325", "● you are here"]
    expect(prices).to_contain_text("The next 1,000 identifications would cost $32.50.")
    usage = block(page, "Usage by organization")
    assert cells(usage, "Alder") == ["75%", "900", "900", "900", "1"]
    assert cells(usage, "Birch") == ["25%", "300", "300", "300", "1"]


def test_organizations_are_filtered(served: Served) -> None:
    page = opened(served, "partner")
    organizations = block(page, "Organizations")
    expect(organizations.get_by_role("rowheader")).to_have_count(2)

    organizations.get_by_label("Name").fill("bir")
    organizations.get_by_label("Name").press("Enter")

    expect(organizations).to_contain_text("1 found")
    expect(organizations.get_by_role("rowheader")).to_contain_text(["Birch"])


# ------------------------------------------------------------------------------ operator


def test_the_operator_sees_statements_runs_and_tenants(served: Served) -> None:
    page = opened(served, "operator")

    for label in ("Parked records", "Rejected events", "Failed batches"):
        assert card(page, label) == "0"
    assert cells(block(page, "Payout runs"), "March 2026")[2:] == ["1", "1", "0", "0"]
    assert cells(block(page, "Tenants"), "Umbrella umbrella")[:3] == ["USD", "30%", "10%"]
    expect(block(page, "Audit trail").get_by_role("row")).not_to_have_count(1)


def test_the_operator_sees_why_records_are_parked(context: Any) -> None:
    with new_world() as world:
        market(world)
        world.send(event("object.uploaded", object_id="odd", size_bytes=1))
        (record,) = world.new_stream_records()
        parking.park(world.table, Poison(record, "unreadable image: 'odd'"), world.now)
        page = opened(serve(context, world), "operator")

        assert card(page, "Parked records") == "1"
        reasons = page.get_by_role("table", name="Why records are parked")
        assert cells(reasons, "unreadable image") == ["1"]


def test_a_payment_goes_on_after_a_question(context: Any) -> None:
    with new_world() as world:
        market(world)
        page = opened(serve(context, world), "operator")
        statements = block(page, "Statements")

        statements.get_by_role("button", name="Start payment: Acme Data").click()
        page.get_by_role("dialog").get_by_role("button", name="Start payment").click()
        statements.get_by_role("button", name="Mark as paid: Acme Data").click()
        dialog = page.get_by_role("dialog", name="Mark as paid")
        expect(dialog).to_contain_text(
            "Acme Data, March 2026: $750.00 is processing and becomes paid."
        )
        dialog.get_by_role("button", name="Cancel").click()
        expect(row(statements, "Acme Data acme")).to_contain_text("processing")
        statements.get_by_role("button", name="Mark as paid: Acme Data").click()
        dialog.get_by_role("button", name="Mark as paid").click()

        expect(row(statements, "Acme Data acme")).to_contain_text("paid")
        statements.get_by_role("button", name="What happened to the statement of Acme Data").click()
        expect(statements.locator("ol")).to_contain_text("processing to paid")
        listed = world.get("/v1/provider/payouts", "acme", Scope.BILLING_READ)
        assert [each["status"] for each in listed["payouts"]] == ["paid", "paid"]


def test_a_tenants_rates_are_changed(context: Any) -> None:
    with new_world() as world:
        market(world)
        page = opened(serve(context, world), "operator")

        page.get_by_role("button", name="Change Acme Data").click()
        dialog = page.get_by_role("dialog", name="Change Acme Data")
        dialog.get_by_label("Fee").fill("0.95")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_role("alert")).to_contain_text("must be at most 1")
        dialog.get_by_label("Fee").fill("0.25")
        dialog.get_by_role("button", name="Save").click()

        expect(row(block(page, "Tenants"), "Acme Data acme")).to_contain_text("25%")
        expect(block(page, "Audit trail")).to_contain_text("tenant changed")


# ----------------------------------------------------------------------------- all pages


@each_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(served: Served, name: str, scheme: Any) -> None:
    page = opened(served, name)
    page.emulate_media(color_scheme=scheme)
    open_all(page)

    page.evaluate(AXE)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")

    told = [
        (each["id"], [(node["target"], node["failureSummary"]) for node in each["nodes"]])
        for each in found["violations"]
    ]
    assert told == []


@each_page
def test_it_fits_on_a_telephone(served: Served, name: str) -> None:
    page = opened(served, name, range="custom", **{"from": "2026-01-01", "to": "2026-04-05"})
    page.set_viewport_size({"width": 360, "height": 740})
    open_all(page)

    assert page.evaluate("document.documentElement.scrollWidth") == 360


@each_page
def test_nothing_comes_from_elsewhere_and_nothing_is_complained_of(
    served: Served, name: str
) -> None:
    opened(served, name)

    assert {request.url.startswith(f"{BASE}/") for request in served.asked} == {True}
    assert served.said == []
    assert all(not request.url.startswith(ORIGIN + "/v1") for request in served.asked)


def test_the_policy_forbids_what_a_page_could_be_made_to_do(served: Served) -> None:
    page = opened(served, "provider")
    page.evaluate(
        """() => {
          window.ran = [];
          const script = document.createElement("script");
          script.textContent = "window.ran.push('script')";
          document.body.append(script);
          const styled = "<p id=styled style='position: fixed'></p>";
          document.body.insertAdjacentHTML("beforeend", styled);
        }"""
    )

    assert page.evaluate("window.ran") == []
    assert page.locator("#styled").evaluate("it => getComputedStyle(it).position") == "static"
    assert page.evaluate("fetch('https://elsewhere.example').then(() => 1, () => 0)") == 0


def test_a_period_is_kept_in_the_address(served: Served) -> None:
    page = opened(served, "provider")

    page.get_by_text("12 months").click()
    expect(page).to_have_url(f"{BASE}/console/#/provider?range=12m")
    expect(block(page, "Revenue")).to_contain_text("1 May 2025 to 5 Apr 2026")
    page.reload()
    settle(page)

    expect(block(page, "Revenue")).to_contain_text("1 May 2025 to 5 Apr 2026")
    expect(page.get_by_role("radio", name="12 months")).to_be_checked()


def test_a_tenant_without_data_is_told_what_would_fill_the_page(served: Served) -> None:
    page = served.signed_in("provider", "umbrella")

    expect(block(page, "Revenue")).to_contain_text("Nothing was sold")
    expect(block(page, "Revenue")).to_contain_text(f"curl {BASE}/v1/events")
    expect(block(page, "Coming payout")).to_contain_text(
        "Nothing will be paid, because nothing has been sold this month so far."
    )
    expect(block(page, "Datasets")).to_contain_text('"tenant_id": "umbrella"')


def test_a_session_shows_nothing_of_another_tenant(served: Served) -> None:
    for name in ("provider", "buyer", "partner"):
        text = served.signed_in(name, "umbrella").locator("body").inner_text()
        for foreign in ("Acme", "Globex", "Invoices", "Alder", "what was asked", "1,250"):
            assert foreign not in text
