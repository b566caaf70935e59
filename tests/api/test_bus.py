"""The event bus: what came over it is what came over HTTP, or is rejected with its reason."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest

from tests.api.answers import accepted, duplicate, ingested
from tests.builders import event
from tests.bus import Bus, delivered, new_bus, objects
from tests.world import CREDENTIALS, World

EARLY = "2026-01-01T00:00:00Z"


@pytest.fixture
def bus(world: World, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """The bus of a marketplace with tenant acme, whose dataset is dset_1."""
    sqs = botocore.session.get_session().create_client("sqs", **CREDENTIALS)
    world.tenant("acme")
    assert world.send(event("dataset.created", EARLY)).status == 202
    return new_bus(world, sqs, monkeypatch)


def without(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


# --------------------------------------------------------------------- the same events


def test_an_event_of_the_bus_is_accepted_and_over_http_a_duplicate(bus: Bus) -> None:
    sent = event("object.uploaded", size_bytes=1)

    bus.publish(sent)
    bus.settle()

    assert bus.rejections() == []
    assert objects(bus.world) == 1
    again = bus.world.send(sent)
    assert again.body["data"] == ingested(202, duplicate(sent)).body["data"]


def test_an_event_of_http_is_a_duplicate_on_the_bus(bus: Bus) -> None:
    sent = event("object.uploaded", size_bytes=2**53 + 1)
    assert bus.world.send(sent) == ingested(202, accepted(sent))

    bus.publish(sent, sent)
    with bus.world.unchanged():
        bus.settle()

    assert bus.rejections() == []


def test_eventbridges_own_fields_say_what_the_event_does_not(bus: Bus) -> None:
    sent = event("object.uploaded", size_bytes=1)
    bare = without("type", without("source", sent))

    bus.publish(bare, source=sent["source"], detail_type="object.uploaded")
    bus.settle()

    with bus.world.unchanged():
        again = bus.world.send(sent)
    assert again.body["data"] == ingested(202, duplicate(sent)).body["data"]


def test_numbers_are_taken_as_they_are_written(bus: Bus) -> None:
    """As a binary float it would be another number, and the event another event."""
    sent = event("object.uploaded", size_bytes=0)
    exact = 9_007_199_254_740_993
    body = json.dumps(delivered(sent)).replace('"size_bytes": 0', f'"size_bytes": {exact}')

    bus.put(body)
    bus.settle()

    world = bus.world
    world.deliver()
    assert world.get("/v1/provider/dashboard", "acme")["total_storage_bytes"] == exact


def test_an_amount_is_charged_as_it_is_written(bus: Bus) -> None:
    """This one has more digits than a binary float."""
    charge = event("dataset.accessed", kind="download", charged_amount=0, currency="USD")
    exact = "123456789012.345678"
    body = json.dumps(delivered(charge)).replace(
        '"charged_amount": 0', f'"charged_amount": {exact}'
    )

    bus.put(body)
    bus.settle()

    world = bus.world
    world.deliver()
    assert str(world.get("/v1/buyer/spend", "acme")["retrieval_spend"]) == exact
    charge["data"]["charged_amount"] = exact
    assert world.send(charge).body["data"]["duplicates"] == 1


def test_a_batch_of_all_sorts(bus: Bus) -> None:
    known = event("object.uploaded", object_id="known", size_bytes=1)
    bus.world.send(known)
    new = [event("object.uploaded", object_id=f"obj_{n}", size_bytes=1) for n in range(20)]
    wrong = event("object.uploaded", size_bytes=-1)
    early = event("object.uploaded", dataset_id="dset_2", size_bytes=1)

    bus.publish(wrong, known, *new, early)

    assert bus.deliver() == 23
    assert objects(bus.world) == 21
    assert [rejected.event_id for rejected in bus.rejections()] == [wrong["id"]]
    assert bus.waiting(bus.inbound) == 1


# ------------------------------------------------------------------------ the rejected


def test_a_rejected_event_is_kept_as_it_came_with_its_reason(bus: Bus) -> None:
    sent = event("object.uploaded", size_bytes=-1, note="Grüße")
    body = json.dumps(delivered(sent), ensure_ascii=False, indent=1).replace(": -1", ": -1.10e0")
    bus.put(body)

    with bus.world.unchanged():
        bus.deliver()

    (rejected,) = bus.rejections()
    assert rejected.body == body
    assert (rejected.source, rejected.event_id) == (sent["source"], sent["id"])
    assert rejected.code == "invalid_event"
    assert rejected.message == "data.size_bytes: must be an integer"
    assert rejected.since == bus.world.now
    assert bus.waiting(bus.inbound) == 0


def test_the_attributes_of_a_rejected_event_say_why(bus: Bus) -> None:
    bus.publish(event("object.uploaded", size_bytes=-1))
    bus.deliver()

    (message,) = bus.sqs.receive_message(QueueUrl=bus.rejected, MessageAttributeNames=["All"])[
        "Messages"
    ]

    said = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert json.loads(said.pop("error")) == {
        "code": "invalid_event",
        "message": "data.size_bytes: must be at least 0",
        "field": "data.size_bytes",
    }
    assert said == {"rejected_at": bus.world.now}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("no JSON", "The body is not valid JSON: Expecting value at line 1, column 1."),
        ("[" * 100_000, "The body is nested too deeply."),
        ('{"detail": NaN}', "The body is not valid JSON: NaN is not a JSON number."),
        ("[]", "The body must be an event of EventBridge."),
        ("null", "The body must be an event of EventBridge."),
        ("{}", "detail: must be a CloudEvent"),
        ('{"detail": "text"}', "detail: must be a CloudEvent"),
        ('{"detail": {}}', "specversion: is required"),
        ('{"detail": {"specversion": "1.0", "id": 5}}', "id: must be a string"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_event_is_rejected(body: str, message: str, bus: Bus) -> None:
    bus.put(body)

    with bus.world.unchanged():
        bus.deliver()

    (rejected,) = bus.rejections()
    assert (rejected.body, rejected.source, rejected.event_id) == (body, None, None)
    assert (rejected.code, rejected.message) == ("invalid_event", message)


@pytest.mark.parametrize("text", ["\x01", "\ud800", "\uffff"], ids=ascii)
def test_characters_that_sqs_does_not_take_stop_nobody(text: str, bus: Bus) -> None:
    """In a message they are escaped; nothing that is said of it may bring them out."""
    sent = event("object.uploaded", size_bytes=1)
    strange = event(f"object.{text}") | {"id": text}

    bus.publish(strange, sent)
    bus.deliver()

    assert objects(bus.world) == 1
    (message,) = bus.sqs.receive_message(QueueUrl=bus.rejected, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert text not in json.dumps(message["MessageAttributes"], ensure_ascii=False)


def test_a_conflict_is_rejected_at_once(bus: Bus) -> None:
    sent = event("object.uploaded", size_bytes=1)
    bus.world.send(sent)

    bus.publish(sent | {"time": EARLY})
    bus.deliver()

    assert [rejected.code for rejected in bus.rejections()] == ["event_conflict"]
    assert bus.waiting(bus.inbound) == 0
