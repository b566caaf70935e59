"""A buyer's activity: what happens, and the two lists that show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dev.gateway import Answer
from tally.access.model.scopes import Scope
from tests.builders import event, happen, told
from tests.world import World

SEARCHES = "/v1/agent/activity/searches"
ACCESSES = "/v1/agent/activity/accesses"
# Path -> the name of the list, what it sorts by, and what an item of it is known by.
LISTS = {
    SEARCHES: ("searches", "occurred_at", "search_activity_id"),
    ACCESSES: ("accesses", "last_accessed_at", "dataset_id"),
}
each_list = pytest.mark.parametrize("url", LISTS)


INVOICES, CONTRACTS = "dset_a1b2c3d4e5f6", "dset_g7h8i9j0k1l2"


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
