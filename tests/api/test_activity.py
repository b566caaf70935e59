"""GET /v1/agent/activity/...: a buyer's searches, and the datasets that it accessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from tally.domain.activity import SearchActivity
from tally.domain.counting import AccessTotals, BuyerTotals
from tally.domain.scopes import Scope
from tally.http.cursors import Cursors
from tally.store import keys
from tally.store.activity import count_accesses
from tally.store.ledger import search_attributes, search_key
from tests.api.answers import INVALID_CURSOR, answer, invalid, success
from tests.api.posting import told
from tests.world import Answer, World, event

SEARCHES = "/v1/agent/activity/searches"
ACCESSES = "/v1/agent/activity/accesses"
# Path -> the name of the list, what it sorts by, and what an item of it is known by.
LISTS = {
    SEARCHES: ("searches", "occurred_at", "search_activity_id"),
    ACCESSES: ("accesses", "last_accessed_at", "dataset_id"),
}
each_list = pytest.mark.parametrize("url", LISTS)

INVOICES, CONTRACTS = "dset_a1b2c3d4e5f6", "dset_g7h8i9j0k1l2"


@pytest.fixture
def market(world: World) -> World:
    """acme and rival buy what is north's: invoices and contracts."""
    for tenant_id in ("acme", "rival", "north"):
        world.tenant(tenant_id)
    happen(
        world,
        dataset("created", INVOICES, name="AP Invoices 2025"),
        dataset("created", CONTRACTS, name="Legal Contracts Archive"),
    )
    return world


def happen(world: World, *events: Mapping[str, Any]) -> None:
    """The events are accepted and counted."""
    answered = world.send(*events)
    assert answered.status == 202, answered
    world.deliver()


def dataset(
    kind: str, dataset_id: str, time: str = "2026-01-01T00:00:00Z", **data: Any
) -> dict[str, Any]:
    return event(f"dataset.{kind}", time, tenant_id="north", dataset_id=dataset_id, **data)


def search(search_activity_id: str, time: str, **data: Any) -> dict[str, Any]:
    defaults = {"dataset_ids": [INVOICES], "charged_amount": "0.000001"}
    return told(
        "search.performed", time, search_activity_id=search_activity_id, **(defaults | data)
    )


def access(dataset_id: str, time: str, **data: Any) -> dict[str, Any]:
    return told("dataset.accessed", time, dataset_id=dataset_id, **data)


def look(world: World, url: str, tenant_id: str = "acme") -> Answer:
    return world.request("GET", url, key=world.key(tenant_id, Scope.USAGE_READ))


def page(world: World, url: str, tenant_id: str = "acme") -> dict[str, Any]:
    data: dict[str, Any] = world.get(url, tenant_id, Scope.USAGE_READ)
    return data


def walk(
    world: World, url: str, limit: int, between: Callable[[], None] = lambda: None
) -> list[dict[str, Any]]:
    """All pages; `between` happens after each."""
    pages = [page(world, f"{url}?limit={limit}")]
    while cursor := pages[-1]["next_cursor"]:
        between()
        pages.append(page(world, f"{url}?limit={limit}&cursor={cursor}"))
    return pages


def met(url: str, pages: list[dict[str, Any]]) -> list[str]:
    """What the items of these pages are known by, in order."""
    name, _, known_by = LISTS[url]
    return [item[known_by] for each in pages for item in each[name]]


# ------------------------------------------------------------------- the reference's


def test_the_references_searches(market: World) -> None:
    first = search(
        "sa_m7n8o9p0q1r2",
        "2026-04-05T09:15:00Z",
        query_text="quarterly financial report 2025",
        result_count=8,
        charged_amount=0.24,
    )
    second = search(
        "sa_a1b2c3d4e5f6",
        "2026-04-05T09:30:00Z",
        query_text="invoice showing VAT dispute with Acme in March",
        dataset_ids=[INVOICES, CONTRACTS],
        result_count=15,
        charged_amount="0.450",
    )
    happen(market, second, first)

    answered = look(market, SEARCHES)

    reference = {
        "searches": [
            {
                "search_activity_id": "sa_a1b2c3d4e5f6",
                "query_text": "invoice showing VAT dispute with Acme in March",
                "dataset_ids": [INVOICES, CONTRACTS],
                "result_count": 15,
                "charged_amount": Decimal("0.45"),
                "currency": "USD",
                "occurred_at": "2026-04-05T09:30:00Z",
            },
            {
                "search_activity_id": "sa_m7n8o9p0q1r2",
                "query_text": "quarterly financial report 2025",
                "dataset_ids": [INVOICES],
                "result_count": 8,
                "charged_amount": Decimal("0.24"),
                "currency": "USD",
                "occurred_at": "2026-04-05T09:15:00Z",
            },
        ],
        "total": 2,
        "next_cursor": None,
    }
    assert answered == answer(200, success(reference))
    assert '"charged_amount": 0.45, ' in answered.text
    assert '"charged_amount": 0.24, ' in answered.text


