"""`tally rejected`: events from the bus that were rejected."""

from __future__ import annotations

from argparse import Namespace

from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.intake.rejected import held, replay


def add_commands(commands: Commands) -> None:
    rejected = add_group(commands, "rejected", "events from the bus that were rejected")
    add_command(rejected, "list", list_rejected, "list rejected events with their reasons")
    command = add_command(rejected, "replay", replay_rejected, "send rejected events again")
    command.add_argument("--code", help="only events rejected with this error code")


def list_rejected(deployed: Deployment, _: Namespace) -> int:
    with held(deployed.sqs, deployed.outputs["RejectedEventsQueueUrl"]) as rejected:
        for each in sorted(rejected.values(), key=lambda event: event.since):
            print(f"{each.source or '?'} {each.event_id or '?'}")
            print(f"  reason  {each.code}: {each.message}\n  since   {each.since}")
    if not rejected:
        print("Nothing is rejected.")
    return 0


def replay_rejected(deployed: Deployment, arguments: Namespace) -> int:
    """The function that rejected the events receives them again, and may reject them again."""
    replayed = replay(
        deployed.sqs,
        deployed.outputs["RejectedEventsQueueUrl"],
        deployed.outputs["InboundEventsQueueUrl"],
        arguments.code,
    )
    print(f"{replayed} rejected events sent again")
    return 0
