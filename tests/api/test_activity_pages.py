"""GET /v1/agent/activity/...: the pages of a buyer's two lists, and what a page costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tally.http.cursors import Cursors
from tests import builders
from tests.api.activity import (
    CONTRACTS,
    INVOICES,
    LISTS,
    NEWEST_FIRST,
    SEARCHES,
    dataset,
    each_list,
    look,
    met,
    page,
    search,
    three,
    walk,
)
from tests.api.answers import INVALID_CURSOR, invalid, list_answer
from tests.builders import happen
from tests.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def market(world: World) -> World:
    """acme and rival buy what is north's: invoices and contracts."""
    builders.market(world, "acme", "rival", "north")
    happen(
        world,
        dataset("created", INVOICES, name="AP Invoices 2025"),
        dataset("created", CONTRACTS, name="Legal Contracts Archive"),
    )
    return world


# ------------------------------------------------------------------------------ pages


@each_list
def test_pages_are_as_long_as_the_limit(url: str, market: World) -> None:
    three(market)

    for limit, sizes in {1: [1, 1, 1], 2: [2, 1], 3: [3], 4: [3], 100: [3]}.items():
        pages = walk(market, url, limit)
        assert met(url, pages) == NEWEST_FIRST
        assert [len(each[LISTS[url][0]]) for each in pages] == sizes
        assert [each["total"] for each in pages] == [3] * len(pages)


@each_list
def test_limits(url: str, market: World) -> None:
    for limit in ("1", "100", "007"):
        assert look(market, f"{url}?limit={limit}&unknown=x").status == 200
    for limit in (
        "0",
        "101",
        "-1",
        "abc",
        "",
        "1.5",
        "1.0",
        "1_0",
        "%201",
        "1e1",
        "9" * 30,
        "null",
    ):
        answered = look(market, f"{url}?limit={limit}")
        (detail,) = answered.body["error"]["details"]
        assert answered == list_answer(400, invalid(("limit", detail["message"])))


def test_a_page_holds_20_unless_told(market: World) -> None:
    happen(market, *[search(f"sa_{n}", f"2026-04-05T09:{n:02}:00Z") for n in range(21)])

    first = page(market, SEARCHES)

    assert (len(first["searches"]), first["total"]) == (20, 21)
    rest = page(market, f"{SEARCHES}?cursor={first['next_cursor']}")
    assert met(SEARCHES, [first, rest]) == [f"sa_{n}" for n in reversed(range(21))]
    assert rest["next_cursor"] is None


@each_list
def test_a_cursor_is_good_for_its_list_only(url: str, market: World) -> None:
    three(market)
    name, sort, _ = LISTS[url]
    position = ("2026-04-05T09:01:00.000000000Z", "sa_1")

    def of(*scope: str, secret: bytes = b"secret", at: tuple[str, ...] = position) -> str:
        return str(Cursors(lambda _: [secret], scope, tuple).write(at))

    (other,) = [each for each in LISTS if each != url]
    wrong = {
        "tenant": of("rival", name, sort),
        "endpoint": of("acme", LISTS[other][0], sort),
        "sort": of("acme", name, LISTS[other][1]),
        "secret": of("acme", name, sort, secret=b"guess"),
        "length": of("acme", name, sort, at=(*position, "x")),
        "another list's": page(market, f"{other}?limit=1")["next_cursor"],
        "garbled": of("acme", name, sort)[:-1],
        "empty": "",
        "made up": "abc",
    }

    answers = {what: look(market, f"{url}?cursor={cursor}") for what, cursor in wrong.items()}

    own = page(market, f"{url}?limit=1")["next_cursor"]
    assert look(market, f"{url}?cursor={own}").status == 200
    assert look(market, f"{url}?cursor={own}", "rival") == list_answer(400, INVALID_CURSOR)
    assert answers == dict.fromkeys(wrong, list_answer(400, INVALID_CURSOR))


# ------------------------------------------------------------------------------- cost


@contextmanager
def calls_of(world: World) -> Iterator[list[str]]:
    calls: list[str] = []
    with world.on_call(calls.append):
        yield calls


@each_list
def test_a_page_costs_two_calls(url: str, market: World) -> None:
    """And one for the key, of which a warm function knows already."""
    three(market)
    market.warm = True
    page(market, url)

    with calls_of(market) as calls:
        assert len(met(url, [page(market, f"{url}?limit=2")])) == 2

    assert calls == ["Query", "BatchGetItem"]
