"""Signing in with an account of an OIDC issuer."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.console.served import BASE, Served, settle
from tests.console.signing import JSON, STORED, block_storage

pytestmark = pytest.mark.slow

ISSUER = "https://id.example"
OIDC = {
    "authorize_url": f"{ISSUER}/authorize",
    "token_url": f"{BASE}/token",  # the policy of these pages names no other origin
    "client_id": "console",
    "scope": "openid",
}


def test_an_account_signs_in_with_a_code_and_a_proof(served: Served) -> None:
    served.instead["/console/config.json"] = lambda: (200, JSON, {"oidc": OIDC})
    token = served.session("acme").split("=")[1]
    served.instead["/token"] = lambda: (200, JSON, {"access_token": token})
    served.context.route(f"{ISSUER}/**", sent_back())
    page = served.open("/provider?range=90d")

    page.get_by_role("button", name="Sign in with your account").click()
    settle(page)

    expect(page).to_have_url(f"{BASE}/console/#/provider?range=90d")
    (exchange,) = (each for each in served.asked if each.url.endswith("/token"))
    sent = exchange.post_data or ""
    assert "grant_type=authorization_code" in sent
    assert "code=c0de" in sent
    assert "code_verifier=" in sent


def test_a_code_that_was_not_asked_for_is_refused(served: Served) -> None:
    served.instead["/console/config.json"] = lambda: (200, JSON, {"oidc": OIDC})
    served.context.route(f"{ISSUER}/**", sent_back(state="forged"))
    page = served.open()

    page.get_by_role("button", name="Sign in with your account").click()

    expect(page.get_by_role("alert")).to_contain_text("This sign-in was not begun here.")
    assert [each for each in served.asked if each.url.endswith("/token")] == []


@pytest.mark.parametrize(
    ("token", "told"),
    [
        (lambda route: route.abort(), "The issuer cannot be reached."),
        (lambda route: route.fulfill(status=400, json={}), "The issuer gave no token."),
        (lambda route: route.fulfill(status=200, body="<p>Hi"), "The issuer cannot be reached."),
        (lambda route: route.fulfill(json={"id_token": "x"}), "The issuer gave no token."),
    ],
    ids=["unreachable", "refused", "garbled", "none"],
)
def test_why_no_token_came_is_told(
    served: Served, token: Callable[[Route], None], told: str
) -> None:
    served.instead["/console/config.json"] = lambda: (200, JSON, {"oidc": OIDC})
    served.context.route(f"{ISSUER}/**", sent_back())
    served.context.route("**/token", token)
    page = served.open()

    page.get_by_role("button", name="Sign in with your account").click()

    expect(page.get_by_role("alert")).to_have_text(re.compile(f"^{told}"))
    assert page.evaluate(STORED) == ""


def test_a_code_without_a_sign_in_leaves_the_address(served: Served) -> None:
    page = served.open()

    page.goto(f"{BASE}/console/?code=c0de&state=forged#/buyer")

    expect(page.get_by_role("alert")).to_contain_text("This sign-in was not begun here.")
    expect(page).to_have_url(f"{BASE}/console/#/buyer")


def test_an_account_needs_a_browser_that_stores_something(served: Served) -> None:
    block_storage(served)
    served.instead["/console/config.json"] = lambda: (200, JSON, {"oidc": OIDC})
    page = served.open()

    page.get_by_role("button", name="Sign in with your account").click()

    expect(page.get_by_role("alert")).to_contain_text("Your browser stores nothing for this page.")


def sent_back(state: str | None = None) -> Callable[[Route], None]:
    """What the issuer does after its own page."""

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        asked = {name: values[0] for name, values in query.items()}
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["code_challenge"]) == 43
        back = f"{asked['redirect_uri']}?code=c0de&state={state or asked['state']}"
        route.fulfill(status=302, headers={"Location": back})

    return answer
