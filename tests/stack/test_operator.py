"""What an operator does: batches that the stream gave up on, recounts, parked records."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

import pytest

from ops import cli
from ops.counters import recount_tenants, replay_failed
from ops.deployment import Deployment
from tally.aws.table import Table
from tests.builders import event
from tests.stack.client import Client, eventually


@pytest.fixture
def deployed(client: Client) -> Deployment:
    stack = client.stack
    table = Table(stack.client("dynamodb"), stack.table_name)
    return Deployment(table, dict(stack.outputs), stack.client("s3"), stack.client("sqs"))


def test_a_batch_that_lambda_gave_up_on_is_counted_once(
    client: Client, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant_id, key = client.tenant()
    dataset_id = f"{tenant_id}-d1"
    created = event(
        "dataset.created", id=tenant_id, tenant_id=tenant_id, dataset_id=dataset_id, name="One"
    )
    client.call("POST", "/v1/events", client.keys.events_key, created)
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key)["total_datasets"], 1)
    lost = {
        "eventID": f"lost-{tenant_id}",
        "dynamodb": {"NewImage": an_upload(tenant_id, dataset_id)},
    }
    for name in ("first", "again"):
        deployed.s3.put_object(
            Bucket=deployed.outputs["FailedBatchesBucket"],
            Key=f"aws/lambda/{name}",
            # As Lambda writes it: the whole event as text, beside what went wrong.
            Body=json.dumps(
                {
                    "requestContext": {"condition": "RetryAttemptsExhausted"},
                    "payload": json.dumps({"Records": [lost]}),
                }
            ).encode(),
        )
    assert replay_failed(deployed, Namespace()) == 0
    assert capsys.readouterr().out == (
        "aws/lambda/again: counted 1, already counted 0, parked 0\n"
        "aws/lambda/first: counted 0, already counted 1, parked 0\n"
        "2 failed batches replayed\n"
    )
    assert client.call("GET", "/v1/provider/dashboard", key)["total_storage_bytes"] == 2048
    assert replay_failed(deployed, Namespace()) == 0
    assert capsys.readouterr().out == "0 failed batches replayed\n"


def an_upload(tenant_id: str, dataset_id: str) -> dict[str, Any]:
    """An object's item as the stream shows it."""
    version = {"L": [{"S": "2026-04-05T09:30:00.000000000Z"}, {"N": "0"}, {"S": "e"}, {"S": "/"}]}
    return {
        "PK": {"S": f"DATASET#{dataset_id}"},
        "SK": {"S": "OBJECT#lost"},
        "tenant_id": {"S": tenant_id},
        "dataset_id": {"S": dataset_id},
        "object_id": {"S": "lost"},
        "uploaded": version,
        "size_bytes": {"N": "2048"},
        "review": {"S": "pending_review"},
        "revision": {"N": "1"},
    }


def test_a_recount_names_drift_by_its_exit_status_and_mends_it(
    client: Client, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant_id, _ = client.tenant()
    look = Namespace(tenant=[tenant_id], repair=False, pause=0.1)
    assert recount_tenants(deployed, look) == 0
    assert capsys.readouterr().out == f"{tenant_id}: drift 0\n"
    deployed.table.client.update_item(
        TableName=deployed.table.name,
        Key={"PK": {"S": f"TENANT#{tenant_id}"}, "SK": {"S": "TOTALS#APIKEYS"}},
        UpdateExpression="ADD api_keys :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    assert recount_tenants(deployed, look) == 1
    assert capsys.readouterr().out == (
        f"{tenant_id}: drift 1\n"
        f"  TENANT#{tenant_id} / TOTALS#APIKEYS: api_keys is 2, its records say 1\n"
    )
    mend = Namespace(tenant=[tenant_id], repair=True, pause=0.1)
    assert recount_tenants(deployed, mend) == 0
    assert recount_tenants(deployed, look) == 0


def test_without_a_stack_the_command_says_what_to_do(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["parked", "list"]) == 2
    assert capsys.readouterr().err == (
        "tally: Name the stack with --stack-name, or start the local one: make up.\n"
    )
