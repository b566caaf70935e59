"""Drills: what an alarm watches moves, and the command that the runbook names sets it right.

Alarms on states are fed by MeasureHealth, those on queues by the number of messages in sight. Here
the functions run as deployed, with their rights, and publish what CloudWatch would read.
"""

from __future__ import annotations

import json
import re
from argparse import Namespace
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pytest

from dev.template import resources
from ops.counters import recount_tenants, replay_failed, replay_parked
from ops.deployment import Deployment
from ops.events import replay_rejected
from ops.invocations import retry_invocations
from ops.money import retry_payouts
from ops.rescues import retry_rescues
from tally.audit.model import SCHEDULE
from tally.aws.table import Table
from tally.catalog.counters import epoch_of
from tally.catalog.reads import get_dataset
from tally.counting import parking
from tally.counting.changes import Poison
from tally.counting.rescue_markers import DONE, under_way
from tally.counting.rescues import Rescue
from tally.kernel.clock import current_instant
from tally.kernel.keys import Key
from tally.ledger.items import CREDIT_PREFIX, ledger_pk
from tally.metrics import Metric
from tally.payouts.model.calendar import newest_ended
from tally.payouts.starting import start_run
from tally.payouts.tasks import Task, note_failure
from tests.builders import event
from tests.bus import delivered
from tests.stack.client import Client, eventually
from tests.stack.test_operator import an_upload
from tests.stack.test_payouts import providers, runs, start
from tests.world import Tasks


@pytest.fixture
def deployed(client: Client) -> Deployment:
    stack = client.stack
    table = Table(stack.client("dynamodb"), stack.table_name)
    clients = (stack.client(service) for service in ("s3", "sqs", "lambda"))
    return Deployment(table, dict(stack.outputs), *clients)


NOT_HERE: Mapping[str, str] = {
    "FunctionErrors": "the embedded AWS counts no lines; tests/test_template_operations.py",
    "FunctionsThrottled": "needs an account whose concurrency is used up",
    "ApiFaults": "the embedded AWS publishes no metrics of the API; tests/api/test_deadlines.py",
    "ApiSlow": "the same",
    "CountingLag": "the same; tests/store/test_canary.py has a stream that stands still",
    "RescuesWaiting": "the age of a message takes its time",
    "EventsWaiting": "the same",
    "PayoutsWaiting": "the same",
    "ErasuresWaiting": "the same",
    "ErasureFailed": "an erasure fails 20 times, hours apart; tests/store/test_erasing.py",
    "ChecksOverdue": "takes a day; tests/store/test_health.py",
    "HealthUnmeasured": "is silence",
    "TableThrottled": "needs DynamoDB itself",
    "TableErrors": "the same",
}
"""Alarms without a drill here, and why."""


def test_every_alarm_has_a_drill_or_a_reason() -> None:
    docs = [test.__doc__ for name, test in globals().items() if name.startswith("test_")]
    drilled = {name for doc in docs if doc for name in re.findall(r"\b[A-Z]\w+[A-Z]?\w*", doc)}

    alarms = resources("AWS::CloudWatch::Alarm").keys()
    assert alarms == (drilled & alarms) | NOT_HERE.keys()
    assert not drilled & NOT_HERE.keys()


class Operations:
    """Starts functions as their schedules do, and reads the metrics in the lines that they log."""

    def __init__(self, client: Client) -> None:
        self.stack = client.stack

    def run(self, function: str, message: str) -> dict[str, Any]:
        """The function's line with this message."""
        name = self._physical(function)
        invoked = self.stack.client("lambda").invoke(
            FunctionName=name, Payload=b"{}", LogType="Tail"
        )
        assert "FunctionError" not in invoked, invoked["Payload"].read()
        lines = b64decode(invoked["LogResult"]).decode().splitlines()
        (line,) = (json.loads(each) for each in lines if f'"message":"{message}"' in each)
        return dict(line)

    def health(self, metric: Metric) -> float:
        line = self.run("MeasureHealth", "health measured")
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == self.stack.stack_name
        assert metric.value in {each["Name"] for each in directive["Metrics"]}
        value: float = line[metric.value]
        return value

    def arn(self, function: str) -> str:
        found = self.stack.client("lambda").get_function(FunctionName=self._physical(function))
        arn: str = found["Configuration"]["FunctionArn"]
        return arn

    def _physical(self, logical: str) -> str:
        found = self.stack.client("cloudformation").describe_stack_resource(
            StackName=self.stack.stack_name, LogicalResourceId=logical
        )
        physical: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return physical


@pytest.fixture
def operations(client: Client) -> Operations:
    return Operations(client)


# ------------------------------------------------------------------------------- api


def test_the_canary_goes_all_the_way(operations: Operations) -> None:
    """CanaryFailing"""
    for _ in range(2):
        line = operations.run("RunCanary", "canary passed")

        assert line[Metric.CANARY_PASSED] == 1
        assert 0 < line[Metric.CANARY_S] < 60


