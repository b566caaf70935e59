"""What an operator does with work that was given up: statements and scheduled invocations."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import botocore.session
import pytest

from dev.template import resources
from ops.deployment import Deployment
from ops.invocations import list_invocations, retry_invocations
from ops.money import retry_payouts
from ops.rescues import retry_rescues
from tally.counting.rescues import Rescue
from tests.world import CREDENTIALS, World

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:tally-StartPayouts"


@dataclass
class Functions:
    """Lambda: what it was handed, or that it refuses."""

    refuses: bool = False
    invoked: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, **arguments: Any) -> None:
        if self.refuses:
            raise RuntimeError("refused")
        self.invoked.append(arguments)


@pytest.fixture
def deployed(world: World, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setattr("tally.aws.held._WAIT_S", 0)
    session: Any = botocore.session.get_session()
    sqs = session.create_client("sqs", **CREDENTIALS)
    outputs = {
        f"{name}QueueUrl": sqs.create_queue(QueueName=name)["QueueUrl"]
        for name in resources("AWS::SQS::Queue")
    }
    return Deployment(world.table, outputs, None, sqs, Functions())


type Put = Callable[..., None]


@pytest.fixture
def put(deployed: Deployment) -> Put:
    def put(queue: str, body: str, **attributes: str) -> None:
        deployed.sqs.send_message(
            QueueUrl=deployed.outputs[f"{queue}QueueUrl"],
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )

    return put


def bodies(deployed: Deployment, queue: str) -> list[str]:
    url = deployed.outputs[f"{queue}QueueUrl"]
    found = []
    while some := deployed.sqs.receive_message(QueueUrl=url).get("Messages"):
        found += [message["Body"] for message in some]
    return sorted(found)


def task(tenant_id: str) -> str:
    return json.dumps(
        {"run_id": "run_2026-03", "tenant_id": tenant_id, "period": "2026-03", "currency": "USD"}
    )


# ------------------------------------------------------------------------ statements


def test_failed_statements_are_made_once_more(
    deployed: Deployment, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = sorted(task(f"acme-{n:02}") for n in range(25))
    for each in tasks:
        put("FailedPayoutTasks", each)

    assert retry_payouts(deployed, Namespace()) == 0

    lines = sorted(capsys.readouterr().out.splitlines())
    assert lines == [f"run_2026-03 acme-{n:02} USD: sent again" for n in range(25)]
    assert bodies(deployed, "PayoutTasks") == tasks
    assert bodies(deployed, "FailedPayoutTasks") == []


def test_what_is_no_task_stays_and_is_shown(
    deployed: Deployment, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    for body in ("{}", "not JSON", task("acme")):
        put("FailedPayoutTasks", body)

    assert retry_payouts(deployed, Namespace()) == 1

    assert sorted(capsys.readouterr().out.splitlines()) == [
        "not a task, left where it is: not JSON",
        "not a task, left where it is: {}",
        "run_2026-03 acme USD: sent again",
    ]
    assert bodies(deployed, "FailedPayoutTasks") == ["not JSON", "{}"]
    assert bodies(deployed, "PayoutTasks") == [task("acme")]


def test_no_failed_statement_is_said_to_be_none(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retry_payouts(deployed, Namespace()) == 0
    assert capsys.readouterr().out == "No statement failed.\n"


# --------------------------------------------------------------------------- rescues


def test_failed_rescues_go_on(
    deployed: Deployment, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    first, later = Rescue("dset_1", "0"), Rescue("dset_2", "0", after="OBJECT#obj_7")
    for body in (
        first.to_json(),
        later.to_json(),
        "[]",
        '{"dataset_id": 1, "epoch": "", "run": ""}',
    ):
        put("FailedObjectRescues", body)

    assert retry_rescues(deployed, Namespace()) == 1

    assert sorted(capsys.readouterr().out.splitlines()) == [
        "dset_1, all objects: sent again",
        "dset_2, after OBJECT#obj_7: sent again",
        "not a rescue, left where it is: []",
        'not a rescue, left where it is: {"dataset_id": 1, "epoch": "", "run": ""}',
    ]
    assert bodies(deployed, "ObjectRescues") == sorted([first.to_json(), later.to_json()])
    assert len(bodies(deployed, "FailedObjectRescues")) == 2


def test_no_failed_rescue_is_said_to_be_none(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retry_rescues(deployed, Namespace()) == 0
    assert capsys.readouterr().out == "No rescue failed.\n"


# ----------------------------------------------------------------------- invocations


def by_lambda(payload: Any, **answer: Any) -> str:
    """A message of Lambda about an invocation that it gave up."""
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": "2026-04-01T06:20:00.000Z",
            "requestContext": {
                "requestId": "lambda-1",
                "functionArn": f"{FUNCTION}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": payload,
            **answer,
        }
    )


def test_failed_invocations_are_listed_and_started_again(
    deployed: Deployment, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"errorMessage": "The database is busy; send the request again."}
    put("AsyncFailures", by_lambda({}, responsePayload=error))
    put("AsyncFailures", by_lambda({"n": 1}))
    put(
        "AsyncFailures",
        '{"n": 2}',
        TARGET_ARN=FUNCTION,
        SCHEDULE_ARN="arn:aws:scheduler:us-east-1:123456789012:schedule/default/Monthly",
        ERROR_CODE="ResourceNotFoundException",
        ERROR_MESSAGE="Function not found",
    )

    for _ in range(2):
        assert list_invocations(deployed, Namespace()) == 0
        shown = capsys.readouterr().out.splitlines()
        assert shown[0::3] == [FUNCTION] * 3
        assert sorted(shown[1::3]) == [
            "  reason  ResourceNotFoundException: Function not found",
            "  reason  RetriesExhausted",
            "  reason  The database is busy; send the request again.",
        ]

    assert retry_invocations(deployed, Namespace()) == 0
    assert capsys.readouterr().out == f"{FUNCTION}: started again\n" * 3
    invoked = sorted(deployed.functions.invoked, key=lambda each: each["Payload"])
    assert invoked == [
        {"FunctionName": FUNCTION, "InvocationType": "Event", "Payload": payload}
        for payload in (b'{"n": 1}', b'{"n": 2}', b"{}")
    ]
    assert bodies(deployed, "AsyncFailures") == []


def test_an_invocation_that_lambda_does_not_take_stays(deployed: Deployment, put: Put) -> None:
    put("AsyncFailures", by_lambda({}))
    deployed.functions.refuses = True

    with pytest.raises(RuntimeError, match="refused"):
        retry_invocations(deployed, Namespace())

    assert bodies(deployed, "AsyncFailures") == [by_lambda({})]


def test_no_failed_invocation_is_said_to_be_none(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list_invocations(deployed, Namespace()) == 0
    assert capsys.readouterr().out == "No invocation failed.\n"
