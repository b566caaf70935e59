"""GET /v1/admin/tenants: all tenants, by their ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tests.api.answers import INVALID_CURSOR, invalid, list_answer, success
from tests.api.keys import TENANTS
from tests.api.test_tenant_changes import AS_CREATED, patch
from tests.world import World


@pytest.fixture
def market(world: World) -> World:
    """The platform's tenant, and four others."""
    for tenant_id in ("rival", "acme", "Zebra", "acme-2"):
        world.tenant(tenant_id)
    return world


IN_ORDER = ["Zebra", "acme", "acme-2", "platform", "rival"]


def look(world: World, query: str = "") -> Answer:
    return world.request("GET", f"{TENANTS}{query}", key=world.key(PLATFORM, Scope.ADMIN))


def page(world: World, query: str = "") -> Any:
    answered = look(world, query)
    assert answered.status == 200, answered
    return answered.body["data"]


def walk(world: World, limit: int) -> Iterator[Any]:
    query = f"?limit={limit}"
    while True:
        found = page(world, query)
        yield found
        if found["next_cursor"] is None:
            return
        query = f"?limit={limit}&cursor={found['next_cursor']}"


def ids(pages: Any) -> list[str]:
    return [tenant["tenant_id"] for each in pages for tenant in each["tenants"]]


def test_a_whole_list(market: World) -> None:
    patch(market, {"requests_per_minute": 5, "display_name": "Acme & Sons"})
    changed = {"acme": {"requests_per_minute": 5, "display_name": "Acme & Sons"}}

    expected = [
        {
            **AS_CREATED,
            "tenant_id": tenant_id,
            "display_name": tenant_id.title(),
            **changed.get(tenant_id, {}),
        }
        for tenant_id in IN_ORDER
    ]

    assert look(market) == list_answer(
        200, success({"tenants": expected, "total": 5, "next_cursor": None})
    )


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])])
def test_pages(limit: int, sizes: list[int], market: World) -> None:
    pages = list(walk(market, limit))

    assert ids(pages) == IN_ORDER
    assert [len(each["tenants"]) for each in pages] == sizes
    assert [each["total"] for each in pages] == [5] * len(sizes)


def test_a_tenant_is_listed_as_soon_as_it_is_created(market: World) -> None:
    pages = walk(market, 2)
    first = next(pages)
    for tenant_id in ("aaaa", "later"):  # before what was read, and after it
        market.tenant(tenant_id)

    rest = list(pages)

    assert ids([first, *rest]) == ["Zebra", "acme", "acme-2", "later", "platform", "rival"]
    assert [each["total"] for each in rest] == [7, 7]
    # The same id again makes no second row.
    body = {"tenant_id": "later", "display_name": "Again"}
    again = market.request("POST", TENANTS, key=market.key(PLATFORM, Scope.ADMIN), json_body=body)
    assert again.status == 409
    assert page(market)["total"] == 7


@pytest.mark.parametrize("cursor", ["", "abc", "%00"])
def test_other_cursors_are_refused(cursor: str, market: World) -> None:
    assert look(market, f"?cursor={cursor}") == list_answer(400, INVALID_CURSOR)


def test_a_cursor_of_another_list_is_refused(market: World) -> None:
    key = market.key(PLATFORM, Scope.ADMIN)
    others = market.request("GET", "/v1/admin/audit?limit=1", key=key).body["data"]["next_cursor"]

    assert others is not None
    assert look(market, f"?cursor={others}") == list_answer(400, INVALID_CURSOR)


@pytest.mark.parametrize("limit", ["0", "101", "x", ""])
def test_limits(limit: str, market: World) -> None:
    answered = look(market, f"?limit={limit}")

    (detail,) = answered.body["error"]["details"]
    assert answered == list_answer(400, invalid(("limit", detail["message"])))


def test_a_page_costs_the_same_for_any_number_of_tenants(market: World) -> None:
    page(market, "?limit=2")

    def calls() -> list[str]:
        made: list[str] = []
        with market.on_call(made.append):
            page(market, "?limit=2")
        return made

    few = calls()
    for n in range(30):
        market.tenant(f"many-{n}")

    assert calls() == few
    assert few.count("Query") == few.count("BatchGetItem") == 1
