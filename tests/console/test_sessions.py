"""Signing in and out, what a session may see, and what goes wrong on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tests.console.served import BASE, READS, Answer, Held, Served, market, serve, settle
from tests.world import World, new_world

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json", "X-Request-Id": "req_42"}
STORED = "Object.values(sessionStorage).join() + Object.values(localStorage).join()"


@pytest.fixture
def changing(context: BrowserContext) -> Iterator[Served]:
    """A market of the test's own."""
    with new_world() as world:
        market(world)
        yield serve(context, world)


def failed(status: int, code: str, **headers: str) -> Answer:
    error = {"code": code, "message": f"It is {code}.", "details": []}
    return status, JSON | headers, {"error": error, "request_id": "req_42", "timestamp": ""}


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


# --------------------------------------------------------------------------- signing in


def test_a_key_opens_a_session_and_is_not_kept(served: Served) -> None:
    key = served.world.key("acme", Scope.USAGE_READ, Scope.BILLING_READ, Scope.EVENTS_WRITE)
    page = served.open()

    sign_in(page, key)
    settle(page)

    expect(page).to_have_url(f"{BASE}/console/#/provider")
    expect(page).to_have_title("Provider · Acme Data · Tally")
    kept = page.evaluate(STORED)
    assert kept.startswith("sess_")
    assert key not in kept
    (opening,) = (each for each in served.asked if each.url.endswith("/v1/sessions"))
    assert json.loads(opening.post_data or "") == {
        "scopes": ["usage:read", "billing:read"],
        "ttl_seconds": 28800,
    }
    after = served.asked[served.asked.index(opening) + 1 :]
    assert all(key not in str(request.all_headers()) for request in after)


@pytest.mark.parametrize("key", ["ipto_nonsense", "not a key"])
def test_a_wrong_key_is_refused_with_a_reason(served: Served, key: str) -> None:
    page = served.open()

    sign_in(page, key)

    expect(page.get_by_role("alert")).to_contain_text("This key is not valid")
    expect(page.get_by_role("alert")).to_contain_text("req_00000000")
    assert page.evaluate(STORED) == ""


def test_a_key_that_may_see_nothing_is_told_what_it_lacks(served: Served) -> None:
    page = served.open()

    sign_in(page, served.world.key("acme", Scope.EVENTS_WRITE))

    expect(page.get_by_role("alert")).to_contain_text("none of the scopes usage:read")


def test_a_session_handed_over_leaves_the_address_at_once(served: Served) -> None:
    page = served.signed_in("buyer", "globex", range="90d")

    expect(page).to_have_url(f"{BASE}/console/#/buyer?range=90d")
    page.reload()
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Buyer")


def test_the_next_session_may_be_handed_over_later(served: Served) -> None:
    page = served.signed_in("provider", "acme")

    hand_over(page, served.session("umbrella", page="provider"))

    expect(page.get_by_role("banner")).to_contain_text("Umbrella")
    expect(page).to_have_title("Provider · Umbrella · Tally")
    statements = page.get_by_role("region", name="Statements")
    expect(statements).to_contain_text("There is no statement yet.")


def test_a_session_handed_over_later_names_its_page_and_period(served: Served) -> None:
    page = served.signed_in("provider", "globex")

    hand_over(page, served.session("globex", page="buyer", range="90d"))

    expect(page).to_have_url(f"{BASE}/console/#/buyer?range=90d")
    expect(page.get_by_role("heading", level=1)).to_have_text("Buyer")
    expect(page.get_by_role("radio", name="90 days")).to_be_checked()


def test_a_session_that_is_renewed_keeps_what_is_open(changing: Served) -> None:
    page = changing.signed_in("provider", "acme")
    page.get_by_role("button", name="Statement of February 2026").click()
    expect(page.get_by_text("How it adds up")).to_be_visible()
    changing.world.request(
        "PATCH",
        "/v1/admin/tenants/acme",
        key=changing.world.key(PLATFORM, Scope.ADMIN),
        json_body={"display_name": "Acme Renewed"},
    )
    changing.world.wait(seconds=1)
    renewed = changing.session("acme", page="provider")

    hand_over(page, renewed)

    expect(page.get_by_role("banner")).to_contain_text("Acme Renewed")
    expect(page.get_by_text("How it adds up")).to_be_visible()
    with page.expect_request("**/v1/provider/series?*") as asked:
        page.get_by_text("90 days").click()
    assert asked.value.headers["authorization"] == f"Bearer {parse_qs(renewed)['session'][0]}"


