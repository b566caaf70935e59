"""What holds for the page of every audience."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from dev import ROOT
from tests.console.reading import PAGES, block, open_all, opened
from tests.console.served import BASE, ORIGIN, Served, settle

AXE = (ROOT / "tests/console/axe-core/axe.min.js").read_text()
pytestmark = pytest.mark.slow

each_page = pytest.mark.parametrize("name", PAGES)


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
