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

from ops.errors import OpsError
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


def find_deployment(stack_name: str | None) -> Deployment:
    """The stack with this name in the environment's account; without a name, the local one."""
    client: Callable[[str], Any]
    if stack_name is None:
        if not LOCAL_STACK.exists():
            raise OpsError("Name the stack with --stack-name, or start the local one: make up.")
        local = json.loads(LOCAL_STACK.read_text())
        stack_name = local["stack_name"]
        client = partial(local_client, local["endpoint_url"])
    else:
        session: Any = botocore.session.get_session()
        client = session.create_client
    outputs = stack_outputs(client("cloudformation"), stack_name)
    table = Table(client("dynamodb"), outputs["TableName"])
    return Deployment(table, outputs, client("s3"), client("sqs"))


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
