"""A buyer reads its searches while more of them arrive, on the real stream and index."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import batched, count
from threading import Event
from typing import Any

from tests.builders import told
from tests.stack.client import Client, eventually

SEARCHES = "/v1/agent/activity/searches"
FIRST = 1000


def search_of(buyer_id: str, dataset_id: str, name: str, time: str) -> dict[str, Any]:
    return told(
        "search.performed",
        time,
        id=f"{buyer_id}-{name}",
        tenant_id=buyer_id,
        search_activity_id=name,
        dataset_ids=[dataset_id],
        charged_amount="0.000001",
    )


def test_a_walk_meets_each_search_once_whatever_arrives(client: Client) -> None:
    provider_id, _ = client.tenant()
    buyer_id, key = client.tenant()
    dataset_id = f"{provider_id}-d1"
    created = told("dataset.created", id=dataset_id, tenant_id=provider_id, dataset_id=dataset_id)
    search = partial(search_of, buyer_id, dataset_id)

    def send(*events: dict[str, Any]) -> None:
        sent = client.call("POST", "/v1/events", client.keys.events_key, list(events))
        assert sent["accepted"] == len(events), sent

    send(created)
    first = [search(f"first-{n}", f"2026-04-05T09:{n // 60:02}:{n % 60:02}Z") for n in range(FIRST)]
    for batch in batched(first, 100, strict=True):
        send(*batch)
    walked = Event()

    def arrive() -> int:
        """Until the walk is over: newer searches, older ones, and some amidst; how many."""
        for n in count():
            if walked.is_set():
                return 3 * n
            send(
                search(f"newer-{n}", "2026-04-05T10:00:00Z"),
                search(f"amidst-{n}", f"2026-04-05T09:{n % 16:02}:30.5Z"),
                search(f"older-{n}", "2026-04-05T08:00:00Z"),
            )
        raise AssertionError  # count() has no end

    with ThreadPoolExecutor(1) as rival:
        arriving = rival.submit(arrive)
        try:
            pages = list(walk(client, key))
        finally:
            walked.set()
        arrived = arriving.result()

    seen = [search["search_activity_id"] for page in pages for search in page]
    of_the_first = [each for each in seen if each.startswith("first-")]
    assert of_the_first == [f"first-{n}" for n in reversed(range(FIRST))]
    assert len(seen) == len(set(seen))
    assert {len(page) for page in pages[:-1]} == {50}
    times = [search["occurred_at"] for page in pages for search in page]
    assert times == sorted(times, reverse=True)
    assert arrived > 0
    eventually(lambda: client.call("GET", f"{SEARCHES}?limit=1", key)["total"], FIRST + arrived)


def walk(client: Client, key: str) -> Iterator[list[dict[str, Any]]]:
    page = client.call("GET", f"{SEARCHES}?limit=50", key)
    yield page["searches"]
    while cursor := page["next_cursor"]:
        page = client.call("GET", f"{SEARCHES}?limit=50&cursor={cursor}", key)
        yield page["searches"]
