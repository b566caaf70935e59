"""POST /v1/events: a `search_activity_id` names one search of its buyer."""

from __future__ import annotations

from typing import Any

import pytest

from tally.activity.items import search_id_key
from tests import builders
from tests.api.activity import INVOICES, SEARCHES, dataset, met, page, search
from tests.api.answers import accepted, duplicate, ingested, rejected
from tests.builders import happen, told
from tests.faults import FaultyClient, rival
from tests.store.payouts import faulty, post
from tests.world import World

AT, LATER = "2026-04-05T09:00:00Z", "2026-04-05T09:30:00Z"


@pytest.fixture
def market(world: World) -> World:
    """acme and rival buy what is north's."""
    builders.market(world, "acme", "rival", "north")
    happen(world, dataset("created", INVOICES))
    return world


@pytest.fixture
def client(market: World) -> FaultyClient:
    return faulty(market)


def used(event: dict[str, Any], search_id: str = "sa_1") -> dict[str, Any]:
    message = (
        f"data.search_activity_id: another search of this tenant has the id {search_id}; "
        "give each search an id of its own."
    )
    return rejected(event, "already_used", message)


def listed(world: World, tenant_id: str = "acme") -> list[str]:
    world.deliver()
    return met(SEARCHES, [page(world, SEARCHES, tenant_id)])


@pytest.mark.parametrize("time", [AT, LATER])
@pytest.mark.parametrize("backfill", [False, True])
def test_another_search_cannot_use_an_id_again(
    time: str,
    backfill: bool,  # noqa: FBT001  pytest gives it by name
    market: World,
) -> None:
    first, second = search("sa_1", AT), search("sa_1", time)
    send = market.import_history if backfill else market.send
    assert send(first) == ingested(202, accepted(first))

    with market.unchanged():
        assert send(second) == ingested(422, used(second))
    assert listed(market) == ["sa_1"]
    renamed = second | {"data": second["data"] | {"search_activity_id": "sa_2"}}
    assert send(renamed) == ingested(202, accepted(renamed))
    assert sorted(listed(market)) == ["sa_1", "sa_2"]


def test_of_two_in_one_request_the_first_has_the_id(market: World) -> None:
    first, second, third = search("sa_1", LATER), search("sa_1", AT), search("sa_3", AT)

    answered = market.send(first, second, third)

    assert answered == ingested(207, accepted(first), used(second), accepted(third))


def test_a_search_that_comes_again_is_a_duplicate(market: World) -> None:
    sent = search("sa_1", AT)
    nameless = told("search.performed", AT, dataset_ids=[INVOICES])
    assert market.send(sent, nameless, sent).status == 202

    with market.unchanged():
        again = market.send(nameless, sent)

    assert again == ingested(202, duplicate(nameless), duplicate(sent))


def test_each_buyer_has_ids_of_its_own(market: World) -> None:
    ours, theirs = search("sa_1", AT), search("sa_1", AT, tenant_id="rival")

    assert market.send(ours, theirs) == ingested(202, accepted(ours), accepted(theirs))
    assert (listed(market), listed(market, "rival")) == (["sa_1"], ["sa_1"])


def test_nobody_else_gives_ids_like_those_that_tally_makes(market: World) -> None:
    """Whoever reads the list and sends a search again under a new event id hears of it."""
    nameless = told("search.performed", AT, dataset_ids=[INVOICES])
    assert market.send(nameless).status == 202
    (made,) = listed(market)

    again = search(made, LATER)

    message = (
        "data.search_activity_id: must not be sa_ and 24 hex digits: Tally makes such ids itself"
    )
    assert market.send(again) == ingested(422, rejected(again, "invalid_event", message))


def test_a_rejected_search_uses_no_id(market: World) -> None:
    refused, good = search("sa_1", AT, currency="EUR"), search("sa_1", AT)

    assert market.send(refused).body["data"]["rejected"] == 1
    assert market.send(good) == ingested(202, accepted(good))


def test_of_two_at_once_one_has_the_id(market: World, client: FaultyClient) -> None:
    first, second = search("sa_1", AT), search("sa_1", LATER)
    market.send(first | {"type": "none"})  # makes the key
    client.after(0, rival(lambda: post(market, first)))

    assert market.send(second) == ingested(422, used(second))
    assert market.send(first) == ingested(202, duplicate(first))
    assert listed(market) == ["sa_1"]


def test_a_search_from_before_ids_were_kept_is_still_a_duplicate(market: World) -> None:
    sent = search("sa_1", AT)
    assert market.send(sent).status == 202
    market.table.transact([market.table.delete(search_id_key("acme", "sa_1"))])

    with market.unchanged():
        assert market.send(sent) == ingested(202, duplicate(sent))


@pytest.mark.slow
def test_a_search_of_as_many_providers_as_may_be_imported_fits(world: World) -> None:
    """Each has a credit and a month in the transaction, beside the mark, the search with its id and
    its text, and the debit."""
    providers = [f"p{n}" for n in range(47)]
    builders.market(world, "acme", **{name: [f"d_{name}"] for name in providers})
    sent = told(
        "search.performed",
        "2026-01-05T09:00:00Z",
        search_activity_id="sa_1",
        dataset_ids=[f"d_{name}" for name in providers],
        charged_amount="47",
    )

    assert world.import_history(sent) == ingested(202, accepted(sent))