def test_the_references_accesses(market: World) -> None:
    """The counters say so, whatever is in the table."""
    table, dataset_count = market.table, {"accessed_datasets": 2}
    counted = {
        INVOICES: (47, "2026-04-05T09:30:00.000000000Z"),
        CONTRACTS: (12, "2026-04-04T16:45:00.000000000Z"),
    }
    rows = [
        count_accesses(table, AccessTotals("acme", dataset_id), accesses, last, None)
        for dataset_id, (accesses, last) in counted.items()
    ]
    table.transact([*rows, table.add(keys.totals(BuyerTotals("acme")), dataset_count)])

    reference = {
        "accesses": [
            {
                "dataset_id": INVOICES,
                "dataset_name": "AP Invoices 2025",
                "access_count": 47,
                "last_accessed_at": "2026-04-05T09:30:00Z",
            },
            {
                "dataset_id": CONTRACTS,
                "dataset_name": "Legal Contracts Archive",
                "access_count": 12,
                "last_accessed_at": "2026-04-04T16:45:00Z",
            },
        ],
        "total": 2,
        "next_cursor": None,
    }
    assert look(market, ACCESSES) == answer(200, success(reference))


@each_list
def test_a_buyer_without_data(url: str, market: World) -> None:
    """A provider is one as well; what others do is not in its list."""
    happen(
        market,
        search("sa_1", "2026-04-05T09:00:00Z", tenant_id="rival"),
        access(INVOICES, "2026-04-05T09:00:00Z", tenant_id="rival"),
    )

    nothing = {LISTS[url][0]: [], "total": 0, "next_cursor": None}
    for tenant_id in ("acme", "north"):
        assert look(market, url, tenant_id) == answer(200, success(nothing))
    assert page(market, url, "rival")["total"] == 1


def test_each_buyer_sees_its_own(market: World) -> None:
    """Even of the same ids, at the same time, of the same dataset."""
    at = "2026-04-05T09:00:00Z"
    happen(
        market,
        search("sa_1", at, query_text="acme's"),
        search("sa_1", at, query_text="rival's", tenant_id="rival"),
        *[access(INVOICES, at) for _ in range(2)],
        access(INVOICES, at, tenant_id="rival"),
    )

    for tenant_id, accesses in (("acme", 2), ("rival", 1)):
        (searched,) = page(market, SEARCHES, tenant_id)["searches"]
        (accessed,) = page(market, ACCESSES, tenant_id)["accesses"]
        assert searched["query_text"] == f"{tenant_id}'s"
        assert accessed["access_count"] == accesses


# ------------------------------------------------------------------------------ pages


def three(world: World) -> None:
    """Three searches, and accesses of three datasets, known by the names in NEWEST_FIRST."""
    times = {each: f"2026-04-05T09:0{n}:00Z" for n, each in enumerate(reversed(NEWEST_FIRST))}
    happen(
        world,
        *[dataset("created", each) for each in times],
        *[search(each, at) for each, at in times.items()],
        *[access(each, at) for each, at in times.items()],
    )


