"""GET /v1/agent/activity/...: what a buyer's two lists show."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest

from tally.activity.counters import AccessTotals, BuyerTotals
from tally.activity.items import key_of_search, search_attributes
from tally.activity.model import SearchActivity
from tests import builders
from tests.api.activity import (
    ACCESSES,
    CONTRACTS,
    INVOICES,
    LISTS,
    SEARCHES,
    access,
    dataset,
    each_list,
    look,
    met,
    page,
    search,
    three,
    walk,
)
from tests.api.answers import list_answer, success
from tests.builders import happen, told
from tests.world import World


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
    assert answered == list_answer(200, success(reference))
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
        table.put(totals.key, {"accesses": accesses, **totals.texts(last)})
        for totals, (accesses, last) in (
            (AccessTotals("acme", dataset_id), stored) for dataset_id, stored in counted.items()
        )
    ]
    table.transact([*rows, table.add(BuyerTotals("acme").key, dataset_count)])

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
    assert look(market, ACCESSES) == list_answer(200, success(reference))


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
        assert look(market, url, tenant_id) == list_answer(200, success(nothing))
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


@pytest.mark.slow
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
        put = market.table.put_new(key_of_search(one), search_attributes(one))
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
    assert all(each.startswith("sa_") and len(each) == 27 for each in ids)
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
