"""The console in a browser, with the functions themselves behind it: no server, no network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Route, expect

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tests.builders import event
from tests.world import NOW, World

ORIGIN = "https://tally.example"
BASE = f"{ORIGIN}/live"
READS = (Scope.USAGE_READ, Scope.BILLING_READ)
ALL = (*READS, Scope.KEYS_WRITE)

# What a request is answered with in place of the API's answer: status, headers, body.
type Answer = tuple[int, Mapping[str, str], Any]


@dataclass
class Served:
    """Pages of a world. `asked`: every request, wherever it went. `said`: what went to the
    browser's console."""

    context: BrowserContext
    world: World
    asked: list[Request] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    instead: dict[str, Callable[[], Answer]] = field(default_factory=dict)

    def open(self, fragment: str = "") -> Page:
        """The console, at a time that stands still."""
        page = self.context.new_page()
        page.clock.set_fixed_time(f"{NOW[:19]}Z")
        page.on("request", self._note_request)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(f"{BASE}/console/{fragment and f'#{fragment}'}")
        return page

    def signed_in(self, page: str, tenant_id: str, *scopes: Scope, **settings: str) -> Page:
        """A page with a session of a key with these scopes, ready to be read."""
        opened = self.open(self.session(tenant_id, *scopes, page=page, **settings))
        settle(opened)
        return opened

    def session(self, tenant_id: str, *scopes: Scope, **settings: str) -> str:
        """The fragment that hands a session over."""
        key = self.world.key(tenant_id, *(scopes or ALL))
        body = {"scopes": list(scopes or ALL), "ttl_seconds": 3600}
        answer = self.world.request("POST", "/v1/sessions", key=key, json_body=body)
        return urlencode({"session": answer.body["data"]["session_token"], **settings})

    def answer(self, route: Route) -> None:
        """What API Gateway does with a request."""
        request = route.request
        url = urlsplit(request.url)
        if not request.url.startswith(BASE):
            route.abort()
            return
        path = url.path.removeprefix("/live")
        if path in self.instead:
            status, headers, body = self.instead[path]()
            route.fulfill(status=status, headers=dict(headers), body=json.dumps(body))
            return
        headers = {name: value for name, value in request.headers.items() if name[0] != ":"}
        asked = f"{path}?{url.query}" if url.query else path
        answer = self.world.request(
            request.method, asked, headers=headers, body=request.post_data_buffer
        )
        route.fulfill(status=answer.status, headers=dict(answer.headers), body=answer.text)

    def _note_request(self, request: Request) -> None:
        self.asked.append(request)

    def _note(self, message: ConsoleMessage) -> None:
        self.said.append(f"{message.type}: {message.text}")


def serve(context: BrowserContext, world: World) -> Served:
    served = Served(context, world)
    context.route("**/*", served.answer)
    return served


@dataclass
class Held:
    """The next requests for a path, `number` of them: they wait for their answer until let go."""

    served: Served
    pattern: str
    number: int = 1
    routes: list[Route] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.served.context.route(self.pattern, self._hold, times=self.number)

    def _hold(self, route: Route) -> None:
        self.routes.append(route)

    def let_go(self, page: Page) -> None:
        assert len(self.routes) == self.number
        for route in self.routes:
            with page.expect_event("requestfinished", lambda it, sent=route.request: it == sent):
                self.served.answer(route)


def settle(page: Page) -> None:
    """Wait until nothing is loading any more."""
    expect(page.locator("[aria-busy=true], .skeleton")).to_have_count(0)


# ------------------------------------------------------------------------------- a market


