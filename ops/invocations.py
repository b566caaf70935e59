"""`tally invocations`: what a schedule started, and Lambda gave up on."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.aws.held import Message, delete, held_messages, said
from tally.kernel.instants import for_display, to_instant


@dataclass(frozen=True, slots=True)
class Invocation:
    """`payload` is the event that the function got, or would have got."""

    function: str
    payload: str
    reason: str
    since: str


def add_commands(commands: Commands) -> None:
    invocations = add_group(
        commands, "invocations", "scheduled invocations that failed, such as the start of payouts"
    )
    add_command(invocations, "list", list_invocations, "list failed invocations with their reasons")
    add_command(invocations, "retry", retry_invocations, "start them again")


def list_invocations(deployed: Deployment, _: Namespace) -> int:
    with held_messages(deployed.sqs, deployed.outputs["AsyncFailuresQueueUrl"]) as messages:
        for each in sorted(map(_read, messages.values()), key=lambda failed: failed.since):
            print(f"{each.function}\n  reason  {each.reason}\n  since   {each.since}")
    if not messages:
        print("No invocation failed.")
    return 0


def retry_invocations(deployed: Deployment, _: Namespace) -> int:
    """Each is handed to Lambda again; what fails again comes back to the queue."""
    url = deployed.outputs["AsyncFailuresQueueUrl"]
    with held_messages(deployed.sqs, url) as messages:
        for name, message in list(messages.items()):
            failed = _read(message)
            deployed.functions.invoke(
                FunctionName=failed.function,
                InvocationType="Event",
                Payload=failed.payload.encode(),
            )
            delete(deployed.sqs, url, message)
            del messages[name]
            print(f"{failed.function}: started again")
    return 0


def _read(message: Message) -> Invocation:
    """A message of Lambda, which names the function and its event, or one of the scheduler, whose
    body is the event."""
    about = said(message)
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    since = for_display(to_instant(sent))
    if "TARGET_ARN" in about:
        reason = f"{about.get('ERROR_CODE', 'unknown')}: {about.get('ERROR_MESSAGE', '')}"
        return Invocation(about["TARGET_ARN"], message["Body"], reason, since)
    record: dict[str, Any] = json.loads(message["Body"])
    answer = record.get("responsePayload") or {}
    context = record["requestContext"]
    reason = answer.get("errorMessage") or context["condition"]
    return Invocation(
        context["functionArn"].removesuffix(":$LATEST"),
        json.dumps(record["requestPayload"]),
        reason,
        since,
    )
