"""Charts, blocks, lists and the period: what all pages are made of."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.served import Served

pytestmark = pytest.mark.slow


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
