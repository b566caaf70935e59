"""What goes wrong in the console, and how it goes on: revoked keys, faults, limits."""

from __future__ import annotations

import json
from itertools import chain, repeat

import pytest
from playwright.sync_api import expect

from tally.access.model.scopes import Scope
from tests.console.served import BASE, Served, settle
from tests.console.signing import JSON, STORED, failed, hand_over, sign_in

pytestmark = pytest.mark.slow


def test_a_revoked_key_signs_out_and_leads_back(changing: Served) -> None:
    page = changing.signed_in("provider", "acme", range="90d")
    text, revoker = changing.world.new_key("acme", [Scope.KEYS_WRITE])
    listed = changing.world.request("GET", "/v1/api-keys?limit=100", key=text).body["data"]
    others = {each["api_key_id"] for each in listed["api_keys"]} - {revoker.api_key_id}
    for each in others:
        revoked = changing.world.request("DELETE", f"/v1/api-keys/{each}", key=text)
        assert revoked.status == 200

    page.get_by_text("30 days").click()

    expect(page.get_by_role("status")).to_contain_text("Your session has ended")
    assert page.evaluate(STORED) == ""
    sign_in(page, changing.world.new_key("acme", [Scope.BILLING_READ])[0])
    settle(page)
    expect(page).to_have_url(f"{BASE}/console/#/provider?range=30d")


def test_a_fault_shows_its_request_and_can_be_tried_again(served: Served) -> None:
    served.instead["/v1/provider/datasets"] = lambda: failed(500, "internal_error")
    page = served.signed_in("provider", "acme")
    datasets = page.get_by_role("region", name="Datasets")
    expect(datasets.get_by_role("alert")).to_contain_text("It is internal_error.")
    expect(datasets.get_by_role("alert")).to_contain_text("Request req_42")
    expect(page.get_by_role("region", name="Statements")).to_contain_text("March 2026")

    del served.instead["/v1/provider/datasets"]
    datasets.get_by_role("button", name="Try again").click()

    expect(datasets).to_contain_text("Invoices")


def test_a_limit_is_waited_for(served: Served) -> None:
    key = served.world.key("acme", Scope.USAGE_READ)
    good = served.world.request("GET", "/v1/provider/datasets", key=key)
    answers = chain(
        [failed(429, "rate_limited", **{"Retry-After": "1"})],
        repeat((200, JSON, json.loads(good.text))),
    )
    served.instead["/v1/provider/datasets"] = lambda: next(answers)

    page = served.signed_in("provider", "acme")

    expect(page.get_by_role("region", name="Datasets")).to_contain_text("Invoices")
    asked = [each for each in served.asked if each.url.endswith("/v1/provider/datasets")]
    assert len(asked) == 2
    assert asked[1].timing["startTime"] - asked[0].timing["startTime"] >= 1000


def test_a_wait_is_told(served: Served) -> None:
    served.instead["/v1/provider/datasets"] = lambda: failed(
        429, "rate_limited", **{"Retry-After": "60"}
    )

    page = served.open(served.session("acme", page="provider"))

    datasets = page.get_by_role("region", name="Datasets")
    expect(datasets).to_contain_text("Too many requests; trying again in 60 seconds.")


def test_a_session_that_was_replaced_does_not_go_on_waiting(served: Served) -> None:
    key = served.world.key("acme", Scope.USAGE_READ)
    good = served.world.request("GET", "/v1/provider/datasets", key=key)
    # When the second session has waited for two seconds, the first has for more than one.
    limits = [failed(429, "rate_limited", **{"Retry-After": wait}) for wait in ("1", "2")]
    answers = chain(limits, repeat((200, JSON, json.loads(good.text))))
    served.instead["/v1/provider/datasets"] = lambda: next(answers)
    page = served.open(served.session("acme", page="provider"))
    datasets = page.get_by_role("region", name="Datasets")
    expect(datasets).to_contain_text("trying again in 1 second.")

    hand_over(page, served.session("acme", Scope.USAGE_READ, page="provider"))

    expect(datasets).to_contain_text("Invoices")
    asked = [each for each in served.asked if each.url.endswith("/v1/provider/datasets")]
    assert len(asked) == 3


def test_a_page_that_cannot_be_loaded_is_loaded_anew(served: Served) -> None:
    page = served.signed_in("provider", "globex")
    served.context.route("**/partner/page.js", lambda route: route.abort())
    page.get_by_role("link", name="Partner").click()
    expect(page.get_by_role("alert")).to_contain_text("This page of the console could not be")
    served.context.unroute("**/partner/page.js")

    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("region", name="Prices")).to_contain_text("Tier 1")