# -------------------------------------------------------------------------- counting


def test_a_parked_record_is_replayed(deployed: Deployment, operations: Operations) -> None:
    """RecordParked"""
    raw = {
        "eventID": "drill-parked",
        "dynamodb": {"NewImage": an_upload("drill", "drill-d1"), "Keys": {}},
    }
    parking.park(deployed.table, Poison(raw, "no reader yet"), current_instant())
    assert operations.health(Metric.PARKED_RECORDS) == 1

    assert replay_parked(deployed, Namespace(parked_id=[])) == 0

    assert operations.health(Metric.PARKED_RECORDS) == 0


def test_a_failed_batch_is_replayed(deployed: Deployment, operations: Operations) -> None:
    """BatchesFailed"""
    payload = {"Records": [{"eventID": "drill-failed", "dynamodb": {"Keys": {}}}]}
    deployed.s3.put_object(
        Bucket=deployed.outputs["FailedBatchesBucket"],
        Key="aws/lambda/drill",
        Body=json.dumps({"payload": json.dumps(payload)}).encode(),
    )
    assert operations.health(Metric.FAILED_BATCHES) == 1

    assert replay_failed(deployed, Namespace()) == 0

    assert operations.health(Metric.FAILED_BATCHES) == 0


def test_drift_is_repaired(client: Client, deployed: Deployment, operations: Operations) -> None:
    """CountersDrift: the check that the runbook names looks at the tenant again at once."""
    tenant_id, _ = client.tenant()
    counter = Key(f"TENANT#{tenant_id}", "TOTALS#APIKEYS")
    deployed.table.transact([deployed.table.add(counter, {"api_keys": 1})])
    for _ in range(100):  # until it is its turn
        if tenant_id in operations.run("CheckCounters", "counters checked")["wrong"]:
            break
    assert operations.health(Metric.DRIFT) == 1

    assert recount_tenants(deployed, Namespace(tenant=[tenant_id], repair=True, pause=0.1)) == 0
    operations.run("CheckCounters", "counters checked")

    assert operations.health(Metric.DRIFT) == 0


# ----------------------------------------------------------------------------- money


def test_books_and_statements_are_mended(
    client: Client, deployed: Deployment, operations: Operations
) -> None:
    """BooksUnbalanced, StatementsDiffer"""
    month = "2023-03"
    (provider,) = providers(client, 1, month)
    run = start(client, month)
    eventually(lambda: runs(client)[run].is_finished, True)
    credit = _grow_old(deployed.table, provider, month)
    deployed.table.transact([deployed.table.delete(Key(credit["PK"], credit["SK"]))])
    operations.run("CheckBooks", "books checked")
    operations.run("VerifyPayouts", "statements verified")
    assert operations.health(Metric.UNBALANCED_CURRENCIES) == 1
    assert operations.health(Metric.DIFFERING_STATEMENTS) == 1

    deployed.table.transact([deployed.table.put(Key(credit.pop("PK"), credit.pop("SK")), credit)])
    operations.run("CheckBooks", "books checked")
    operations.run("VerifyPayouts", "statements verified")

    assert operations.health(Metric.UNBALANCED_CURRENCIES) == 0
    assert operations.health(Metric.DIFFERING_STATEMENTS) == 0


def _grow_old(table: Table, provider: str, month: str) -> dict[str, Any]:
    """A credit of the month, whose entries were posted long enough ago for the books."""
    posted_at = f"{month}-15T12:00:00.000000000Z"
    entries = list(table.query(ledger_pk(provider, month)))
    table.transact(
        [
            table.update(Key(each["PK"], each["SK"]), "SET posted_at = :at", at=posted_at)
            for each in entries
        ]
    )
    return next(e | {"posted_at": posted_at} for e in entries if e["SK"].startswith(CREDIT_PREFIX))


def test_the_schedule_leaves_nobody_without_a_statement(
    client: Client, operations: Operations
) -> None:
    """PayoutsOverdue"""
    providers(client, 1, newest_ended(current_instant()))

    operations.run("StartPayouts", "payout run started")

    eventually(lambda: operations.health(Metric.OVERDUE_PAYOUTS), 0.0)


