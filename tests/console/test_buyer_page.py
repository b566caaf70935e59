"""A buyer's page: what it spends and on what, and its keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.reading import Held, block, card, cells, opened
from tests.console.served import READS, Answer, Served
from tests.world import World

pytestmark = pytest.mark.slow


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


def test_spend_stands_under_the_dates_that_it_is_of(served: Served) -> None:
    page = opened(served, "buyer", range="90d")
    held = Held(served, page, "/v1/buyer/series")

    held.choose("30 days")

    expect(block(page, "Spend")).to_contain_text("$2,248.35 6 Jan 2026 to 5 Apr 2026")
    expect(page.get_by_role("definition").filter(has_text=re.compile("^3"))).to_have_count(0)
    held.release()
    expect(block(page, "Spend")).to_contain_text("$1,267.85 7 Mar 2026 to 5 Apr 2026")
    expect(page.get_by_role("definition").filter(has_text=re.compile("^2"))).to_have_count(1)


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