def test_of_two_sessions_the_later_one_is_shown(served: Served) -> None:
    page = served.signed_in("provider", "acme")
    held = Held(served, "**/v1/session")
    with page.expect_request("**/v1/session"):
        hand_over(page, served.session("globex", page="provider"))
    hand_over(page, served.session("umbrella", page="provider"))
    expect(page.get_by_role("banner")).to_contain_text("Umbrella")

    held.let_go(page)

    page.get_by_text("90 days").click()
    settle(page)
    expect(page.get_by_role("banner")).to_contain_text("Umbrella")


def test_a_late_refusal_does_not_end_the_next_session(served: Served) -> None:
    page = served.signed_in("buyer", "globex")
    held = Held(served, "**/v1/buyer/series?*")
    with page.expect_request("**/v1/buyer/series?*"):
        page.get_by_text("90 days").click()
    hand_over(page, served.session("globex", *READS, page="buyer"))
    settle(page)
    served.instead["/v1/buyer/series"] = lambda: failed(401, "unauthorized")

    held.let_go(page)

    del served.instead["/v1/buyer/series"]
    page.get_by_text("12 months").click()
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Buyer")
    assert page.evaluate(STORED).startswith("sess_")


def test_a_browser_that_stores_nothing_keeps_the_session_in_the_page(served: Served) -> None:
    block_storage(served)
    page = served.signed_in("provider", "acme")

    page.get_by_role("link", name="Buyer").click()
    settle(page)

    expect(page.get_by_role("heading", level=1)).to_have_text("Buyer")


def hand_over(page: Page, fragment: str) -> None:
    """What the page around the console does."""
    page.evaluate("fragment => { location.hash = fragment }", fragment)


def block_storage(served: Served) -> None:
    """As browsers do for a frame that may keep no cookies."""
    served.context.add_init_script(
        """Object.defineProperty(window, "sessionStorage", {
          get() { throw new DOMException("Access is denied.", "SecurityError"); },
        });"""
    )


def test_signing_out_forgets_the_session(served: Served) -> None:
    page = served.signed_in("provider", "acme")

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", name="Sign in to Tally")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    assert page.evaluate(STORED) == ""


# ----------------------------------------------------------------------- what is allowed

MONEY = {"Revenue", "Statements", "Coming payout"}


@pytest.mark.parametrize(
    ("scopes", "page", "shown", "hidden"),
    [
        ((Scope.USAGE_READ,), "provider", {"Datasets"}, {"Revenue", "Statements", "Coming payout"}),
        (
            (Scope.BILLING_READ,),
            "provider",
            {"Revenue", "Statements", "Coming payout"},
            {"Datasets"},
        ),
        ((Scope.USAGE_READ,), "buyer", {"Searches", "Accessed datasets"}, {"Spend", "API keys"}),
        ((Scope.KEYS_WRITE,), "buyer", {"API keys"}, {"Spend", "Searches"}),
        ((Scope.BILLING_READ,), "partner", {"Prices"}, {"Organizations", "Identifications"}),
    ],
)
def test_a_session_shows_what_its_scopes_allow(
    served: Served, scopes: tuple[Scope, ...], page: str, shown: set[str], hidden: set[str]
) -> None:
    opened = served.signed_in(page, "globex", *scopes)

    titles = set(opened.get_by_role("heading", level=2).all_inner_texts())
    assert shown <= titles
    assert not hidden & titles
    assert [each for each in served.said if "403" in each] == []


def test_there_is_no_list_of_figures_without_any(served: Served) -> None:
    page = served.signed_in("buyer", "globex", Scope.KEYS_WRITE)

    expect(page.get_by_label("At a glance")).to_have_count(0)


def test_audiences_are_offered_by_scope(served: Served) -> None:
    readers = served.signed_in("provider", "acme", Scope.USAGE_READ)
    assert readers.get_by_role("link").all_inner_texts()[1:] == ["Provider", "Buyer", "Partner"]

    keepers = served.signed_in("operator", "acme", Scope.KEYS_WRITE)

    assert keepers.get_by_role("link").all_inner_texts()[1:] == ["Buyer"]


def test_admin_of_a_tenant_does_not_make_an_operator(served: Served) -> None:
    page = served.signed_in("operator", "acme", Scope.ADMIN)

    expect(page.get_by_role("heading", level=1)).to_have_text("Provider")
    expect(page.get_by_role("link", name="Operator")).to_have_count(0)


# ------------------------------------------------------------------------ what goes wrong


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


# --------------------------------------------------------------------------------- keys


