"""The queues: behind the event bus, and of payout runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tally.aws.clients import make_client

_SENDERS = 8


@dataclass(frozen=True, slots=True)
class Queue:
    client: Any
    url: str

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
        self.client.send_message(
            QueueUrl=self.url,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in (attributes or {}).items()
            },
            DelaySeconds=delay_s,
        )


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
def _client() -> Any:
    return make_client("sqs")
