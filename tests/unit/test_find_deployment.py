"""What the operator is told if AWS or the stack is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from ops import cli
from ops.deployment import Outputs
from ops.errors import OpsError

_ABSENT: Any = {
    "Error": {"Code": "ValidationError", "Message": "Stack with id tally-prod does not exist"}
}
_DENIED: Any = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}
_URL = "https://cloudformation.eu-west-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ClientError(_ABSENT, "DescribeStacks"),
            (
                "There is no stack tally-prod in this account and Region; check --stack-name, "
                "AWS_PROFILE and AWS_REGION."
            ),
        ),
        (
            ClientError(_DENIED, "DescribeStacks"),
            (
                "The stack tally-prod cannot be read: An error occurred (AccessDenied) when "
                "calling the DescribeStacks operation: not authorized"
            ),
        ),
        (
            NoCredentialsError(),
            "Unable to locate credentials; set AWS_PROFILE or AWS_REGION.",
        ),
        (
            NoRegionError(),
            "You must specify a region; set AWS_PROFILE or AWS_REGION.",
        ),
        (
            EndpointConnectionError(endpoint_url=_URL),
            f'AWS does not answer: Could not connect to the endpoint URL: "{_URL}"',
        ),
    ],
    ids=["no stack", "no permission", "no credentials", "no Region", "no network"],
)
@pytest.mark.parametrize("command", [["payouts", "runs"], ["books"], ["invocations", "list"]])
def test_a_stack_that_cannot_be_found(
    command: list[str],
    error: Exception,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr("ops.deployment.stack_outputs", fail)

    assert cli.main(["--stack-name", "tally-prod", *command]) == 2

    assert capsys.readouterr().err == f"tally: {told}\n"


def test_a_local_stack_that_was_stopped_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    known = {
        "stack_name": "tally-local",
        "endpoint_url": "http://127.0.0.1:9",
        "api_url": "http://127.0.0.1:9/api",
    }
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local/stack.json").write_text(json.dumps(known))

    def fail(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url=known["endpoint_url"])

    monkeypatch.setattr("ops.deployment.stack_outputs", fail)

    assert cli.main(["payouts", "runs"]) == 2

    assert capsys.readouterr().err == (
        "tally: The local stack is gone; start it again: make up. AWS does not answer: "
        'Could not connect to the endpoint URL: "http://127.0.0.1:9"\n'
    )


def test_a_stack_of_an_older_version_is_said_to_be_one() -> None:
    with pytest.raises(OpsError, match="no output AsyncFailuresQueueUrl: deploy this version"):
        Outputs({"TableName": "tally"})["AsyncFailuresQueueUrl"]
