"""Exactly once, through the real stream: many clients, duplicates, and workers that are killed."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dev.own_stack import DeployedStack
from tally.aws.items import to_item
from tally.aws.table import Table
from tally.catalog.items import object_key
from tally.counting.items import shared_markers_key
from tally.counting.parking import list_parked
from tally.counting.recount import recount
from tests.builders import event
from tests.histories import DATASETS, Event, dashboard, histories
from tests.stack.client import Client, eventually

FIELDS = {
    "datasets": "total_datasets",
    "objects": "total_objects",
    "bytes": "total_storage_bytes",
    "pending_review": "objects_pending_review",
    "approved": "objects_approved",
    "rejected": "objects_rejected",
}


def table_of(stack: DeployedStack) -> Table:
    return Table(stack.client("dynamodb"), stack.table_name)


def of_tenant(history: Sequence[Event], tenant_id: str) -> list[Event]:
    """The same history in datasets of this tenant's own."""
    renamed = copy.deepcopy(list(history))
    for each in renamed:
        each["source"] = f"/{tenant_id}"
        each["data"]["tenant_id"] = tenant_id
        each["data"]["dataset_id"] = f"{tenant_id}-{each['data']['dataset_id']}"
    return renamed


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],  # the stream's timing does not repeat, so nothing can be shrunk
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(history=histories(most=120), seed=st.integers(0, 2**32))
def test_counters_equal_the_rules_and_a_recount(
    client: Client, history: list[Event], seed: int
) -> None:
    random = Random(seed)
    tenant_id, key = client.tenant()
    sent = of_tenant(history, tenant_id)
    created, rest = sent[: len(DATASETS)], sent[len(DATASETS) :]
    client.call("POST", "/v1/events", client.keys.events_key, created)
    twice = rest + random.sample(rest, len(rest) // 5)
    random.shuffle(twice)
    with ThreadPoolExecutor(4) as clients:
        answers = clients.map(lambda batch: post(client, batch), batched(twice, 7, strict=False))
        for _ in range(3):
            time.sleep(random.random() / 5)
            client.stack.kill_workers("CountFunction")
        accepted = {event_id for answer in answers for event_id in answer}

    truth = dashboard([e for e in history if e["id"] in accepted or e in history[: len(DATASETS)]])
    expected = {FIELDS[field]: truth[field] for field in FIELDS}
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key), expected)
    assert recount(table_of(client.stack), tenant_id, pause_s=0.5) == []


def test_a_worker_killed_in_the_middle_of_a_batch_neither_loses_nor_doubles(
    client: Client,
) -> None:
    tenant_id, key = client.tenant()
    dataset_id = f"{tenant_id}-d1"
    about = {"tenant_id": tenant_id, "dataset_id": dataset_id}
    created = event("dataset.created", id=f"{tenant_id}-created", **about)
    client.call("POST", "/v1/events", client.keys.events_key, created)
    for n in range(5):
        uploads = [
            event(
                "object.uploaded",
                id=f"{tenant_id}-{n}-{m}",
                **about,
                object_id=f"obj_{n}_{m}",
                size_bytes=1,
            )
            for m in range(50)
        ]
        client.call("POST", "/v1/events", client.keys.events_key, uploads)
        # A worker may be on its way up: the batch waits for it, and so does its end.
        eventually(lambda: client.stack.kill_workers("CountFunction") > 0, True)
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key)["total_objects"], 250)
    table = table_of(client.stack)
    assert recount(table, tenant_id, pause_s=0.5) == []
    shared = table.get(shared_markers_key()) or {}
    assert shared["since"] == 0  # as changes of a new table do from the start


def post(client: Client, batch: Sequence[Event]) -> list[str]:
    """The ids of those that are in the books by now."""
    headers = {"X-API-Key": client.keys.events_key}
    while True:
        answer = client.stack.request("POST", "/v1/events", headers=headers, json=list(batch))
        if answer.status != 503:
            break
        time.sleep(0.2)
    assert answer.status in (202, 207, 422), answer.body
    results: list[dict[str, Any]] = answer.json()["data"]["results"]
    return [result["id"] for result in results if result["status"] != "rejected"]


def test_a_poison_record_is_parked_and_the_rest_is_counted(client: Client) -> None:
    tenant_id, key = client.tenant()
    table = table_of(client.stack)
    strange = object_key(f"{tenant_id}-d1", "strange")
    table.client.put_item(TableName=table.name, Item=to_item(strange, {"tenant_id": tenant_id}))
    created = of_tenant(
        [
            {
                "specversion": "1.0",
                "id": "created",
                "type": "dataset.created",
                "time": "2026-04-05T09:00:00Z",
                "data": {"dataset_id": "d1", "name": "One"},
            }
        ],
        tenant_id,
    )
    client.call("POST", "/v1/events", client.keys.events_key, created)
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key)["total_datasets"], 1)

    def parked() -> list[str]:
        return [p.reason for p in list_parked(table) if tenant_id in p.item_key]

    eventually(parked, ["unreadable image: KeyError: 'dataset_id'"])
