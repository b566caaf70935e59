"""Messages that were given up, sent to their queue again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ops.deployment import Deployment
from tally.aws.held import delete, held_messages


@dataclass(frozen=True, slots=True)
class GivenUp:
    """`failed`: the logical name of the queue of what was given up; `queue`: where it came from.

    `in_words` says what a body asks for; ValueError or TypeError for one that makes no sense.
    """

    failed: str
    queue: str
    kind: str
    nothing: str
    in_words: Callable[[str], str]


def send_again(deployed: Deployment, given_up: GivenUp) -> int:
    """Exit status 1 if some messages make no sense; these stay."""
    source, target = (
        deployed.outputs[f"{name}QueueUrl"] for name in (given_up.failed, given_up.queue)
    )
    strange = 0
    with held_messages(deployed.sqs, source) as messages:
        if not messages:
            print(given_up.nothing)
        for name, message in list(messages.items()):
            body = message["Body"]
            try:
                words = given_up.in_words(body)
            except (ValueError, TypeError):
                strange += 1
                print(f"not a {given_up.kind}, left where it is: {body}")
                continue
            deployed.sqs.send_message(QueueUrl=target, MessageBody=body)
            delete(deployed.sqs, source, message)
            del messages[name]
            print(f"{words}: sent again")
    return 1 if strange else 0
