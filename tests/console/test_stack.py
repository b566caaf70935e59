"""The console of a deployed stack: what it shows is what the API says, at once and in little."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from dev import console, demo
from dev.demo_portfolio import portfolio
from dev.first_keys import issue
from dev.own_stack import DeployedStack, own_stack
from dev.stack import LocalStack
from tally.wire.json import load_json
from tests.console.reading import block, card, cells
from tests.console.served import settle

pytestmark = [pytest.mark.stack, pytest.mark.slow]

FIRST_PAINT_MS = 1000
MOST_SENT = 250 * 1024
REVOKED_WITHIN_S = 30


class Market(NamedTuple):
    """The demo on a stack of its own: its keys by page."""

    stack: LocalStack
    keys: dict[str, str]

    def get(self, page: str, path: str) -> Any:
        """What the API answers, without its envelope."""
        response = self.stack.request("GET", path, headers={"X-API-Key": self.keys[page]})
        assert response.status == 200, response.body
        answer = load_json(response.body)
        return answer if path.startswith("/partner/") else answer["data"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    with own_stack(tmp_path_factory.mktemp("stack")) as deployed:
        yield deployed


@pytest.fixture(scope="module")
def market(stack: DeployedStack) -> Market:
    admin_key, events_key = issue(stack)
    now = datetime.now(UTC)
    since = f"{now - timedelta(days=20):%Y-%m-%d}"
    year = [
        said for said in portfolio(now.date()) if "quantity" not in said.data or said.time >= since
    ]
    keys, _ = demo.load(stack, admin_key, events_key, year=year, datasets=demo.DATASETS[:1])
    return Market(
        stack,
        {
            "provider": keys.provider_key,
            "buyer": keys.buyer_key,
            "partner": keys.partner_key,
            "operator": admin_key,
        },
    )


def opened(market: Market, context: BrowserContext, name: str, **settings: str) -> Page:
    page = context.new_page()
    page.goto(console.link(market.stack, market.keys[name], name, **settings))
    settle(page)
    return page


def dollars(amount: Decimal) -> str:
    return f"${amount:,.2f}"


def test_a_providers_page_says_what_the_api_says(market: Market, context: BrowserContext) -> None:
    page = opened(market, context, "provider", range="12m")

    dashboard = market.get("provider", "/v1/provider/dashboard")
    assert card(page, "Datasets") == f"{dashboard['total_datasets']:,}"
    assert card(page, "Objects") == f"{dashboard['total_objects']:,}"
    now = datetime.now(UTC)
    first = f"{now.year - (now.month < 12)}-{now.month % 12 + 1:02}-01"
    path = f"/v1/provider/series?granularity=month&from={first}&to={now:%Y-%m-%d}"
    series = market.get("provider", path)
    assert card(page, "Revenue in the period") == dollars(series["totals"]["revenue"])
    for payout in market.get("provider", "/v1/provider/payouts")["payouts"]:
        month = f"{datetime.fromisoformat(payout['billing_period_start']):%B %Y}"
        names = ("gross_revenue", "seller_earnings", "held_amount", "released_amount")
        assert cells(block(page, "Statements"), month)[1:5] == [
            dollars(payout[name]) for name in names
        ]


def test_a_buyers_page_says_what_the_api_says(market: Market, context: BrowserContext) -> None:
    page = opened(market, context, "buyer")

    spend = market.get("buyer", "/v1/buyer/spend")
    keys = market.get("buyer", "/v1/buyer/dashboard")
    assert card(page, "Spend this month") == dollars(spend["total_spend"])
    assert card(page, "Active API keys") == str(keys["active_api_key_count"])
    for row in market.get("buyer", "/v1/agent/activity/accesses")["accesses"]:
        shown = cells(block(page, "Accessed datasets"), row["dataset_name"])
        assert shown[0] == f"{row['access_count']:,}"


def test_a_partners_page_says_what_the_api_says(market: Market, context: BrowserContext) -> None:
    page = opened(market, context, "partner")

    today = datetime.now(UTC).date()
    analytics = market.get(
        "partner", f"/partner/analytics?startDate={today - timedelta(days=29)}&endDate={today}"
    )
    usage = market.get("partner", "/partner/billing/usage")
    assert card(page, "Active organizations") == str(analytics["activeOrganizations"])
    assert card(page, "Identifications") == f"{analytics['totalIdentifications']:,}"
    assert card(page, "Cost of this billing period") == dollars(usage["estimatedCost"])
    used = market.get("partner", "/partner/organizations/usage")["organizations"]
    for row in used[:3]:
        shown = cells(block(page, "Usage by organization"), row["name"])
        assert shown[1] == f"{row['identifications']:,}"


def test_the_operators_page_says_what_the_api_says(market: Market, context: BrowserContext) -> None:
    page = opened(market, context, "operator")

    health = market.get("operator", "/v1/admin/health")
    assert card(page, "Parked records") == str(health["parked_records"]["number"])
    runs = market.get("operator", "/v1/admin/payout-runs")["payout_runs"]
    expect(block(page, "Payout runs").get_by_role("rowheader")).to_have_count(len(runs[:10]))


@pytest.mark.parametrize("name", console.PAGES)
def test_a_page_comes_quickly_and_in_little_from_this_stack_alone(
    market: Market, context: BrowserContext, name: str
) -> None:
    received: list[Response] = []
    said: list[str] = []
    page = context.new_page()
    page.on("response", lambda response: received.append(response))  # noqa: PLW0108  no builtins
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(console.link(market.stack, market.keys[name], name))
    settle(page)

    # The functions are warm now. The best of three, because other tests use the machine.
    paints = [first_paint_ms(opened(market, context, name)) for _ in range(3)]
    assert min(paints) < FIRST_PAINT_MS
    assert said == []
    host = urlsplit(market.stack.api_url).netloc
    assert {urlsplit(response.url).netloc for response in received} == {host}
    files = [each for each in received if "/console/" in each.url]
    assert len(files) > 1
    assert sum(len(gzip.compress(each.body())) for each in files) < MOST_SENT
    policy = files[0].headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")


def first_paint_ms(page: Page) -> float:
    painted = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    took: float = page.evaluate(painted)
    return took


def test_a_revoked_key_signs_out(market: Market, context: BrowserContext) -> None:
    headers = {"X-API-Key": market.keys["buyer"]}
    body = {"name": "Short", "scopes": ["usage:read", "billing:read"]}
    made = market.stack.request("POST", "/v1/api-keys", headers=headers, json=body).json()["data"]
    page = context.new_page()
    page.goto(f"{market.stack.api_url}/console/")
    page.get_by_label("API key").fill(made["key"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Provider")
    settle(page)

    market.stack.request("DELETE", f"/v1/api-keys/{made['api_key_id']}", headers=headers)

    page.wait_for_timeout(REVOKED_WITHIN_S * 1000)
    page.get_by_text("90 days").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Tally")
    expect(page.get_by_role("status")).to_contain_text(re.compile("Your session has ended"))