def test_a_failed_statement_is_made_after_all(
    client: Client, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """PayoutFailed"""
    month, run_id = "2023-04", "run_drill"
    sent: Any = Tasks()  # takes the messages in the queue's place
    (provider,) = providers(client, 1, month)
    start_run(deployed.table, sent, run_id, month, current_instant(), by=SCHEDULE)
    (body,) = sent.bodies
    note_failure(deployed.table, Task.from_json(body), current_instant())
    failed = deployed.outputs["FailedPayoutTasksQueueUrl"]
    deployed.sqs.send_message(QueueUrl=failed, MessageBody=body)
    assert in_sight(deployed, failed) == 1

    assert retry_payouts(deployed, Namespace()) == 0

    assert capsys.readouterr().out == f"{run_id} {provider} USD: sent again\n"
    assert in_sight(deployed, failed) == 0
    eventually(lambda: runs(client)[run_id].generated, 1)
    assert runs(client)[run_id].failed == 0


# ------------------------------------------------------------------- late deletions


def test_a_rescue_that_failed_goes_on(
    client: Client, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """RescueFailed: the message is here instead of at its function, as after 20 attempts."""
    tenant_id, _ = client.tenant()
    dataset_id = f"{tenant_id}-d1"
    about = {"tenant_id": tenant_id, "dataset_id": dataset_id}
    for kind, time in (("created", "09:00"), ("updated", "09:09"), ("deleted", "09:05")):
        about["id"] = f"{tenant_id}-{kind}"
        _send(client, event(f"dataset.{kind}", f"2026-04-05T{time}:00Z", **about))
    dataset = get_dataset(deployed.table, dataset_id)
    assert dataset
    rescue = Rescue(dataset_id, epoch_of(dataset.deleted))
    eventually(lambda: DONE in (deployed.table.get(rescue.marker) or {}), True)
    deployed.table.write(deployed.table.put(rescue.marker, {"ttl": 4_102_444_800}))
    failed = deployed.outputs["FailedObjectRescuesQueueUrl"]
    deployed.sqs.send_message(QueueUrl=failed, MessageBody=rescue.to_json())
    assert in_sight(deployed, failed) == 1

    assert list(under_way(deployed.table, tenant_id)) == [dataset_id]

    assert retry_rescues(deployed, Namespace()) == 0

    assert capsys.readouterr().out == f"{dataset_id}, all objects: sent again\n"
    assert in_sight(deployed, failed) == 0
    eventually(lambda: any(under_way(deployed.table, tenant_id)), False)


def test_a_dataset_that_is_deleted_late_keeps_its_newer_objects(client: Client) -> None:
    """Over the stream, the queue and the stream again."""
    tenant_id, key = client.tenant()
    about = {"tenant_id": tenant_id, "dataset_id": f"{tenant_id}-d1"}
    sent = [
        event("dataset.created", "2026-04-05T09:00:00Z", **about),
        *(
            event("object.uploaded", time, object_id=name, size_bytes=1, **about)
            for name, time in (("old", "2026-04-05T09:02:00Z"), ("new", "2026-04-05T09:08:00Z"))
        ),
        event("dataset.updated", "2026-04-05T09:09:00Z", **about),
        event("dataset.deleted", "2026-04-05T09:05:00Z", **about),
    ]
    for n, each in enumerate(sent):
        _send(client, each | {"id": f"{tenant_id}-{n}"})
        if n == 2:
            eventually(lambda: _objects(client, key), 2)

    eventually(lambda: _objects(client, key), 1)


def _send(client: Client, sent: Mapping[str, Any]) -> None:
    client.call("POST", "/v1/events", client.keys.events_key, sent)


def _objects(client: Client, key: str) -> int:
    total: int = client.call("GET", "/v1/provider/dashboard", key)["total_objects"]
    return total


# --------------------------------------------------------------------------- the bus


def test_a_rejected_event_is_replayed(client: Client, deployed: Deployment) -> None:
    """EventsRejected"""
    tenant_id, key = client.tenant()
    about = {"tenant_id": tenant_id, "dataset_id": f"{tenant_id}-d1"}
    created = event("dataset.created", id=f"{tenant_id}-created", **about)
    url = deployed.outputs["RejectedEventsQueueUrl"]
    deployed.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(delivered(created)))
    assert in_sight(deployed, url) == 1

    assert replay_rejected(deployed, Namespace(code=None)) == 0

    assert in_sight(deployed, url) == 0
    eventually(lambda: client.call("GET", "/v1/provider/dashboard", key)["total_datasets"], 1)


# ------------------------------------------------------------------------- schedules


def test_a_failed_invocation_is_started_again(deployed: Deployment, operations: Operations) -> None:
    """InvocationsFailed"""
    url = deployed.outputs["AsyncFailuresQueueUrl"]
    arn = operations.arn("MeasureHealth")
    record = {
        "requestContext": {"functionArn": f"{arn}:$LATEST", "condition": "RetriesExhausted"},
        "requestPayload": {},
    }
    deployed.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(record))
    assert in_sight(deployed, url) == 1

    assert retry_invocations(deployed, Namespace()) == 0

    assert in_sight(deployed, url) == 0


def in_sight(deployed: Deployment, url: str) -> int:
    """What the alarms on queues watch."""
    name = "ApproximateNumberOfMessages"
    answer = deployed.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(answer["Attributes"][name])
