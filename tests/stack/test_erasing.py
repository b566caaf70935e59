"""A buyer erases what it searched for, on the real stream, queue and roles."""

from __future__ import annotations

from typing import Any

from tally.activity.items import key_of_search, search_attributes
from tally.activity.model import SearchActivity
from tally.aws.table import Table
from tests.builders import told
from tests.stack.client import Client, eventually
from tests.stack.test_activity import SEARCHES

SECRET = "who treats my illness"
SEARCHED = 60


def test_erased_texts_are_deleted_and_nothing_else_is(client: Client) -> None:
    provider_id, _ = client.tenant()
    buyer_id, key = client.tenant()
    dataset_id = f"{provider_id}-d1"
    created = told("dataset.created", id=dataset_id, tenant_id=provider_id, dataset_id=dataset_id)
    searches = [search_of(buyer_id, dataset_id, n) for n in range(SEARCHED)]
    send(client, created, *searches)
    table = Table(client.stack.client("dynamodb"), client.stack.table_name)
    put_from_before(table, buyer_id, dataset_id)
    total = SEARCHED + 1
    eventually(lambda: client.call("GET", f"{SEARCHES}?limit=1", key)["total"], total)

    before = "2026-04-05T09:00:30Z"
    asked = f"{SEARCHES}/query-texts?before={before}"
    assert client.call("DELETE", asked, key) == {"before": before}

    erased = {f"s-{n}" for n in range(30)} | {"from-before"}
    assert {each for each, text in shown(client, key).items() if text is None} == erased
    eventually(lambda: len(holding(table, buyer_id)), SEARCHED - 30)
    again = client.call("POST", "/v1/events", client.keys.events_key, searches)
    assert (again["accepted"], again["duplicates"]) == (0, SEARCHED)
    assert len(holding(table, buyer_id)) == SEARCHED - 30
    assert {each for each, text in shown(client, key).items() if text is None} == erased
    assert client.call("GET", f"{SEARCHES}?limit=1", key)["total"] == total


def search_of(buyer_id: str, dataset_id: str, number: int) -> dict[str, Any]:
    return told(
        "search.performed",
        f"2026-04-05T09:00:{number:02}Z",
        id=f"{buyer_id}-{number}",
        tenant_id=buyer_id,
        search_activity_id=f"s-{number}",
        query_text=SECRET,
        dataset_ids=[dataset_id],
        charged_amount="0.000001",
    )


def put_from_before(table: Table, buyer_id: str, dataset_id: str) -> None:
    """A search as it was stored when its text was still with it."""
    search = SearchActivity(
        tenant_id=buyer_id,
        search_activity_id="from-before",
        query_text=SECRET,
        dataset_ids=(dataset_id,),
        result_count=1,
        amount=0,
        currency="USD",
        occurred_at="2026-04-05T08:00:00.000000000Z",
        entry_id=f"f-{buyer_id}",
    )
    stored = {**search_attributes(search), "query_text": SECRET}
    table.transact([table.put_new(key_of_search(search), stored)])


def send(client: Client, *events: dict[str, Any]) -> None:
    sent = client.call("POST", "/v1/events", client.keys.events_key, list(events))
    assert sent["accepted"] == len(events), sent


def shown(client: Client, key: str) -> dict[str, str | None]:
    found = client.call("GET", f"{SEARCHES}?limit=100", key)["searches"]
    return {each["search_activity_id"]: each["query_text"] for each in found}


def holding(table: Table, buyer_id: str) -> list[str]:
    """The sort keys of the buyer's items that hold the text, whatever they are."""
    pages = table.client.get_paginator("scan").paginate(TableName=table.name)
    return [
        item["SK"]["S"]
        for page in pages
        for item in page["Items"]
        if buyer_id in item["PK"]["S"] and SECRET in str(item)
    ]
