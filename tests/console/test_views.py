"""Charts, blocks, lists and the period: what all pages are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from functions.console import app
from tally.access.model.scopes import Scope
from tests.console.served import Answer, Held, Served, serve
from tests.world import World

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}


def region(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def answered(data: Any) -> Answer:
    return 200, JSON, {"data": data, "request_id": "req_1", "timestamp": ""}


def broken(message: str) -> Answer:
    """In the shape of either audience."""
    error = {"code": "internal_error", "message": message, "details": []}
    return 500, JSON, {"error": error, "message": message, "request_id": "req_77"}


# ------------------------------------------------------------------------------- charts


def test_a_chart_may_get_fewer_bars_while_one_is_read_out(served: Served) -> None:
    page = served.signed_in("provider", "acme", range="90d")
    revenue = region(page, "Revenue")
    chart = revenue.get_by_role("slider")
    held = Held(served, "**/v1/provider/series?*", number=2)
    page.get_by_text("30 days").click()
    expect(revenue).to_have_attribute("aria-busy", "true")
    chart.hover(position={"x": 900, "y": 100})
    expect(revenue).to_contain_text("Mon 16 Mar 2026")

    held.let_go(page)

    expect(revenue).to_contain_text("7 Mar 2026 to 5 Apr 2026")
    chart.press("Home")
    expect(revenue).to_contain_text("Sat 7 Mar 2026")
    expect(revenue).to_have_count(1)
    assert served.said == []


@pytest.fixture
def handheld(browser: Browser, sold: World) -> Iterator[Served]:
    """The same marketplace on a telephone."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    yield serve(context, sold)
    context.close()


def test_a_tap_reads_a_day_out(handheld: Served) -> None:
    page = handheld.signed_in("provider", "acme")
    revenue = region(page, "Revenue")

    chart = revenue.get_by_role("slider")
    chart.tap(position={"x": 310, "y": 100})

    expect(revenue).to_contain_text("Sat 4 Apr 2026")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("^Sat 4 Apr 2026: "))


# ------------------------------------------------------------------------------- period


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("2020-01-01", "Choose at most 1,096 days."),
        ("", "Choose a first and a last day."),
        ("2026-04-04", "The first day comes after the last."),
    ],
)
def test_days_that_are_no_period_are_explained(served: Served, first: str, told: str) -> None:
    page = served.signed_in(
        "provider", "acme", range="custom", **{"from": "2026-03-01", "to": "2026-03-31"}
    )
    period = page.get_by_role("form", name="Period")
    day = period.get_by_label("First day")

    day.fill(first)
    day.blur()

    expect(period.get_by_role("status")).to_have_text(f"{told} These are the last 30 days:")
    expect(day).to_have_attribute("aria-invalid", "true")
    expect(period.get_by_role("radio", name="Custom")).to_be_checked()
    day.fill("2026-03-02")
    day.blur()
    expect(period.get_by_role("status")).to_have_text("")
    expect(period).to_contain_text("2 Mar 2026 to 31 Mar 2026")


# ------------------------------------------------------------------------------- blocks


def test_trying_again_leads_to_the_heading(served: Served) -> None:
    served.instead["/v1/provider/datasets"] = lambda: broken("Boom")
    page = served.signed_in("provider", "acme")
    datasets = region(page, "Datasets")
    del served.instead["/v1/provider/datasets"]

    datasets.get_by_role("button", name="Try again").press("Enter")

    expect(datasets).to_contain_text("Invoices")
    expect(datasets.get_by_role("heading", name="Datasets")).to_be_focused()


def accesses(first: int, last: int, cursor: str | None) -> Answer:
    rows = [
        {
            "dataset_id": f"dset_{n}",
            "dataset_name": f"Dataset {n}",
            "access_count": n,
            "last_accessed_at": "2026-04-05T09:00:00Z",
        }
        for n in range(first, last + 1)
    ]
    return answered({"accesses": rows, "total": 30, "next_cursor": cursor})


def test_showing_more_keeps_the_focus(served: Served) -> None:
    pages = iter([accesses(1, 10, "a"), accesses(11, 20, "b"), accesses(21, 30, None)])
    served.instead["/v1/agent/activity/accesses"] = lambda: next(pages)
    page = served.signed_in("buyer", "globex")
    block = region(page, "Accessed datasets")
    more = block.get_by_role("button", name="Show more")

    more.press("Enter")
    expect(block.get_by_role("rowheader")).to_have_count(20)
    expect(more).to_be_focused()
    more.press("Enter")

    expect(block.get_by_role("rowheader")).to_have_count(30)
    expect(more).to_have_count(0)
    expect(block.get_by_role("heading", name="Accessed datasets")).to_be_focused()


