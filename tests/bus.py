"""The event bus in one process: the template's queues in moto, whose clock is the world's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from dev.template import resources
from functions.triggers.queues.receive_events import app
from tally.aws.queues import Queue
from tally.intake.rejected import RejectedEvent, held
from tally.kernel.instants import to_datetime
from tests.world import World

FUNCTION = resources("AWS::Serverless::Function")["ReceiveEvents"]["Properties"]
SOURCE: Mapping[str, Any] = FUNCTION["Events"]["Queue"]["Properties"]


@dataclass
class Bus:
    world: World
    sqs: Any
    inbound: str
    rejected: str

    def publish(self, *details: Any, source: str = "/bus", detail_type: str = "thing") -> None:
        """As the rule does, of events that were put on the bus."""
        for detail in details:
            self.put(json.dumps(delivered(detail, source, detail_type)))

    def put(self, body: str) -> None:
        """A message as it came, whatever it is."""
        self.sqs.send_message(QueueUrl=self.inbound, MessageBody=body)

    def deliver(self) -> int:
        """What the event source does with all that is in sight, deleted if the batch is done."""
        batch: list[dict[str, Any]] = []
        while some := self._receive():
            batch += some
        if batch:
            assert len(batch) <= SOURCE["BatchSize"]
            answer = app.handler({"Records": [as_record(message) for message in batch]}, None)
            failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for message in batch:
            if message["MessageId"] in failed:
                continue
            receipt = message["ReceiptHandle"]
            self.sqs.delete_message(QueueUrl=self.inbound, ReceiptHandle=receipt)
        return len(batch)

    def settle(self) -> None:
        """Deliver until nothing is in sight, late or being worked on."""
        for _ in range(60):
            self.deliver()
            if not self.waiting(self.inbound):
                return
            self.world.wait(seconds=60)
        raise AssertionError("an event is tried again and again")

    def waiting(self, url: str) -> int:
        """How many messages a queue holds, in sight or not."""
        kinds = ("", "Delayed", "NotVisible")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def rejections(self) -> list[RejectedEvent]:
        with held(self.sqs, self.rejected) as found:
            return list(found.values())

    def _receive(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.inbound,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    @contextmanager
    def on_call(self, hook: Callable[[str, str], object]) -> Iterator[None]:
        """`hook` is told of each call to DynamoDB and SQS, "before" and "after"; it may raise."""

        def before(model: Any, **_: Any) -> None:
            hook("before", model.name)

        def after(model: Any, **_: Any) -> None:
            hook("after", model.name)

        with ExitStack() as stack:
            for client in (self.world.table.client, self.sqs):
                events, service = client.meta.events, client.meta.service_model.service_name
                for moment, tell in (("before", before), ("after", after)):
                    events.register(f"{moment}-call.{service}", tell)
                    stack.callback(events.unregister, f"{moment}-call.{service}", tell)
            yield


def delivered(detail: Any, source: str = "/bus", detail_type: str = "thing") -> dict[str, Any]:
    """What EventBridge makes of an event."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": source,
        "account": "123456789012",
        "time": "2026-04-05T10:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }


def as_record(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as Lambda hands it over."""
    attributes = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {},
        "messageAttributes": {
            name: {key[0].lower() + key[1:]: value for key, value in attribute.items()}
            for name, attribute in attributes.items()
        },
        "eventSource": "aws:sqs",
    }


def new_bus(world: World, sqs: Any, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """The queues as the template has them, and a function that knows them."""

    ticks = count()

    def clock(*_: object) -> float:
        # It must go on: what is out of sight for no time at all would be so for ever.
        return to_datetime(world.now).timestamp() + next(ticks) / 1_000_000

    monkeypatch.setattr("moto.sqs.models.unix_time", clock)
    monkeypatch.setattr("moto.sqs.models.unix_time_millis", lambda: clock() * 1000)
    monkeypatch.setattr("tally.aws.held._WAIT_S", 0)
    urls = {
        name: sqs.create_queue(
            QueueName=name,
            Attributes={
                attribute: str(queue["Properties"][attribute])
                for attribute in ("VisibilityTimeout", "MessageRetentionPeriod")
                if attribute in queue["Properties"]
            },
        )["QueueUrl"]
        for name, queue in resources("AWS::SQS::Queue").items()
    }
    bus = Bus(world, sqs, urls["InboundEvents"], urls["RejectedEvents"])
    monkeypatch.setattr(app, "default_table", lambda: world.table)
    monkeypatch.setattr(app, "current_instant", lambda: world.now)
    inbound, rejected = (Queue(sqs, url, lambda _: None) for url in (bus.inbound, bus.rejected))
    monkeypatch.setattr(app, "inbound_events", lambda: inbound)
    monkeypatch.setattr(app, "rejected_events", lambda: rejected)
    return bus


def objects(world: World) -> int:
    """How many objects acme's dashboard counts."""
    world.deliver()
    found: int = world.get("/v1/provider/dashboard", "acme")["total_objects"]
    return found
