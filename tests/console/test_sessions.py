"""Signing in and out with a key or a session, what a session may see, and keys."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Locator, Page, expect

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tests.console.served import BASE, READS, Held, Served, settle
from tests.console.signing import STORED, block_storage, failed, hand_over, sign_in
from tests.world import World

pytestmark = pytest.mark.slow

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
        ((Scope.USAGE_READ,), "provider", {"Datasets"}, MONEY),
        (
            (Scope.BILLING_READ,),
            "provider",
            MONEY,
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
