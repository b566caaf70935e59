"""A buyer's page: what it spends and on what, and its keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tally.access.model.scopes import Scope
from tests.builders import event, happen, told
from tests.console.reading import HeldBack, block, card, cells, opened, row
from tests.console.served import ALL, BASE, READS, Answer, Served, serve
from tests.world import World, new_world

pytestmark = pytest.mark.slow


def test_a_buyer_sees_what_it_spent(served: Served) -> None:
    page = opened(served, "buyer", range="90d")

    assert card(page, "Spend this month") == "$17.85"
    assert card(page, "Searches") == "3"
    assert card(page, "Accesses") == "1"
    expect(block(page, "Spend")).to_contain_text("$2,248.35 6 Jan 2026 to 5 Apr 2026")
    searches = block(page, "Searches")
    assert cells(searches, "what was asked in 2026-04")[:-1] == [
        *("3 Apr 2026, 09:00", "2", "3", "$12.3456")
    ]
    assert cells(block(page, "Accessed datasets"), "Contracts") == ["1", "4 Apr 2026, 09:00"]


def test_spend_stands_under_the_dates_that_it_is_of(served: Served) -> None:
    page = opened(served, "buyer", range="90d")
    held = HeldBack(served, page, "/v1/buyer/series")

    held.choose("30 days")

    expect(block(page, "Spend")).to_contain_text("$2,248.35 6 Jan 2026 to 5 Apr 2026")
    expect(page.get_by_role("definition").filter(has_text=re.compile("^3"))).to_have_count(0)
    held.release()
    expect(block(page, "Spend")).to_contain_text("$1,267.85 7 Mar 2026 to 5 Apr 2026")
    expect(page.get_by_role("definition").filter(has_text=re.compile("^2"))).to_have_count(1)


def test_small_spend_is_written_out(context: BrowserContext) -> None:
    with new_world() as world:
        buyer_of(world, told("search.performed", tenant_id="globex", charged_amount="0.0031"))
        page = opened(serve(context, world), "buyer")
        spend = block(page, "Spend")

        expect(spend).to_contain_text("$0.0031 7 Mar 2026 to 5 Apr 2026")
        assert card(page, "Spend this month") == "$0.0031"
        spend.get_by_text("As a table").click()
        table = spend.get_by_role("table")
        assert cells(table, "Sun 5 Apr 2026") == ["$0.0031", "$0.00", "$0.0031"]


def test_a_search_opens_into_its_query_and_datasets(served: Served) -> None:
    page = opened(served, "buyer")
    searches = block(page, "Searches")

    opener = searches.get_by_role("button", name="Search of 3 Apr 2026, 09:00")
    opener.focus()
    page.keyboard.press("Enter")

    expect(searches.get_by_role("paragraph")).to_contain_text(["what was asked in 2026-04"])
    expect(searches.get_by_role("listitem")).to_have_text(["dset_1", "dset_2"])


@pytest.mark.parametrize("title", ["Spend", "Searches", "Accessed datasets"])
def test_what_would_fill_a_block_is_an_event_that_tally_takes(
    context: BrowserContext, title: str
) -> None:
    with new_world() as world:
        buyer_of(world)
        page = opened(serve(context, world), "buyer")

        call = block(page, title).get_by_label("Example for a shell").inner_text()

        shown = call[call.index("{") : call.rindex("}") + 1].replace("a-dataset", "dset_1")
        assert world.send(json.loads(shown)).body["data"]["accepted"] == 1


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


# --------------------------------------------------------------------------------- keys


def test_keys_may_be_made_with_every_scope_of_a_tenant(context: BrowserContext) -> None:
    with new_world() as world:
        buyer_of(world)
        page = opened(serve(context, world), "buyer")
        page.get_by_role("button", name="Create a key").click()
        dialog = page.get_by_role("dialog", name="Create an API key")
        tenants_own = {scope for scope in Scope if scope is not Scope.ADMIN}
        expect(dialog.get_by_role("checkbox")).to_have_count(len(tenants_own))
        dialog.get_by_label("Name").fill("Searcher")
        dialog.get_by_label("Search search:query").check()

        dialog.get_by_role("button", name="Create the key").click()

        expect(dialog.get_by_role("alert")).to_contain_text(
            "Only a key with the scope search:query can grant it. Enter one above."
        )
        maker = dialog.get_by_label("Make it with an API key")
        expect(maker).to_be_focused()
        maker.fill(world.key("globex", Scope.KEYS_WRITE, Scope.USAGE_READ, Scope.SEARCH_QUERY))
        dialog.get_by_role("button", name="Create the key").click()
        made = page.get_by_role("dialog", name="Your new key").get_by_role("code").inner_text()
        session = world.request("GET", "/v1/session", key=made).body["data"]
        assert set(session["scopes"]) == {"usage:read", "search:query"}


def test_rotating_says_which_scopes_it_needs(context: BrowserContext) -> None:
    with new_world() as world:
        buyer_of(world)
        world.new_key("globex", [Scope.USAGE_READ, Scope.SEARCH_QUERY], name="Robot")
        page = opened(serve(context, world), "buyer")

        page.get_by_role("button", name="Rotate Robot").click()
        dialog = page.get_by_role("dialog", name="Rotate Robot")
        expect(dialog).to_contain_text("has the scopes of this one (usage:read, search:query)")
        dialog.get_by_role("button", name="Make the new key").click()

        expect(dialog.get_by_role("alert")).to_contain_text("Enter one above.")
        expect(dialog.get_by_label("Make it with an API key")).to_be_focused()


def test_another_tenants_key_makes_no_key(context: BrowserContext) -> None:
    with new_world() as world:
        buyer_of(world)
        page = opened(serve(context, world), "buyer")
        page.get_by_role("button", name="Create a key").click()
        dialog = page.get_by_role("dialog", name="Create an API key")
        dialog.get_by_label("Name").fill("Astray")
        dialog.get_by_label("Make it with an API key").fill(world.key("acme", *ALL))

        dialog.get_by_role("button", name="Create the key").click()

        expect(dialog.get_by_role("alert")).to_contain_text("This is a key of Acme.")
        keys = world.get("/v1/api-keys", "acme", Scope.KEYS_WRITE)["api_keys"]
        assert "Astray" not in {each["name"] for each in keys}


def test_the_focus_stays_in_the_row_of_a_revoked_key(context: BrowserContext) -> None:
    with new_world() as world:
        buyer_of(world)
        world.new_key("globex", [Scope.USAGE_READ], name="Robot")
        page = opened(serve(context, world), "buyer")
        page.get_by_role("button", name="Revoke Robot").click()
        dialog = page.get_by_role("dialog", name="Revoke Robot")
        dialog.get_by_label("to confirm").fill("Robot")

        dialog.get_by_role("button", name="Revoke the key").click()

        expect(page.get_by_text("none: Robot is revoked")).to_be_focused()


def test_revoking_leaves_the_rest_of_the_list_as_it_was(context: BrowserContext) -> None:
    with new_world() as world:
        buyer_of(world)
        world.new_key("globex", [Scope.USAGE_READ], name="Robot")
        listed = world.get("/v1/api-keys", "globex", Scope.KEYS_WRITE)["api_keys"]
        (robot,) = (each for each in listed if each["name"] == "Robot")
        other = robot | {"api_key_id": "key_2", "name": "Other"}
        pages = [([robot], "2"), ([other], None)]

        def answer() -> Answer:
            rows, cursor = pages.pop(0)
            data = {"api_keys": rows, "total": 2, "next_cursor": cursor}
            return 200, {"Content-Type": "application/json"}, {"data": data}

        served = serve(context, world)
        served.instead["/v1/api-keys"] = answer
        page = opened(served, "buyer")
        keys = block(page, "API keys")
        keys.get_by_role("button", name="Show more").click()
        keys.get_by_role("button", name="Revoke Robot").click()
        dialog = page.get_by_role("dialog", name="Revoke Robot")
        dialog.get_by_label("to confirm").fill("Robot")

        dialog.get_by_role("button", name="Revoke the key").click()

        expect(row(keys, "Robot")).to_contain_text("revoked")
        expect(keys.get_by_role("rowheader")).to_have_text(["Robot", "Other"])


def test_where_there_are_no_keys_the_page_says_how_to_make_one(served: Served) -> None:
    none = {"data": {"api_keys": [], "total": 0, "next_cursor": None}}
    served.instead["/v1/api-keys"] = lambda: (200, {"Content-Type": "application/json"}, none)

    keys = block(opened(served, "buyer"), "API keys")

    expect(keys).to_contain_text("There are no keys yet.")
    expect(keys.get_by_label("Example for a shell")).to_contain_text(f"curl {BASE}/v1/api-keys")


def buyer_of(world: World, *bought: dict[str, Any]) -> None:
    """Globex, which bought this of Acme's dataset."""
    for tenant_id in ("globex", "acme"):
        world.tenant(tenant_id)
    happen(world, event("dataset.created"), *bought)
