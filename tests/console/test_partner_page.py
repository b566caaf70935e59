"""A partner's page: what its organizations use, and what that costs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.reading import block, card, cells, opened
from tests.console.served import Served

pytestmark = pytest.mark.slow


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
