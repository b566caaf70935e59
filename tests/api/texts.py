"""Query texts, as tests store, erase and look for them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dev.gateway import Answer
from tally.access.items import tenant_key
from tally.access.model.scopes import Scope
from tally.activity.items import key_of_search, search_attributes
from tally.activity.model import SearchActivity
from tests import builders
from tests.api.activity import INVOICES, SEARCHES, dataset, page
from tests.builders import happen
from tests.world import World

ERASE = f"{SEARCHES}/query-texts"


def market(world: World) -> World:
    """acme and rival buy what is north's."""
    builders.market(world, "acme", "rival", "north")
    happen(world, dataset("created", INVOICES, name="AP Invoices 2025"))
    return world


def erase(world: World, before: str, tenant_id: str = "acme") -> Answer:
    key = world.key(tenant_id, Scope.KEYS_WRITE)
    return world.request("DELETE", f"{ERASE}?{urlencode({'before': before})}", key=key)


def texts(world: World, tenant_id: str = "acme") -> dict[str, str | None]:
    """Search id -> text, as the list shows it."""
    found = page(world, f"{SEARCHES}?limit=100", tenant_id)["searches"]
    return {each["search_activity_id"]: each["query_text"] for each in found}


def holding(world: World, text: str) -> list[str]:
    """The keys of the items that hold a text, however they do."""
    found = [item for item in world.items() if text in str(item)]
    return [f"{item['PK']['S']} / {item['SK']['S']}" for item in found]


def keep_for(world: World, days: int, tenant_id: str = "acme") -> None:
    key = tenant_key(tenant_id)
    change = world.table.update(key, "SET query_text_retention_days = :days", days=days)
    world.table.transact([change])


def put_from_before(world: World, search_id: str, at: str, text: str) -> SearchActivity:
    """A search as it was stored when its text was still with it. It is counted by `deliver`."""
    search = SearchActivity(
        tenant_id="acme",
        search_activity_id=search_id,
        query_text=text,
        dataset_ids=(INVOICES,),
        result_count=1,
        amount=1,
        currency="USD",
        occurred_at=at,
        entry_id=f"{len(search_id)}-{search_id}",
    )
    stored: dict[str, Any] = {**search_attributes(search), "query_text": text}
    world.table.transact([world.table.put_new(key_of_search(search), stored)])
    return search
