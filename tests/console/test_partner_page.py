"""A partner's page: what its organizations use, and what that costs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tally.access.model.scopes import Scope
from tests.console.reading import HeldBack, block, card, cells, opened, row
from tests.console.served import Served

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}


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


def test_identifications_stand_under_the_dates_that_they_are_of(served: Served) -> None:
    page = opened(served, "partner", range="90d")
    held = HeldBack(served, page, "/partner/analytics")

    held.choose("30 days")

    identifications = block(page, "Identifications")
    expect(identifications).to_contain_text("1,200 identifications, 6 Jan 2026 to 5 Apr 2026")
    expect(page.get_by_role("definition").filter(has_text=re.compile("^1,200"))).to_have_count(0)
    held.release()
    expect(identifications).to_contain_text("1,200 identifications, 7 Mar 2026 to 5 Apr 2026")
    expect(page.get_by_role("definition").filter(has_text=re.compile("^1,200"))).to_have_count(1)


def test_shares_are_of_the_month_that_is_shown(served: Served) -> None:
    page = opened(served, "partner")
    usage = block(page, "Usage by organization")
    expect(usage.get_by_role("table", name="Usage by organization in April 2026")).to_be_visible()
    held = HeldBack(served, page, "/partner/organizations/usage")

    with page.expect_request("**/partner/analytics/series?startDate=2026-03-01*"):
        usage.get_by_label("Month").select_option("March 2026")

    expect(usage).to_contain_text("April 2026, most identifications first")
    expect(row(usage, "Alder")).to_contain_text("75%")
    held.release()
    expect(usage).to_contain_text("No organization used anything in March 2026")


def test_the_last_price_has_no_end(served: Served) -> None:
    billing = served.world.get_partner("/partner/billing", "globex", Scope.BILLING_READ)
    tier = {"tier": "Starter", "pricePerIdentification": 0.05, "minUsage": 0, "maxUsage": 1000}
    billing = {**billing, "pricingTiers": [tier]}  # 1,200 are used
    served.instead["/partner/billing"] = lambda: (200, JSON, billing)

    page = opened(served, "partner")

    prices = block(page, "Prices")
    assert cells(prices, "Starter") == ["from 0", "$0.05", "● you are here"]
    expect(prices.get_by_role("rowheader", name="Starter", exact=True)).to_be_visible()
    expect(prices).to_contain_text("The next 1,000 identifications would cost $50.00.")


def test_organizations_are_filtered(served: Served) -> None:
    page = opened(served, "partner")
    organizations = block(page, "Organizations")
    expect(organizations.get_by_role("rowheader")).to_have_count(2)

    organizations.get_by_label("Name").fill("bir")
    organizations.get_by_label("Name").press("Enter")

    expect(organizations.get_by_role("status")).to_have_text("1 found, newest first")
    expect(organizations.get_by_role("rowheader")).to_contain_text(["Birch"])
    with page.expect_download() as download:
        organizations.get_by_role("button", name="Download organizations bir as CSV").click()
    assert download.value.suggested_filename == "organizations bir.csv"


def test_a_failed_search_can_be_changed(served: Served) -> None:
    page = opened(served, "partner")
    organizations = block(page, "Organizations")
    served.instead["/partner/organizations"] = lambda: (500, JSON, {"message": "It failed."})
    organizations.get_by_label("Name").fill("nonsense")
    organizations.get_by_label("Name").press("Enter")
    expect(organizations.get_by_role("alert")).to_contain_text("It failed.")
    expect(organizations.get_by_label("Name")).to_be_focused()

    del served.instead["/partner/organizations"]
    organizations.get_by_label("Name").fill("ald")
    organizations.get_by_label("Name").press("Enter")

    expect(organizations.get_by_role("rowheader")).to_contain_text(["Alder"])
