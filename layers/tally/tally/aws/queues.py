"""The queues: behind the event bus, of payout runs, of rescues and of erasures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tally.aws.clients import make_client
from tally.aws.retries import retried

_SENDERS = 8
_BUSY = "The queue is busy; send the request again."

MAX_MESSAGE_BYTES = 1_048_576


def fits(body: str, attributes: Mapping[str, str]) -> bool:
    """Whether one message can hold both. SQS counts names, types and values of attributes too."""
    size = sum(len(f"{name}String{value}".encode()) for name, value in attributes.items())
    return len(body.encode()) + size <= MAX_MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class Queue:
    """Calls are retried like the table's; Unavailable if the queue refuses them all."""

    client: Any
    url: str
    sleep: Callable[[float], None] = time.sleep

    def send_all(self, bodies: Iterable[str]) -> None:
        """Messages without attributes, several at a time; raises if one cannot be sent."""
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  few functions send many

        with ThreadPoolExecutor(_SENDERS) as senders:
            for _ in senders.map(self.send, bodies):
                pass

    def send(
        self, body: str, attributes: Mapping[str, str] | None = None, *, delay_s: int = 0
    ) -> None:
        """One message, durable by the return. It has at most 10 attributes and waits 900 s."""
        message = {
            "QueueUrl": self.url,
            "MessageBody": body,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value}
                for name, value in (attributes or {}).items()
            },
            "DelaySeconds": delay_s,
        }
        retried(lambda: self.client.send_message(**message), busy=_BUSY, sleep=self.sleep)

    def waiting(self) -> int:
        """About how many messages there are, those included that somebody holds just now."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        asked = {"QueueUrl": self.url, "AttributeNames": names}
        answer = retried(
            lambda: self.client.get_queue_attributes(**asked), busy=_BUSY, sleep=self.sleep
        )
        return sum(int(answer["Attributes"][name]) for name in names)


@cache
def inbound_events() -> Queue:
    """What the bus brought and what is to be tried again, by the environment."""
    return Queue(_client(), os.environ["INBOUND_EVENTS_URL"])


@cache
def rejected_events() -> Queue:
    """What was rejected for good, by the environment."""
    return Queue(_client(), os.environ["REJECTED_EVENTS_URL"])


@cache
def payout_tasks() -> Queue:
    """A message for each provider of a payout run, by the environment."""
    return Queue(_client(), os.environ["PAYOUT_TASKS_URL"])


@cache
def erasure_tasks() -> Queue:
    """Tenants whose query texts are to be deleted, by the environment."""
    return Queue(_client(), os.environ["ERASURE_TASKS_URL"])


@cache
def object_rescues() -> Queue:
    """Datasets whose objects are to be looked through, by the environment."""
    return Queue(_client(), os.environ["OBJECT_RESCUES_URL"])


@cache
def _client() -> Any:
    return make_client("sqs")
