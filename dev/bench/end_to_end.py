"""Mixed events over HTTP, until every dashboard of the deployed stack shows all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import Any

from dev.bench import samples
from dev.bench.figures import Figure
from dev.bench.samples import Event
from dev.stack import LocalStack
from ops.errors import OpsError
from tally.access.first_keys import FirstKeys
from tally.aws.table import Table
from tally.counting.markers import digests
from tally.counting.recount import recount
from tally.intake.cloudevents import MAX_EVENTS

PART = "Mixed events over HTTP"
EVENTS = 5_000
TENANTS = tuple(f"market-{n}" for n in range(5))
_CLIENTS = 4
_PATIENCE_S = 120


def measure(stack: LocalStack, first_keys: FirstKeys) -> Iterator[Figure]:
    """Post from several clients at once, wait for the dashboards, recount."""
    keys = {tenant_id: _provider(stack, tenant_id, first_keys.admin_key) for tenant_id in TENANTS}
    of_clients = [
        samples.mix([(tenant_id, f"{tenant_id}-{n}") for tenant_id in TENANTS], EVENTS // _CLIENTS)
        for n in range(_CLIENTS)
    ]
    expected = samples.dashboards(event for events in of_clients for event in events)

    begun = time.monotonic()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        sent = clients.map(lambda events: _send(stack, first_keys.events_key, events), of_clients)
        accepted = sum(sent)
    until_accepted = time.monotonic() - begun
    for tenant_id, key in keys.items():
        _wait(stack, key, expected[tenant_id], begun + _PATIENCE_S)
    until_counted = time.monotonic() - begun

    table = Table(stack.client("dynamodb"), stack.table_name)
    drifts = [drift for tenant_id in TENANTS for drift in recount(table, tenant_id, pause_s=1)]
    yield Figure(PART, "sent", EVENTS, "events")
    yield Figure(PART, "accepted", accepted, "events")
    yield Figure(PART, "sent but not accepted", EVENTS - accepted, "events", 0)
    yield Figure(PART, "counted", _marked(table), "changes")
    yield Figure(PART, "counters that a recount finds wrong", len(drifts), "fields", 0)
    yield Figure(PART, "until all are accepted", until_accepted, "seconds")
    yield Figure(PART, "until all are counted", until_counted, "seconds")
    yield Figure(PART, "accepted and counted", EVENTS / until_counted, "events per second")


def _provider(stack: LocalStack, tenant_id: str, admin_key: str) -> str:
    """A new tenant's key for its dashboard."""
    tenant = {"tenant_id": tenant_id, "display_name": tenant_id}
    request_data(stack, "POST", "/v1/admin/tenants", admin_key, tenant)
    wanted = {"name": "bench", "scopes": ["usage:read"]}
    path = f"/v1/admin/tenants/{tenant_id}/api-keys"
    return str(request_data(stack, "POST", path, admin_key, wanted)["key"])


def _send(stack: LocalStack, key: str, events: Sequence[Event]) -> int:
    """How many were accepted."""
    return sum(
        request_data(stack, "POST", "/v1/events", key, batch)["accepted"]
        for batch in batched(events, MAX_EVENTS, strict=False)
    )


def _wait(stack: LocalStack, key: str, expected: Mapping[str, int], deadline: float) -> None:
    while True:
        told = request_data(stack, "GET", "/v1/provider/dashboard", key)
        if told == {field: expected.get(field, 0) for field in told}:
            return
        if time.monotonic() > deadline:
            raise OpsError(f"Not counted in time: {told} is not {dict(expected)}.")
        time.sleep(0.1)


def _marked(table: Table) -> int:
    """The changes that were counted, as the pages of markers tell."""
    pages = table.client.get_paginator("scan").paginate(
        TableName=table.name,
        FilterExpression="attribute_exists(seen)",
        ProjectionExpression="seen",
    )
    items = (item for page in pages for item in page["Items"])
    return sum(len(list(digests(item["seen"]["B"]))) for item in items)


def request_data(stack: LocalStack, method: str, path: str, key: str, body: object = None) -> Any:
    answer = stack.request(method, path, headers={"X-API-Key": key}, json=body)
    if answer.status >= 300:
        raise OpsError(f"{method} {path} answered {answer.status}: {answer.body.decode()}")
    return answer.json()["data"]