def market(world: World) -> None:
    """Acme sells two datasets to Globex, which is also a partner with two organizations; February
    and March are stated, and April goes on. Umbrella has done nothing yet."""
    for tenant_id, name in (("acme", "Acme Data"), ("globex", "Globex"), ("umbrella", "Umbrella")):
        world.tenant(tenant_id, display_name=name)
    taken = [
        world.import_history(*_catalog(), *_sales()),
        world.send(*_portfolio()),
    ]
    assert all(answer.body["data"]["rejected"] == 0 for answer in taken), taken
    world.deliver()
    for period in ("2026-02", "2026-03"):
        world.run_payouts(period)
    world.deliver()
    _pay(world)


def _catalog() -> list[dict[str, Any]]:
    made = [
        event("dataset.created", "2026-01-02T08:00:00Z", dataset_id="dset_1", name="Invoices"),
        event("dataset.created", "2026-01-03T08:00:00Z", dataset_id="dset_2", name="Contracts"),
    ]
    for n in range(4):
        thing = {"object_id": f"obj_{n}"}
        made.append(event("object.uploaded", "2026-01-04T08:00:00Z", **thing, size_bytes=1_500_000))
        if n < 3:
            made.append(event("object.approved", "2026-01-04T09:00:00Z", **thing))
        if n == 3:
            made.append(event("object.rejected", "2026-01-04T09:00:00Z", **thing))
        if n < 2:
            made.append(event("object.indexed", "2026-01-04T10:00:00Z", **thing))
    return made


def _sales() -> list[dict[str, Any]]:
    """980.50 in February, 1250.00 in March, and in April a search, an access and a refund."""
    bought = {"tenant_id": "globex"}
    return [
        _search("2026-02-10T09:00:00Z", "980.50", ["dset_1", "dset_2"], id="feb"),
        _search("2026-03-20T09:00:00Z", "1250.00", ["dset_1"], id="mar"),
        _search("2026-04-03T09:00:00Z", "12.3456", ["dset_1", "dset_2"], id="apr"),
        event(
            "dataset.accessed",
            "2026-04-04T09:00:00Z",
            **bought,
            dataset_id="dset_2",
            kind="download",
            charged_amount="7.5",
            currency="USD",
        ),
        event(
            "charge.refunded",
            "2026-04-05T09:00:00Z",
            **bought,
            charge_event={"source": "/marketplace", "id": "apr"},
            amount="2",
            currency="USD",
        ),
    ]


def _search(time: str, amount: str, datasets: list[str], *, id: str) -> dict[str, Any]:  # noqa: A002
    return event(
        "search.performed",
        time,
        id=id,
        tenant_id="globex",
        query_text=f"what was asked in {time[:7]}",
        dataset_ids=datasets,
        result_count=3,
        charged_amount=amount,
        currency="USD",
    )


def _portfolio() -> list[dict[str, Any]]:
    partner = {"partner_id": "globex"}
    tiers = [
        {"tier": 1, "price_per_identification": "0.05", "min_usage": 0, "max_usage": 1000},
        {"tier": 2, "price_per_identification": "0.0325", "min_usage": 1001, "max_usage": None},
    ]
    made = [
        event(
            "partner.configured",
            "2026-01-01T00:00:00Z",
            **partner,
            credit_pool_total=5000,
            pricing_tiers=tiers,
            currency="USD",
        )
    ]
    for organization_id, name, quantity in (("org_1", "Alder", 900), ("org_2", "Birch", 300)):
        whose = partner | {"organization_id": organization_id}
        made.append(event("organization.created", "2026-01-05T00:00:00Z", **whose, name=name))
        made.append(
            event("identification.recorded", "2026-04-04T10:00:00Z", **whose, quantity=quantity)
        )
    return made


def _pay(world: World) -> None:
    """February is paid; March waits."""
    key = world.key(PLATFORM, Scope.ADMIN)
    listed = world.request("GET", "/v1/admin/payouts?period=2026-02", key=key).body["data"]
    (payout,) = listed["payouts"]
    path = f"/v1/admin/payouts/{payout['payout_statement_id']}/status"
    for status in ("processing", "paid"):
        assert world.request("POST", path, key=key, json_body={"status": status}).status == 200
