"""The event bus: a message that is poison or fills its queue's limit harms no other, and stays."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from functions.triggers.queues.receive_events import app
from tally.aws.queues import MAX_MESSAGE_BYTES
from tally.intake.accepting import ingest_readings
from tests.builders import event
from tests.bus import Bus, delivered, new_bus, objects
from tests.world import CREDENTIALS, World


@pytest.fixture
def bus(world: World, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """The bus of a marketplace with tenant acme, whose dataset is dset_1."""
    sqs = botocore.session.get_session().create_client("sqs", **CREDENTIALS)
    world.tenant("acme")
    assert world.send(event("dataset.created", "2026-01-01T00:00:00Z")).status == 202
    return new_bus(world, sqs, monkeypatch)


def test_an_event_that_the_function_fails_on_takes_no_other_with_it(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(table: Any, readings: Any, door: Any) -> Any:
        if any(getattr(each, "event_id", "") == "poison" for each in readings):
            raise KeyError("poison")
        return ingest_readings(table, readings, door)

    monkeypatch.setattr(app, "ingest_readings", stumble)
    wrong = event("object.uploaded", size_bytes=-1)
    bus.publish(
        event("object.uploaded", object_id="o1", size_bytes=1),
        event("object.uploaded", id="poison", object_id="o2", size_bytes=1),
        wrong,
        event("object.uploaded", object_id="o3", size_bytes=1),
    )
    assert bus.deliver() == 4

    assert objects(bus.world) == 2
    assert [rejected.event_id for rejected in bus.rejections()] == [wrong["id"]]
    assert bus.waiting(bus.inbound) == 1
    monkeypatch.setattr(app, "ingest_readings", ingest_readings)
    bus.world.wait(seconds=185)
    bus.settle()
    assert objects(bus.world) == 3


# ------------------------------------------------------------------------- the very large


@pytest.mark.parametrize(
    ("room", "code", "message"),
    [
        (2_000, "invalid_event", "data.size_bytes: must be at least 0"),
        (150, "invalid_event", "The event leaves no room for the reason."),
        (
            20,
            "not_processed",
            "The function failed on it again and again, or it is too large to carry a reason.",
        ),
        (
            0,
            "not_processed",
            "The function failed on it again and again, or it is too large to carry a reason.",
        ),
    ],
)
def test_an_event_that_fills_its_message_is_rejected_with_as_much_of_the_reason_as_fits(
    bus: Bus, room: int, code: str, message: str
) -> None:
    body = filled(event("object.uploaded", id="large", size_bytes=-1), MAX_MESSAGE_BYTES - room)
    bus.put(body)

    count_attributes_too(bus)
    assert bus.deliver() == 1

    (rejected,) = bus.rejections()
    assert (rejected.code, rejected.message, rejected.body) == (code, message, body)
    assert bus.waiting(bus.inbound) == 0


@pytest.mark.parametrize(("room", "tried_again"), [(12, 1), (11, 0)])
def test_an_early_event_that_fills_its_message_is_tried_again_if_that_can_be_noted(
    bus: Bus, room: int, tried_again: int
) -> None:
    early = event("object.uploaded", dataset_id="none", size_bytes=1)
    bus.put(filled(early, MAX_MESSAGE_BYTES - room))

    count_attributes_too(bus)
    assert bus.deliver() == 1

    assert bus.waiting(bus.inbound) == tried_again
    assert bus.waiting(bus.rejected) == 1 - tried_again


def filled(sent: dict[str, Any], size: int) -> str:
    """A message of this many bytes: its event says more than anybody asks for."""
    empty = json.dumps(delivered(sent | {"data": {**sent["data"], "note": "é"}}, source="/bus"))
    missing = size - len(empty.encode())
    return empty.replace('"note": "', '"note": "' + "x" * missing, 1)


def count_attributes_too(bus: Bus) -> None:
    """The tests' queues do not count attributes; those of AWS do."""

    def check(params: Any, **_: Any) -> None:
        sent = json.loads(params["body"])
        attributes = sent.get("MessageAttributes", {})
        size = len(sent["MessageBody"].encode()) + sum(
            len(name.encode()) + len("String") + len(each["StringValue"].encode())
            for name, each in attributes.items()
        )
        if size > MAX_MESSAGE_BYTES:
            error: Any = {"Error": {"Code": "InvalidParameterValue", "Message": "too long"}}
            raise ClientError(error, "SendMessage")

    bus.sqs.meta.events.register("before-call.sqs.SendMessage", check)
