"""Events that come over the bus, through the rule, the queues and the function as deployed."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import pytest

from dev.own_stack import DeployedStack
from ops.deployment import Deployment
from ops.events import list_rejected, replay_rejected
from tally.aws.table import Table
from tally.intake.rejected import held
from tests.builders import event
from tests.stack.client import Client, eventually


def publish(stack: DeployedStack, *events: Mapping[str, Any]) -> None:
    entries = [
        {
            "EventBusName": stack.outputs["EventBusName"],
            "Source": each["source"],
            "DetailType": each["type"],
            "Detail": json.dumps({k: v for k, v in each.items() if k not in ("source", "type")}),
        }
        for each in events
    ]
    assert stack.client("events").put_events(Entries=entries)["FailedEntryCount"] == 0


@pytest.fixture
def deployed(client: Client) -> Deployment:
    stack = client.stack
    table = Table(stack.client("dynamodb"), stack.table_name)
    return Deployment(table, dict(stack.outputs), stack.client("s3"), stack.client("sqs"))


def test_events_of_the_bus_are_counted_once_and_late_ones_too(client: Client) -> None:
    tenant_id, key = client.tenant()
    about = {"tenant_id": tenant_id, "dataset_id": f"{tenant_id}-d1"}
    created = event("dataset.created", id=f"{tenant_id}-created", **about)
    early, other = (
        event("object.uploaded", id=f"{tenant_id}-{n}", **about, object_id=f"o{n}", size_bytes=n)
        for n in (1, 2)
    )

    publish(client.stack, early)
    publish(client.stack, created, created)
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key)["total_datasets"], 1)
    publish(client.stack, other, created)
    again = client.call("POST", "/v1/events", client.keys.events_key, created)

    assert again["duplicates"] == 1
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key)["total_objects"], 2)
    assert client.call("GET", "/v1/provider/dashboard", key)["total_storage_bytes"] == 3


def test_a_rejected_event_is_listed_and_can_be_replayed(
    client: Client, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant_id, _ = client.tenant()
    wrong = event("dataset.created", id=f"{tenant_id}-bad", tenant_id=tenant_id, name="")
    url = deployed.outputs["RejectedEventsQueueUrl"]

    def rejected() -> list[str | None]:
        with held(deployed.sqs, url) as found:
            return [each.event_id for each in found.values()]

    publish(client.stack, wrong)
    eventually(rejected, [wrong["id"]])
    capsys.readouterr()

    assert list_rejected(deployed, Namespace()) == 0
    assert capsys.readouterr().out.startswith(
        f"/marketplace {wrong['id']}\n"
        "  reason  invalid_event: data.name: must have 1 or more characters\n"
    )
    assert replay_rejected(deployed, Namespace(code="unknown_tenant")) == 0
    assert replay_rejected(deployed, Namespace(code="invalid_event")) == 0
    assert capsys.readouterr().out == (
        "0 rejected events sent again\n1 rejected events sent again\n"
    )
    eventually(rejected, [wrong["id"]])
    deployed.sqs.purge_queue(QueueUrl=url)
