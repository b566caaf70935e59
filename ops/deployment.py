"""A deployed stack, and how a command finds it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from ops.errors import OpsError
from tally.aws.queues import Queue
from tally.aws.table import Table

LOCAL_STACK = Path(".local/stack.json")
LOCAL_REGION = "us-east-1"


@dataclass(frozen=True)
class Deployment:
    """A deployed stack: its table, its outputs, and clients of its account."""

    table: Table
    outputs: Mapping[str, str]
    s3: Any
    sqs: Any
    functions: Any = None
    sts: Any = None

    @property
    def rescues(self) -> Queue:
        """Where rescues of objects are asked for."""
        return Queue(self.sqs, self.outputs["ObjectRescuesQueueUrl"])


class Outputs(dict[str, str]):
    """A stack's outputs. OpsError for one that it lacks: then it was deployed before there was
    such an output."""

    def __missing__(self, name: str) -> str:
        raise OpsError(f"The stack has no output {name}: deploy this version of Tally first.")


def find_deployment(stack_name: str | None) -> Deployment:
    """The stack with this name in the environment's account; without a name, the local one."""
    if stack_name is None:
        if not LOCAL_STACK.exists():
            raise OpsError("Name the stack with --stack-name, or start the local one: make up.")
        local = json.loads(LOCAL_STACK.read_text())
        client = partial(local_client, local["endpoint_url"])
        try:
            return deployment_of(client, local["stack_name"], StageUrl=local["api_url"])
        except OpsError as error:
            raise OpsError(f"The local stack is gone; start it again: make up. {error}") from error
    session: Any = botocore.session.get_session()
    return deployment_of(session.create_client, stack_name)


def deployment_of(client: Callable[[str], Any], stack_name: str, **known_better: str) -> Deployment:
    """The stack with this name in the account of the clients. `known_better`: outputs."""
    outputs = Outputs({**_outputs_or_advice(client, stack_name), **known_better})
    table = Table(client("dynamodb"), outputs["TableName"])
    return Deployment(table, outputs, *map(client, ("s3", "sqs", "lambda", "sts")))


def _outputs_or_advice(client: Callable[[str], Any], stack_name: str) -> Mapping[str, str]:
    """OpsError says what to do if AWS or the stack cannot be reached."""
    try:
        return stack_outputs(client("cloudformation"), stack_name)
    except (NoRegionError, NoCredentialsError, PartialCredentialsError) as error:
        raise OpsError(f"{str(error).rstrip('.')}; set AWS_PROFILE or AWS_REGION.") from error
    except (ConnectionError, HTTPClientError) as error:
        raise OpsError(f"AWS does not answer: {error}") from error
    except ClientError as error:
        if "does not exist" in str(error):
            raise OpsError(
                f"There is no stack {stack_name} in this account and Region; check --stack-name, "
                "AWS_PROFILE and AWS_REGION."
            ) from error
        raise OpsError(f"The stack {stack_name} cannot be read: {error}") from error


def stack_outputs(cloudformation: Any, stack_name: str) -> Mapping[str, str]:
    """Output key -> value."""
    found = cloudformation.describe_stacks(StackName=stack_name)
    return {o["OutputKey"]: o["OutputValue"] for o in found["Stacks"][0].get("Outputs", [])}


def local_client(endpoint_url: str, service: str) -> Any:
    """A low-level client that reaches only the embedded AWS at this address."""
    # The user's profile, files and proxies must not matter here.
    session = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return session.create_client(
        service,
        region_name=LOCAL_REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - what the embedded AWS calls its root
        config=Config(proxies={}, retries={"mode": "standard"}, parameter_validation=False),
    )
