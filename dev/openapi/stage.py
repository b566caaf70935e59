"""A whole Tally in this process, whose answers are the same every time: for examples."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, get_type_hints
from unittest.mock import patch

import botocore.session
from moto import mock_aws

from dev.bench.lab import BATCH, delivered
from dev.fast_moto import fast_moto
from dev.gateway import PLATFORM, Answer, Overrides, invoke, overrides, proxy_event
from dev.stack import Response
from dev.template import create_table, passes_filter
from tally.access.first_keys import FirstKeys, issue_first_keys
from tally.audit.model import Actor, ActorType
from tally.aws import queues
from tally.aws.buckets import Objects, failed_batches
from tally.aws.table import Table
from tally.counting.engine import count
from tally.kernel.instants import Instant
from tally.payouts.tasks import Task, do_task

NOW: Instant = "2026-04-05T10:00:00.000000000Z"
REQUEST_ID = "0d4cbe2f-7b0e-4a52-9b3e-1f8b6f9d7c11"

_HOLD_FOR = timedelta(days=90)
_CREDENTIALS: Mapping[str, Any] = {
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
    "region_name": "us-east-1",
}


@dataclass
class _Queue:
    """A queue in memory."""

    bodies: list[str] = field(default_factory=list)

    def send_all(self, bodies: Iterator[str]) -> None:
        self.bodies += bodies

    def send(self, body: str, *_: Any, **__: Any) -> None:
        self.bodies.append(body)

    def waiting(self) -> int:
        return len(self.bodies)


class _NoBatches:
    """The bucket of failed batches, in which none is."""

    def objects(self) -> Objects:
        return Objects(0, None)


@dataclass
class _Stream:
    """moto's, from the last record that was read on."""

    client: Any
    arn: str
    last: str | None = None

    def next_batch(self) -> list[dict[str, Any]]:
        """As Lambda hands it over; empty if nothing is left that counts."""
        while records := self._read():
            if batch := [delivered(each) for each in records if _counts(each)]:
                return batch
        return []

    def _read(self) -> list[dict[str, Any]]:
        (shard,) = self.client.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        place: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
        if self.last:
            place = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": self.last,
            }
        # moto forgets what an iterator stands for when it rolls a transaction back.
        found = self.client.get_shard_iterator(
            StreamArn=self.arn, ShardId=shard["ShardId"], **place
        )
        answer = self.client.get_records(ShardIterator=found["ShardIterator"], Limit=BATCH)
        records: list[dict[str, Any]] = answer["Records"]
        if records:
            self.last = records[-1]["dynamodb"]["SequenceNumber"]
        return records


@dataclass
class Stage:
    """It is always the same moment, and what was written is counted before anybody asks."""

    table: Table
    stream: _Stream
    queues: Mapping[Callable[..., Any], _Queue]

    def first_keys(self) -> FirstKeys:
        maker = Actor(ActorType.OPERATOR, "make up")
        return issue_first_keys(self.table, PLATFORM, NOW, maker)

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
    ) -> Response:
        """As of a stack that is up."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        answer = self.invoke(proxy_event(method, path, sent, _text(json)))
        return Response(answer.status, answer.headers, answer.text.encode())

    def post(self, path: str, key: str, body: object) -> Any:
        """The `data` of the answer; RuntimeError if the request is refused."""
        answer = self.request("POST", path, headers={"X-API-Key": key}, json=body)
        if answer.status >= 400:
            raise RuntimeError(f"POST {path} is answered with {answer}")
        return answer.json()["data"]

    @contextmanager
    def failing(self, fault: Exception) -> Iterator[None]:
        """Each call to the table raises this meanwhile."""
        self._catch_up()

        def fail(**_: Any) -> None:
            raise fault

        events = self.table.client.meta.events
        events.register("before-call.dynamodb", fail)
        try:
            yield
        finally:
            events.unregister("before-call.dynamodb", fail)

    def invoke(self, event: dict[str, Any]) -> Answer:
        """What the route's function makes of an event from the gateway."""
        self._catch_up()
        event["requestContext"]["requestId"] = REQUEST_ID
        return invoke(event, self._provided(), warm=False)

    def _provided(self) -> Overrides:
        in_place = {make: (lambda queue=queue: queue) for make, queue in self.queues.items()}
        return overrides(self.table, NOW) | in_place | {failed_batches: _NoBatches}

    def _catch_up(self) -> None:
        """Do what waits in the stream and in the queue of payouts."""
        tasks = self.queues[queues.payout_tasks].bodies
        while tasks:
            do_task(self.table, Task.from_json(tasks.pop(0)), NOW, hold_for=_HOLD_FOR)
        while batch := self.stream.next_batch():
            count(self.table, batch, NOW)


@contextmanager
def new_stage() -> Iterator[Stage]:
    """An empty Tally. Nothing in it is random, and it writes no log."""
    with ExitStack() as stack:
        stack.enter_context(mock_aws())
        stack.enter_context(fast_moto())
        for name, function in _not_so_random().items():
            stack.enter_context(patch.object(secrets, name, function))
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        session = botocore.session.get_session()
        client: Any = session.create_client("dynamodb", **_CREDENTIALS)
        create_table(client, "tally")
        arn = client.describe_table(TableName="tally")["Table"]["LatestStreamArn"]
        stream = _Stream(session.create_client("dynamodbstreams", **_CREDENTIALS), arn)
        yield Stage(Table(client, "tally", sleep=lambda _: None), stream, _queues())


def _counts(record: Mapping[str, Any]) -> bool:
    return passes_filter(record["dynamodb"]["Keys"]["SK"]["S"])


def _queues() -> Mapping[Callable[..., Any], _Queue]:
    """In place of each queue that a function may ask for."""
    return {
        make: _Queue()
        for make in vars(queues).values()
        if callable(make) and get_type_hints(make).get("return") is queues.Queue
    }


def _not_so_random() -> Mapping[str, Callable[..., Any]]:
    """In place of the functions of `secrets` that Tally calls."""
    numbers = Random(1)  # noqa: S311  ids and keys of examples

    def token_bytes(nbytes: int) -> bytes:
        return numbers.randbytes(nbytes)

    return {"token_bytes": token_bytes, "token_hex": lambda nbytes: token_bytes(nbytes).hex()}


def _text(document: object) -> str | None:
    return None if document is None else json.dumps(document)
