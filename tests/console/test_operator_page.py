"""The operator's page: statements, runs, tenants, and what waits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.counting import parking
from tally.counting.changes import Poison
from tests.builders import event
from tests.console.reading import block, card, cells, opened, row
from tests.console.served import Answer, Served, market, serve
from tests.world import new_world

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}


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
        expect(statements.get_by_text("done: Acme Data is paid")).to_be_focused()
        statements.get_by_role("button", name="What happened to the statement of Acme Data").click()
        expect(statements.locator("ol")).to_contain_text("processing to paid")
        listed = world.get("/v1/provider/payouts", "acme", Scope.BILLING_READ)
        assert [each["status"] for each in listed["payouts"]] == ["paid", "paid"]


def test_a_move_leaves_the_rest_of_the_list_as_it_was(context: BrowserContext) -> None:
    with new_world() as world:
        market(world)
        served = serve(context, world)
        listed = world.get("/v1/admin/payouts?period=2026-03", PLATFORM, Scope.ADMIN)
        (acme,) = json.loads(json.dumps(listed["payouts"], default=float))
        other = acme | {"payout_statement_id": "po_2", "provider_name": "Birch Ltd"}
        pages = [([acme], "2"), ([other], None)]

        def answer() -> Answer:
            rows, cursor = pages.pop(0)
            return listing(payouts=rows, period="2026-03", total=2, next_cursor=cursor)

        served.instead["/v1/admin/payouts"] = answer
        page = opened(served, "operator")
        statements = block(page, "Statements")
        statements.get_by_role("button", name="Show more").click()
        expect(statements.get_by_role("rowheader")).to_contain_text(["Acme Data", "Birch Ltd"])

        statements.get_by_role("button", name="Start payment: Acme Data").click()
        page.get_by_role("dialog").get_by_role("button", name="Start payment").click()

        expect(row(statements, "Acme Data")).to_contain_text("processing")
        expect(statements.get_by_role("rowheader")).to_contain_text(["Acme Data", "Birch Ltd"])


def test_statements_are_counted_as_they_are_filtered(served: Served) -> None:
    page = opened(served, "operator")
    statements = block(page, "Statements")
    expect(statements.get_by_role("status")).to_have_text("March 2026: 1 in all")

    statements.get_by_label("Status").select_option("failed")

    expect(statements.get_by_role("status")).to_have_text("March 2026: 0 failed, of 1 in all")
    expect(statements).to_contain_text("No statement of March 2026 is failed.")
    with page.expect_download() as download:
        name = "Download statements 2026-03 failed as CSV"
        statements.get_by_role("button", name=name).click()
    assert download.value.suggested_filename == "statements 2026-03 failed.csv"


def test_a_page_without_rows_may_not_be_the_last(served: Served) -> None:
    page = opened(served, "operator")
    statements = block(page, "Statements")
    empty = listing(payouts=[], period="2026-03", total=5, next_cursor="c")
    served.instead["/v1/admin/payouts"] = lambda: empty

    statements.get_by_label("Status").select_option("failed")

    expect(statements).to_contain_text("None of the statements looked through so far is failed.")
    expect(statements.get_by_role("status")).to_have_text(
        "March 2026: 0 failed so far, of 5 in all"
    )
    expect(statements.get_by_role("button", name="Show more")).to_be_visible()


def test_who_paid_is_found_however_long_ago(context: BrowserContext) -> None:
    with new_world() as world:
        market(world)
        world.wait(seconds=60)
        key = world.key(PLATFORM, Scope.ADMIN)
        for n in range(101):  # each is in the audit trail
            name = {"display_name": f"Umbrella {n}"}
            path = "/v1/admin/tenants/umbrella"
            assert world.request("PATCH", path, key=key, json_body=name).status == 200
        page = opened(serve(context, world), "operator")
        statements = block(page, "Statements")
        statements.get_by_label("Month").select_option("February 2026")
        expect(statements.get_by_role("table", name="Statements of February 2026")).to_be_visible()

        statements.get_by_role("button", name="What happened to the statement of Acme Data").click()

        moves = statements.get_by_role("list").get_by_role("listitem")
        expect(moves).to_have_count(3)
        for each in ("processing to paid", "pending to processing", "made"):
            expect(moves.filter(has_text=each)).to_have_count(1)


def test_the_search_for_who_paid_ends_and_says_so(served: Served) -> None:
    page = opened(served, "operator")
    statements = block(page, "Statements")
    statements.get_by_label("Month").select_option("February 2026")
    expect(statements.get_by_role("table", name="Statements of February 2026")).to_be_visible()
    endless = listing(entries=[], total=9, next_cursor="c")
    served.instead["/v1/admin/audit"] = lambda: endless

    statements.get_by_role("button", name="What happened to the statement of Acme Data").click()

    expect(statements).to_contain_text(
        "Earlier moves are not among the latest 2,000 entries of the audit trail."
    )


def test_a_run_is_looked_at_again(context: BrowserContext) -> None:
    with new_world() as world:
        market(world)
        world.wait(seconds=60)
        page = opened(serve(context, world), "operator")
        runs = block(page, "Payout runs")
        runs.get_by_role("button", name="Start a run").click()
        dialog = page.get_by_role("dialog", name="Start a payout run")
        dialog.get_by_role("button", name="Start the run").click()
        newest = runs.get_by_role("row").nth(1)
        expect(newest).to_contain_text("running")

        world.do_tasks()
        runs.get_by_role("button", name="Look again").click()

        expect(newest).not_to_contain_text("running")


def test_a_failed_search_for_tenants_can_be_changed(served: Served) -> None:
    page = opened(served, "operator")
    tenants = block(page, "Tenants")
    search = tenants.get_by_label("Id or name")
    served.instead["/v1/admin/tenants"] = lambda: (500, JSON, {"error": {"message": "It failed."}})
    search.fill("nonsense")
    search.press("Enter")
    expect(tenants.get_by_role("alert")).to_contain_text("It failed.")

    del served.instead["/v1/admin/tenants"]
    search.fill("umbr")
    search.press("Enter")

    expect(tenants.get_by_role("status")).to_have_text("1 found")
    expect(tenants.get_by_role("rowheader")).to_contain_text(["Umbrella"])


def listing(**data: Any) -> Answer:
    return 200, JSON, {"data": data}


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
        expect(block(page, "Audit trail")).to_contain_text("Tenant changed")
