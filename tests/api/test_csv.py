"""Lists and series as CSV, for all routes that declare rows."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pytest

from dev.gateway import PLATFORM, Answer
from dev.template import Route, routes
from tally.access.model.scopes import Scope
from tests import builders
from tests.api.answers import ALWAYS, INVALID_CURSOR, answer, invalid
from tests.api.routes import is_partners
from tests.api.samples import (
    TENANT,
    caller_of,
    import_a_charge,
    make_portfolio,
    url_of,
)
from tests.builders import told
from tests.world import World, new_world

HAS_ROWS = [route for route in routes() if route.module.endpoint.rows]
each_with_rows = pytest.mark.parametrize("route", HAS_ROWS, ids=str)

LISTS = {
    "/v1/admin/audit",
    "/v1/admin/payout-runs",
    "/v1/admin/payouts",
    "/v1/admin/tenants",
    "/v1/agent/activity/accesses",
    "/v1/agent/activity/searches",
    "/v1/api-keys",
    "/v1/provider/datasets",
    "/v1/provider/payouts",
    "/partner/organizations",
}
SERIES = {
    "/v1/provider/series",
    "/v1/buyer/series",
    "/partner/analytics/series",
    "/partner/organizations/usage",
}


@pytest.fixture(scope="module")
def market() -> Iterator[World]:
    """The samples' tenant, with something in each list."""
    with new_world() as world:
        builders.market(world, TENANT)
        import_a_charge(world, TENANT)
        make_portfolio(world, TENANT)
        named: dict[str, Any] = {"tenant_id": TENANT, "dataset_ids": [f"dset_of_{TENANT}"]}
        builders.accept(world, told("search.performed", query_text='=a "b", c', **named))
        used = {"partner_id": TENANT, "organization_id": "org_1"}
        builders.accept(world, told("identification.recorded", "2026-03-05T09:00:00Z", **used))
        world.run_payouts("2026-03")
        world.deliver()
        yield world


def ask(world: World, route: Route, query: str = "", accept: str = "*/*") -> Answer:
    url = url_of(route, "none")
    if query:
        url = f"{route.path}?{query}"
    key = world.key(caller_of(route), *Scope)
    return world.request(route.method, url, key=key, headers={"Accept": accept})


def rows_in(world: World, route: Route, query: str = "") -> list[Mapping[str, Any]]:
    """Those of the JSON."""
    answered = ask(world, route, query)
    assert answered.status == 200, answered
    body = answered.body if is_partners(route) else answered.body["data"]
    found: list[Mapping[str, Any]] = body[wire_name(route)]
    return found


def wire_name(route: Route) -> str:
    endpoint = route.module.endpoint
    name: str = endpoint.wire_name(endpoint.rows)
    return name


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.split("\r\n"), strict=True))


def test_every_list_and_every_series_has_this_form() -> None:
    lists_and_series = {route.path for route in HAS_ROWS}

    assert lists_and_series == LISTS | SERIES


@each_with_rows
def test_rows_are_those_of_the_json(route: Route, market: World) -> None:
    rows = rows_in(market, route)
    assert rows

    answered = ask(market, route, accept="text/csv")

    headers = {"Content-Type": "text/csv; charset=utf-8", "X-Request-Id": "req_00000000"}
    assert answered == Answer(200, ALWAYS | headers | {"Vary": "Accept"}, None)
    lines = read(answered.text)
    assert [line.keys() >= row.keys() for line, row in zip(lines, rows, strict=True)]
    for line, row in zip(lines, rows, strict=True):
        for name, value in row.items():
            if isinstance(value, str):
                assert line[name].removeprefix("'") == value
            elif value is None or isinstance(value, bool | int):
                assert line[name] == ("" if value is None else str(value).lower())


@each_with_rows
def test_json_is_the_usual_form(route: Route, market: World) -> None:
    usual = ask(market, route)

    assert usual.headers["Vary"] == "Accept"
    assert usual.headers["Content-Type"] == "application/json"
    for accept in ("", "application/json", "application/json, text/csv;q=0.9", "text/html"):
        assert ask(market, route, accept=accept) == usual


@each_with_rows
def test_errors_are_json(route: Route, market: World) -> None:
    wrong = "page=0" if is_partners(route) else "limit=0"
    if route.path in SERIES and route.path != "/partner/organizations/usage":
        wrong = "granularity=hour"

    answered = ask(market, route, wrong, accept="text/csv")

    assert answered.status == 400
    assert answered.headers["Content-Type"] == "application/json"
    assert answered == ask(market, route, wrong)


def test_a_formula_is_text_and_a_list_is_json(market: World) -> None:
    (route,) = (each for each in HAS_ROWS if each.path.endswith("searches"))

    (line,) = read(ask(market, route, accept="text/csv").text)

    assert line["query_text"] == '\'=a "b", c'
    assert line["dataset_ids"] == f'["dset_of_{TENANT}"]'
    assert line["charged_amount"] == "0.45"


def test_a_link_leads_through_all_pages(world: World) -> None:
    builders.market(world, *(f"tenant_{n}" for n in range(4)))
    key = world.key(PLATFORM, Scope.ADMIN)
    query, met = "?limit=2", list[str]()

    while query:
        answered = world.request(
            "GET", f"/v1/admin/tenants{query}", key=key, headers={"Accept": "text/csv"}
        )
        met += [line["tenant_id"] for line in read(answered.text)]
        link = answered.headers.get("Link", "")
        query = link.removeprefix("<").removesuffix('>; rel="next"')
        assert query.startswith("?limit=2&cursor=") or not query

    assert met == [PLATFORM, *(f"tenant_{n}" for n in range(4))]


def test_a_link_leads_to_the_next_number(world: World) -> None:
    builders.market(world, "acme")
    for n in range(3):
        created = builders.event("organization.created", organization_id=f"org_{n}")
        builders.accept(world, created)
    key = world.key("acme", Scope.USAGE_READ)

    def page(query: str) -> Answer:
        url = f"/partner/organizations?{query}"
        return world.request("GET", url, key=key, headers={"Accept": "text/csv"})

    first, last = page("pageSize=2&search=harbour"), page("pageSize=2&search=harbour&page=2")

    assert first.headers["Link"] == '<?page=2&pageSize=2&search=harbour>; rel="next"'
    assert "Link" not in last.headers
    assert [len(read(each.text)) for each in (first, last)] == [2, 1]
    assert read(first.text)[0].keys() == {
        *("id", "name", "externalId", "status", "tier", "credits", "metadata", "createdAt")
    }


def test_an_empty_list_has_its_header(world: World) -> None:
    builders.market(world, "acme")
    key = world.key("acme", Scope.USAGE_READ)

    answered = world.request(
        "GET", "/v1/agent/activity/accesses", key=key, headers={"Accept": "text/csv"}
    )

    assert answered.text == "dataset_id,dataset_name,access_count,last_accessed_at\r\n"


def test_a_forged_cursor_is_refused_in_json(world: World) -> None:
    builders.market(world, "acme")
    key = world.key("acme", Scope.BILLING_READ)
    accept = {"Accept": "text/csv"}

    forged = world.request(
        "GET", f"/v1/provider/payouts?cursor={quote('=1')}", key=key, headers=accept
    )
    wrong = world.request("GET", "/v1/provider/payouts?limit=x", key=key, headers=accept)

    assert forged == answer(400, INVALID_CURSOR)
    assert wrong == answer(400, invalid(("limit", "must be an integer")))
