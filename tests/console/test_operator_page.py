"""The operator's page: statements, runs, tenants, and what waits."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tally.access.model.scopes import Scope
from tally.counting import parking
from tally.counting.changes import Poison
from tests.builders import event
from tests.console.reading import block, card, cells, opened, row
from tests.console.served import Served, market, serve
from tests.world import new_world

pytestmark = pytest.mark.slow


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