def test_a_key_is_made_and_shown_once(changing: Served) -> None:
    changing.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=BASE)
    page = changing.signed_in("buyer", "globex")
    keys = page.get_by_role("region", name="API keys")

    keys.get_by_role("button", name="Create a key").click()
    dialog = page.get_by_role("dialog", name="Create an API key")
    dialog.get_by_label("Name").fill("Nightly export")
    dialog.get_by_label("Make it with an API key").fill(key_of(changing.world))
    dialog.get_by_role("button", name="Create the key").click()

    shown = page.get_by_role("dialog", name="Your new key")
    expect(shown).to_contain_text("It does not expire.")
    made = shown.locator("code").inner_text()
    assert_works(changing.world, made)
    shown.get_by_role("button", name="Copy the key").click()
    expect(shown.get_by_role("status")).to_have_text("Copied to the clipboard")
    assert page.evaluate("navigator.clipboard.readText()") == made
    shown.get_by_role("button", name="I have stored it").click()
    expect(keys.get_by_role("rowheader", name="Nightly export")).to_be_visible()
    assert made not in page.content()


def test_a_key_is_rotated(changing: Served) -> None:
    text, _ = changing.world.new_key("globex", [Scope.USAGE_READ], name="Robot")
    page = changing.signed_in("buyer", "globex")

    page.get_by_role("button", name="Rotate Robot").click()
    dialog = page.get_by_role("dialog", name="Rotate Robot")
    dialog.get_by_label("The old key stops working").select_option("After an hour")
    dialog.get_by_label("Make it with an API key").fill(key_of(changing.world))
    dialog.get_by_role("button", name="Make the new key").click()

    made = page.get_by_role("dialog", name="Your new key").locator("code").inner_text()
    assert_works(changing.world, made)
    changing.world.wait(seconds=3_599)
    assert_works(changing.world, text)
    changing.world.wait(seconds=2)
    assert changing.world.request("GET", "/v1/session", key=text).status == 401


def test_a_key_is_revoked_once_its_name_is_typed(changing: Served) -> None:
    text, _ = changing.world.new_key("globex", [Scope.USAGE_READ], name="Robot")
    page = changing.signed_in("buyer", "globex")

    page.get_by_role("button", name="Revoke Robot").click()
    dialog = page.get_by_role("dialog", name="Revoke Robot")
    expect(dialog.get_by_role("button", name="Revoke the key")).to_be_disabled()
    dialog.get_by_label("to confirm").fill("Robot")
    dialog.get_by_role("button", name="Revoke the key").click()

    robot = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Robot"))
    expect(robot).to_contain_text("revoked")
    assert changing.world.request("GET", "/v1/session", key=text).status == 401


def key_of(world: World) -> str:
    return world.key("globex", Scope.USAGE_READ, Scope.KEYS_WRITE)


def assert_works(world: World, key: str) -> None:
    assert world.request("GET", "/v1/session", key=key).status == 200


# ----------------------------------------------------------------------------- keyboard


def test_the_keyboard_alone_is_enough(changing: Served) -> None:
    page = changing.open()
    page.get_by_label("API key").wait_for()
    press = page.keyboard.press

    press("Tab")
    page.keyboard.type(changing.world.key("globex", *Scope))
    press("Enter")
    settle(page)
    expect(page.get_by_role("main")).to_be_focused()
    tab_to(page, page.get_by_role("link", name="Skip to the content"), "Shift+Tab")
    tab_to(page, page.get_by_role("link", name="Buyer"))
    press("Enter")
    settle(page)
    expect(page.get_by_role("main")).to_be_focused()
    tab_to(page, page.get_by_role("radio", name="30 days"))
    press("ArrowRight")
    expect(page).to_have_url(f"{BASE}/console/#/buyer?range=90d")
    tab_to(page, page.get_by_role("slider"))
    press("ArrowLeft")
    expect(page.get_by_role("region", name="Spend")).to_contain_text("Sat 4 Apr 2026")
    tab_to(page, page.get_by_text("As a table"))
    press("Enter")
    expect(page.get_by_role("region", name="Spend").get_by_role("table")).to_be_visible()
    create = page.get_by_role("button", name="Create a key")
    tab_to(page, create)
    press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(create).to_be_focused()


def tab_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """On in reading order, or back, until it has the focus."""
    for _ in range(60):
        page.keyboard.press(key)
        if wanted.evaluate("it => it === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not get to {wanted}")


# --------------------------------------------------------------------------------- OIDC


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