NEWEST_FIRST = ["sa_2", "sa_1", "sa_3"]


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
        assert answered == answer(400, invalid(("limit", detail["message"])))


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
    position = ["2026-04-05T09:01:00.000000000Z", "sa_1"]

    def of(*scope: str, secret: bytes = b"secret", at: list[str] = position) -> str:
        return str(Cursors(secret, scope).write(at))

    (other,) = [each for each in LISTS if each != url]
    wrong = {
        "tenant": of("rival", name, sort),
        "endpoint": of("acme", LISTS[other][0], sort),
        "sort": of("acme", name, LISTS[other][1]),
        "secret": of("acme", name, sort, secret=b"guess"),
        "length": of("acme", name, sort, at=[*position, "x"]),
        "another list's": page(market, f"{other}?limit=1")["next_cursor"],
        "garbled": of("acme", name, sort)[:-1],
        "empty": "",
        "made up": "abc",
    }

    answers = {what: look(market, f"{url}?cursor={cursor}") for what, cursor in wrong.items()}

    own = page(market, f"{url}?limit=1")["next_cursor"]
    assert look(market, f"{url}?cursor={own}").status == 200
    assert look(market, f"{url}?cursor={own}", "rival") == answer(400, INVALID_CURSOR)
    assert answers == dict.fromkeys(wrong, answer(400, INVALID_CURSOR))


# --------------------------------------------------------------------------- searches


def test_a_walk_meets_each_search_once_while_others_arrive(market: World) -> None:
    """Newer ones, which the walk has passed, and late ones, which lie before it."""
    first = [search(f"first-{n}", f"2026-04-05T08:0{n // 2}:00Z") for n in range(5)]
    happen(market, *first)
    (whole,) = walk(market, SEARCHES, 100)
    numbers = count(1)

    def arrive() -> None:
        n = next(numbers)
        happen(
            market,
            search(f"newer-{n}", f"2026-04-05T09:0{n}:00Z"),
            search(f"older-{n}", f"2026-04-01T09:0{n}:00Z"),
        )

    pages = walk(market, SEARCHES, 2, arrive)

    seen = met(SEARCHES, pages)
    assert [each for each in seen if each.startswith("first")] == met(SEARCHES, [whole])
    assert [each for each in seen if each.startswith("newer")] == []
    assert len(seen) == len(set(seen))
    assert [each["total"] for each in pages] == [5 + 2 * n for n in range(len(pages))]


def test_the_longest_page_fits_into_an_answer_of_lambda(market: World) -> None:
    longest = SearchActivity(
        tenant_id="acme",
        search_activity_id="sa_1",
        query_text="🧾" * 10_000,
        dataset_ids=("d" * 64,) * 50,
        result_count=1,
        amount=1,
        currency="USD",
        occurred_at="",
        entry_id="e",
    )
    for n in range(100):
        one = replace(longest, occurred_at=f"2026-04-05T09:30:00.{n:09}Z")
        put = market.table.put_new(search_key(one), search_attributes(one))
        market.table.transact([put])

    answered = look(market, f"{SEARCHES}?limit=100")

    assert len(answered.body["data"]["searches"]) == 100
    assert len(answered.text.encode()) < 6 * 1024 * 1024


def test_searches_of_one_instant_keep_their_order(market: World) -> None:
    """Even when told apart only by nanoseconds, which are not shown."""
    at = "2026-04-05T09:00:00"
    happen(market, *[search(f"tied-{n}", f"{at}Z") for n in range(4)])
    happen(market, search("after", f"{at}.000000001Z"), search("before", "2026-04-05T08:59:59Z"))

    (whole,) = walk(market, SEARCHES, 100)

    ordered = met(SEARCHES, [whole])
    assert (ordered[0], ordered[-1]) == ("after", "before")
    assert {item["occurred_at"] for item in whole["searches"][:-1]} == {f"{at}Z"}
    assert set(ordered[1:-1]) == {f"tied-{n}" for n in range(4)}
    for limit in (1, 2, 3, 4):
        assert met(SEARCHES, walk(market, SEARCHES, limit)) == ordered


def test_a_search_gets_an_id_if_it_brings_none(market: World) -> None:
    nameless = [told("search.performed", dataset_ids=[INVOICES]) for _ in range(2)]
    happen(market, *nameless)

    ids = met(SEARCHES, [page(market, SEARCHES)])

    assert len(set(ids)) == 2
    assert all(each.startswith("sa_") and len(each) == 15 for each in ids)
    assert market.send(*nameless).body["data"]["duplicates"] == 2
    assert met(SEARCHES, [page(market, SEARCHES)]) == ids


def test_a_refund_leaves_the_search_as_it_was(market: World) -> None:
    searched = search("sa_1", "2026-04-05T09:00:00Z", charged_amount="0.45")
    happen(market, searched)
    before = page(market, SEARCHES)

    named = {"source": searched["source"], "id": searched["id"]}
    happen(market, told("charge.refunded", charge_event=named, amount="0.45"))

    assert page(market, SEARCHES) == before


