"""GET /v1/api-keys: the list of a tenant's keys, and what dashboards count of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.http.cursors import Cursors
from tests import builders
from tests.api.answers import INVALID_CURSOR, invalid, list_answer, success
from tests.api.keys import DOOR, _with_another, enters, issued, listed, revoke
from tests.world import World


@pytest.fixture
def market(world: World) -> World:
    """Tenants acme and rival. Acme's only key, and the platform's, is its administrator's."""
    builders.market(world, "acme", "rival")
    for tenant_id in ("acme", PLATFORM):
        world.key(tenant_id, Scope.ADMIN)
    return world


# ------------------------------------------------------------------------- the list


def aged(world: World, count: int) -> list[str]:
    """The ids of that many new keys of acme, newest first, some of the same instant."""
    ids = []
    for n in range(count):
        new = world.new_key("acme", [Scope.USAGE_READ], name=f"Key {n}")[1]
        ids.append((new.created_at, new.api_key_id))
        world.wait(microseconds=n % 2)
    return [api_key_id for _, api_key_id in sorted(ids, reverse=True)]


def walk(world: World, limit: int) -> list[dict[str, Any]]:
    """The pages of acme's keys, while a key is made between each two of them."""
    pages = [listed(world, f"?limit={limit}").body["data"]]
    while cursor := pages[-1]["next_cursor"]:
        world.wait(seconds=1)
        world.new_key("acme", [Scope.USAGE_READ])
        pages.append(listed(world, f"?limit={limit}&cursor={cursor}").body["data"])
    return pages


def test_a_list_of_one(market: World) -> None:
    answered = listed(market)

    (only,) = answered.body["data"]["api_keys"]
    assert only["scopes"] == ["admin:*"]
    assert answered == list_answer(
        200, success({"api_keys": [only], "total": 1, "next_cursor": None})
    )


def test_keys_are_listed_newest_first(market: World) -> None:
    names = ["First", "Second", "Third"]
    for name in names:
        market.wait(seconds=1)
        market.new_key("acme", [Scope.USAGE_READ], name=name)
    market.new_key("rival", [Scope.USAGE_READ], name="Foreign")

    data = listed(market).body["data"]

    assert [key["name"] for key in data["api_keys"]] == ["Third", "Second", "First", "test"]
    created = [datetime.fromisoformat(key["created_at"]) for key in data["api_keys"]]
    assert created == sorted(created, reverse=True)
    assert (data["total"], data["next_cursor"]) == (4, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 9])
def test_a_walk_meets_each_key_once_while_new_ones_arrive(limit: int, market: World) -> None:
    market.wait(seconds=1)
    ids = aged(market, 7)

    pages = walk(market, limit)

    met = [key["api_key_id"] for page in pages for key in page["api_keys"]]
    assert met[:7] == ids
    assert len(met) == 8  # and the one that asks, which is the oldest
    assert all(len(page["api_keys"]) == limit for page in pages[:-1])
    assert [page["total"] for page in pages] == [8 + n for n in range(len(pages))]


def test_a_page_holds_20_unless_told(market: World) -> None:
    aged(market, 20)

    page = listed(market).body["data"]

    assert (len(page["api_keys"]), page["total"]) == (20, 21)
    assert page["next_cursor"]


@pytest.mark.parametrize("limit", ["1", "100", "007"])
def test_limits_in_bounds(limit: str, market: World) -> None:
    assert listed(market, f"?limit={limit}&unknown=x").status == 200


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "abc", "", "1.5", "1.0", "1_0", "%201", "1e1", "9" * 30, "null"]
)
def test_limits_out_of_bounds(limit: str, market: World) -> None:
    answered = listed(market, f"?limit={limit}")

    (detail,) = answered.body["error"]["details"]
    assert answered == list_answer(400, invalid(("limit", detail["message"])))


def test_a_cursor_is_good_for_its_list_only(market: World) -> None:
    aged(market, 3)
    position = ("2026-04-05T10:00:00.000000000Z", "key_aaaaaaaaaaaa")

    def of(*scope: str, secret: bytes = b"secret", at: tuple[str, ...] = position) -> str:
        return str(Cursors(lambda _: [secret], scope, tuple).write(at))

    own = of("acme", "api-keys", "created_at")
    foreign = {
        "tenant": of("rival", "api-keys", "created_at"),
        "endpoint": of("acme", "payouts", "created_at"),
        "sort": of("acme", "api-keys", "name"),
        "secret": of("acme", "api-keys", "created_at", secret=b"guess"),
        "length": of("acme", "api-keys", "created_at", at=(*position, "x")),
        "boundary": of("acmeapi-keys", "created_at"),
    }

    answers = {name: listed(market, f"?cursor={cursor}") for name, cursor in foreign.items()}

    assert listed(market, f"?cursor={own}").status == 200
    assert answers == dict.fromkeys(foreign, list_answer(400, INVALID_CURSOR))


def test_a_forged_cursor_is_refused_wherever_it_was_changed(market: World) -> None:
    aged(market, 2)
    cursor = listed(market, "?limit=1").body["data"]["next_cursor"]
    assert listed(market, f"?cursor={cursor}").status == 200
    forged = [_with_another(cursor, at) for at in range(len(cursor))]
    forged += [cursor[:-1], cursor + "A", cursor + "=", cursor + "\n", " " + cursor, cursor * 2]
    forged += ["", "abc", "null", "ä", "\0", "%", "A" * 10_000, "[]"]

    answers = {each: listed(market, f"?cursor={quote(each)}") for each in forged}

    assert answers == dict.fromkeys(forged, list_answer(400, INVALID_CURSOR))


# ------------------------------------------------------------------- the buyer's view


def test_the_buyers_dashboard_counts_keys(market: World) -> None:
    """One that has expired is still not revoked."""
    expired, revoked = issued(market, expires_at="2026-04-05T10:00:01Z"), issued(market)
    market.new_key("rival", [Scope.USAGE_READ])
    revoke(market, revoked["api_key_id"])
    revoke(market, revoked["api_key_id"])
    market.wait(minutes=1)
    assert not enters(market, expired["key"])

    # Those two and the administrator's.
    counts = {"api_key_count": 3, "active_api_key_count": 2}
    assert market.get(DOOR, "acme", Scope.ADMIN) == counts
