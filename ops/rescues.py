"""`tally rescues`: objects of datasets that were deleted late, and come back."""

from __future__ import annotations

from argparse import Namespace

from ops.again import GivenUp, send_again
from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.counting.rescues import Rescue


def add_commands(commands: Commands) -> None:
    rescues = add_group(commands, "rescues", "objects that outlived their dataset's deletion")
    add_command(rescues, "retry", retry_rescues, "go on with the rescues that failed")


def retry_rescues(deployed: Deployment, _: Namespace) -> int:
    """1 if some messages are no rescues."""
    given_up = GivenUp(
        "FailedObjectRescues", "ObjectRescues", "rescue", "No rescue failed.", _in_words
    )
    return send_again(deployed, given_up)


def _in_words(body: str) -> str:
    rescue = Rescue.from_json(body)
    return f"{rescue.dataset_id}, {'after ' + rescue.after if rescue.after else 'all objects'}"