# --------------------------------------------------------------------------- accesses


def test_a_dataset_is_shown_by_its_present_name(market: World) -> None:
    happen(
        market,
        access(INVOICES, "2026-04-02T00:00:00Z"),
        access(CONTRACTS, "2026-04-01T00:00:00Z"),
        dataset("updated", INVOICES, "2026-04-04T00:00:00Z", name="Rechnungen für März"),
        dataset("updated", INVOICES, "2026-04-03T00:00:00Z", name="Late news"),
        dataset("deleted", CONTRACTS, "2026-04-03T00:00:00Z"),
    )

    shown = page(market, ACCESSES)

    names = [item["dataset_name"] for item in shown["accesses"]]
    assert names == ["Rechnungen für März", "Legal Contracts Archive"]
    assert shown["total"] == 2


def test_late_accesses_count_and_do_not_turn_time_back(market: World) -> None:
    happen(market, access(CONTRACTS, "2026-04-03T00:00:00Z"))
    happen(market, access(INVOICES, "2026-04-02T00:00:00Z"))
    happen(market, access(CONTRACTS, "2026-04-01T00:00:00Z"))

    assert rows(market) == {
        CONTRACTS: (2, "2026-04-03T00:00:00Z"),
        INVOICES: (1, "2026-04-02T00:00:00Z"),
    }

    happen(
        market, access(INVOICES, "2026-04-03T00:00:00.5Z"), access(INVOICES, "2020-01-01T00:00:00Z")
    )

    assert list(rows(market).items()) == [
        (INVOICES, (3, "2026-04-03T00:00:00Z")),
        (CONTRACTS, (2, "2026-04-03T00:00:00Z")),
    ]
    assert page(market, ACCESSES)["total"] == 2


def rows(world: World) -> dict[str, tuple[int, str]]:
    """Dataset -> how often and when it was accessed, in the order of the list."""
    return {
        row["dataset_id"]: (row["access_count"], row["last_accessed_at"])
        for row in page(world, ACCESSES)["accesses"]
    }


def test_datasets_accessed_at_one_instant_keep_their_order(market: World) -> None:
    at = "2026-04-05T09:00:00Z"
    many = [f"dset_{n}" for n in range(4)]
    happen(market, *[dataset("created", each) for each in many])
    happen(market, *[access(each, at) for each in (*many, INVOICES)])

    (whole,) = walk(market, ACCESSES, 100)

    assert sorted(met(ACCESSES, [whole])) == sorted((*many, INVOICES))
    for limit in (1, 2, 3):
        assert walk(market, ACCESSES, limit)[-1]["total"] == 5
        assert met(ACCESSES, walk(market, ACCESSES, limit)) == met(ACCESSES, [whole])


def test_a_walk_meets_each_dataset_once_at_most_while_accesses_arrive(market: World) -> None:
    """One that is accessed anew moves to the top, which the walk has passed: it may be missed."""
    three(market)

    def arrive() -> None:
        happen(
            market,
            access("sa_3", "2026-04-05T09:59:00Z"),
            access("sa_1", "2026-04-05T08:00:00Z"),
            access(CONTRACTS, "2026-04-05T09:58:00Z"),
        )

    pages = walk(market, ACCESSES, 1, arrive)

    assert met(ACCESSES, pages) == ["sa_2", "sa_1"]
    assert [each["total"] for each in pages] == [3, 4]


# ------------------------------------------------------------------------------- cost


@contextmanager
def calls_of(world: World) -> Iterator[list[str]]:
    calls: list[str] = []
    with world.on_call(calls.append):
        yield calls


@pytest.mark.parametrize(
    ("url", "expected"), [(SEARCHES, ["Query", "GetItem"]), (ACCESSES, ["Query", "BatchGetItem"])]
)
def test_a_page_costs_two_calls(url: str, expected: list[str], market: World) -> None:
    """And one for the key, of which a warm function knows already."""
    three(market)
    market.warm = True
    page(market, url)

    with calls_of(market) as calls:
        assert len(met(url, [page(market, f"{url}?limit=2")])) == 2

    assert calls == expected