def organizations(name: str) -> Answer:
    organization = {
        "id": "org_1",
        "name": name,
        "externalId": "0123456789" * 4,
        "status": "active",
        "tier": "standard",
        "credits": None,
        "createdAt": "2026-01-05T00:00:00Z",
    }
    return 200, JSON, {"organizations": [organization], "page": 1, "pageSize": 1, "total": 2}


def test_an_error_of_more_stays_with_its_list(served: Served) -> None:
    answers = chain([organizations("Alder"), broken("Boom")], repeat(organizations("Birch")))
    served.instead["/partner/organizations"] = lambda: next(answers)
    page = served.signed_in("partner", "globex")
    block = region(page, "Organizations")
    block.get_by_role("button", name="Show more").click()
    expect(block.get_by_role("alert")).to_have_text("Boom")

    block.get_by_label("Status").select_option("active")

    expect(block).to_contain_text("Birch")
    expect(block.get_by_role("button", name="Show more")).to_be_enabled()
    expect(block.get_by_role("alert")).to_have_count(0)


def test_a_long_id_fits_a_telephone(handheld: Served) -> None:
    handheld.instead["/partner/organizations"] = lambda: organizations("Alder")
    page = handheld.signed_in("partner", "globex")

    expect(region(page, "Organizations")).to_contain_text("0123456789" * 4)

    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_what_stands_before_an_answer_stays(served: Served) -> None:
    page = served.signed_in("provider", "acme")

    for answer in ({"isLoading": True}, {"error": {"message": "Boom"}}, {"data": [1]}):
        mount(page, "block", "Block", {"title": "Mounted", "before": "Filters", "answer": answer})
        expect(region(page, "Mounted")).to_contain_text("Filters")


# ------------------------------------------------------------------------ files, copies


def test_a_file_that_fails_says_why(served: Served) -> None:
    page = served.signed_in("buyer", "globex")
    block = region(page, "Searches")
    served.instead["/v1/agent/activity/searches"] = lambda: broken("Boom")

    block.get_by_role("button", name="Download searches as CSV").press("Enter")

    expect(block.get_by_role("alert")).to_contain_text("Boom")
    expect(block.get_by_role("alert")).to_contain_text("Request req_77")
    again = block.get_by_role("button", name="Download searches as CSV, failed, try again")
    expect(again).to_be_focused()
    del served.instead["/v1/agent/activity/searches"]
    with page.expect_download() as download:
        again.press("Enter")
    assert download.value.suggested_filename == "searches.csv"
    expect(block.get_by_role("alert")).to_have_count(0)


def test_a_list_that_is_too_long_for_a_file_is_told(served: Served) -> None:
    page = served.signed_in("buyer", "globex", Scope.USAGE_READ)
    page.evaluate(
        """() => {
          const headers = { Link: '<?cursor=next>; rel="next"' };
          window.fetch = async (url) =>
            Object.defineProperty(new Response("line", { headers }), "url", { value: String(url) });
        }"""
    )

    page.get_by_role("button", name="Download searches as CSV").click()

    alert = region(page, "Searches").get_by_role("alert")
    expect(alert).to_contain_text("The list is too long for one file.")


def test_what_cannot_be_copied_is_told(served: Served) -> None:
    page = served.signed_in("provider", "acme", Scope.USAGE_READ)
    refuse = "navigator.clipboard.writeText = () => Promise.reject(new Error('denied'))"
    page.evaluate(f"() => {{ {refuse}; }}")
    mount(page, "pieces", "CopyButton", {"text": "ipto_x", "label": "Copy the key"})

    page.get_by_role("button", name="Copy the key").click()

    expect(page.get_by_text("Select and copy it by hand.")).to_be_visible()
    assert [said for said in served.said if "denied" in said] == []


def mount(page: Page, module: str, component: str, properties: Any) -> None:
    """One component, in place of the page."""
    page.evaluate(
        """async ([root, module, component, properties]) => {
          const { html, render } = await import(`${root}/vendor/view.js`);
          const shown = (await import(`${root}/src/view/${module}.js`))[component];
          const place = document.getElementById("console");
          render(null, place);
          render(html`<${shown} ...${properties}>${() => "Answer"}<//>`, place);
        }""",
        [f"./{app.endpoint.version}", module, component, properties],
    )
