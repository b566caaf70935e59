"""All messages of a queue, held: for operators, who look at them, send them on or let them be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_AT_ONCE = 10  # SQS's most
_HOLD_S = 300
_WAIT_S = 1  # any wait at all asks each of the queue's servers

type Message = dict[str, Any]
"""As `receive_message` returns it."""


@contextmanager
def held_messages(sqs: Any, url: str) -> Iterator[dict[str, Message]]:
    """All messages of a queue by their ids; nobody else receives them meanwhile.

    Messages still in the dictionary at the end become visible again.
    """
    found: dict[str, Message] = {}
    try:
        # Stop when only known messages come back: their visibility timeout has expired.
        while (some := _receive(sqs, url)).keys() - found.keys():
            found |= some
        yield found
    finally:
        _release(sqs, url, list(found.values()))


def delete(sqs: Any, url: str, message: Message) -> None:
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def _receive(sqs: Any, url: str) -> dict[str, Message]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=_AT_ONCE,
        VisibilityTimeout=_HOLD_S,
        WaitTimeSeconds=_WAIT_S,
        MessageAttributeNames=["All"],
        AttributeNames=["SentTimestamp"],
    )
    return {message["MessageId"]: message for message in answer.get("Messages", ())}


def said(message: Message) -> dict[str, str]:
    """The attributes that its sender gave it."""
    attributes: dict[str, Any] = message.get("MessageAttributes", {})
    return {name: each["StringValue"] for name, each in attributes.items()}


def _release(sqs: Any, url: str, messages: list[Message]) -> None:
    for start in range(0, len(messages), _AT_ONCE):
        sqs.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
                for n, each in enumerate(messages[start : start + _AT_ONCE])
            ],
        )
