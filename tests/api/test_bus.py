"""The event bus: what came over it is what came over HTTP, tried again, or kept with its reason."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from functions.events.receive import app
from ops import cli
from ops.cli import Deployment
from tally.domain.errors import Unavailable
from tally.http.bus import DELAYS_S
from tests.api.answers import accepted, duplicate, ingested
from tests.bus import Bus, delivered, new_bus
from tests.faults import Crash
from tests.world import CREDENTIALS, World, event

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


def objects(world: World) -> int:
    world.deliver()
    found: int = world.get("/v1/provider/dashboard", "acme")["total_objects"]
    return found


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
    assert rejected.message == "data.size_bytes: Input should be a valid integer"
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
        "message": "data.size_bytes: Input should be greater than or equal to 0",
        "field": "data.size_bytes",
    }
    assert said == {"rejected_at": bus.world.now}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("no JSON", "The body is not valid JSON: Expecting value at line 1, column 1."),
        ("[" * 100_000, "The body is nested too deeply."),
        ('{"detail": NaN}', "The body is not valid JSON: NaN is no number."),
        ("[]", "The body must be an event of EventBridge."),
        ("null", "The body must be an event of EventBridge."),
        ("{}", "detail: must be a CloudEvent"),
        ('{"detail": "text"}', "detail: must be a CloudEvent"),
        ('{"detail": {}}', "specversion: Field required"),
        ('{"detail": {"specversion": "1.0", "id": 5}}', "id: Input should be a valid string"),
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


# ---------------------------------------------------------------------------- the early


def test_an_event_that_is_early_is_accepted_when_its_time_has_come(bus: Bus) -> None:
    upload = event("object.uploaded", dataset_id="dset_2", size_bytes=1)
    created = event("dataset.created", EARLY, dataset_id="dset_2")

    bus.publish(upload)
    assert bus.deliver() == 1
    bus.publish(created)
    assert bus.deliver() == 1
    bus.world.wait(seconds=9)
    assert bus.deliver() == 0
    bus.world.wait(seconds=1)
    assert bus.deliver() == 1

    assert bus.waiting(bus.inbound) == 0
    assert bus.rejections() == []
    assert objects(bus.world) == 1


@pytest.mark.parametrize(
    ("of", "code"),
    [({"dataset_id": "none"}, "unknown_dataset"), ({"tenant_id": "none"}, "unknown_tenant")],
    ids=str,
)
def test_an_event_whose_time_never_comes_is_rejected(
    of: dict[str, str], code: str, bus: Bus
) -> None:
    sent = event("object.uploaded", size_bytes=1, **of)
    bus.publish(sent)
    body = json.dumps(delivered(sent))

    with bus.world.unchanged():
        for delay_s in DELAYS_S:
            assert bus.deliver() == 1
            assert bus.rejections() == []
            bus.world.wait(seconds=delay_s - 1)
            assert bus.deliver() == 0
            bus.world.wait(seconds=1)
        assert bus.deliver() == 1

    (rejected,) = bus.rejections()
    assert (rejected.code, rejected.event_id, rejected.body) == (code, sent["id"], body)
    assert bus.waiting(bus.inbound) == 0


# -------------------------------------------------------------------------- the failures


def test_a_database_that_refuses_leaves_the_batch_to_be_delivered_again(bus: Bus) -> None:
    def refuse(moment: str, operation: str) -> None:
        if moment == "before" and operation == "TransactWriteItems":
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, operation)

    bus.publish(event("object.uploaded", size_bytes=1))
    with bus.on_call(refuse), pytest.raises(Unavailable):
        bus.deliver()
    assert bus.deliver() == 0
    bus.world.wait(seconds=185)
    assert bus.deliver() == 1

    assert objects(bus.world) == 1


def test_a_queue_that_refuses_leaves_the_batch_to_be_delivered_again(bus: Bus) -> None:
    def refuse(moment: str, operation: str) -> None:
        if moment == "before" and operation == "SendMessage":
            raise ClientError({"Error": {"Code": "Throttled", "Message": ""}}, operation)

    bus.publish(event("object.uploaded", size_bytes=1), event("object.uploaded", size_bytes=-1))
    with bus.on_call(refuse), pytest.raises(ClientError):
        bus.deliver()
    bus.world.wait(seconds=185)
    assert bus.deliver() == 2

    assert objects(bus.world) == 1
    assert len(bus.rejections()) == 1


def test_crashes_before_and_after_each_call_lose_nothing_and_count_nothing_twice(bus: Bus) -> None:
    def crash_at(nth: int) -> tuple[list[str], Any]:
        seen: list[str] = []

        def hook(moment: str, operation: str) -> None:
            if operation not in ("BatchGetItem", "TransactWriteItems", "SendMessage"):
                return  # not the function's
            seen.append(f"{moment} {operation}")
            if len(seen) == nth:
                raise Crash

        return seen, hook

    met = []
    for nth in range(1, 100):
        wrong = event("object.uploaded", size_bytes=-1)
        early = event("object.uploaded", dataset_id=f"dset_{nth}_late", size_bytes=1)
        good = event("object.uploaded", object_id=f"obj_{nth}", size_bytes=1)
        bus.publish(wrong, early, good)
        seen, hook = crash_at(nth)
        with bus.on_call(hook):
            try:
                bus.deliver()
            except Crash:
                met.append(seen[-1])
        bus.world.send(event("dataset.created", EARLY, dataset_id=f"dset_{nth}_late"))
        bus.settle()

        assert {rejected.event_id for rejected in bus.rejections()} == {wrong["id"]}
        assert len(bus.rejections()) <= 2
        bus.sqs.purge_queue(QueueUrl=bus.rejected)
        if len(seen) < nth:  # it came through
            break

    assert objects(bus.world) == 2 * nth
    moments = {
        f"{m} {o}" for m in ("before", "after") for o in ("TransactWriteItems", "SendMessage")
    }
    assert moments <= set(met)


def test_a_batch_is_logged_by_its_counts_and_a_rejection_by_its_code(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[tuple[str, dict[str, Any]]] = []

    class Recorder:
        def info(self, message: str, **fields: Any) -> None:
            logged.append((message, fields))

        warning = info

    monkeypatch.setattr(app, "logger", Recorder())
    good = event("object.uploaded", size_bytes=1)
    wrong = event("object.uploaded", size_bytes=-1)
    bus.publish(good, good, wrong, event("object.approved", dataset_id="none"))
    bus.deliver()

    assert logged == [
        ("event rejected", {"code": "invalid_event", "event_id": wrong["id"]}),
        (
            "batch received",
            {"messages": 4, "accepted": 1, "duplicates": 1, "to_be_tried_again": 1, "rejected": 1},
        ),
    ]


# -------------------------------------------------------------------------- the operator


@pytest.fixture
def deployed(bus: Bus) -> Deployment:
    outputs = {"InboundEventsQueueUrl": bus.inbound, "RejectedEventsQueueUrl": bus.rejected}
    return Deployment(bus.world.table, outputs, None, bus.sqs)


def test_the_rejected_are_listed_and_stay(
    bus: Bus, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [event("object.uploaded", object_id=f"{n}", size_bytes=-1) for n in range(25)]
    bus.publish(*wrong)
    bus.deliver()
    bus.world.wait(seconds=1)
    bus.put("[]")
    bus.deliver()

    for _ in range(2):
        capsys.readouterr()
        assert cli.list_rejected(deployed, Namespace()) == 0
        lines = capsys.readouterr().out.splitlines()
        assert sorted(lines[:75:3]) == sorted(f"/marketplace {each['id']}" for each in wrong)
        assert set(lines[1:75:3]) == {
            "  reason  invalid_event: data.size_bytes: Input should be greater than or equal to 0"
        }
        assert lines[75:] == [
            "? ?",
            "  reason  invalid_event: The body must be an event of EventBridge.",
            "  since   2026-04-05T10:00:01.000000000Z",
        ]


def test_nothing_rejected_is_said_to_be_so(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.list_rejected(deployed, Namespace()) == 0
    assert capsys.readouterr().out == "Nothing is rejected.\n"


def test_replayed_events_are_tried_as_if_for_the_first_time(
    bus: Bus, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    late = event("object.uploaded", dataset_id="dset_2", size_bytes=1)
    wrong = event("object.uploaded", size_bytes=-1)
    bus.publish(late, wrong)
    bus.settle()
    codes = {"unknown_dataset", "invalid_event"}
    assert {rejected.code for rejected in bus.rejections()} == codes

    assert cli.replay_rejected(deployed, Namespace(code="unknown_dataset")) == 0
    assert capsys.readouterr().out == "1 rejected events sent again\n"
    assert [rejected.event_id for rejected in bus.rejections()] == [wrong["id"]]
    assert bus.deliver() == 1
    assert bus.waiting(bus.inbound) == 1, "tried again in a while, as after the first time"
    bus.world.send(event("dataset.created", EARLY, dataset_id="dset_2"))
    bus.settle()
    assert objects(bus.world) == 1

    assert cli.replay_rejected(deployed, Namespace(code=None)) == 0
    assert capsys.readouterr().out == "1 rejected events sent again\n"
    assert bus.rejections() == []
    bus.settle()
    assert [rejected.event_id for rejected in bus.rejections()] == [wrong["id"]]


def test_what_the_rule_or_the_queue_gave_up_is_listed_too(
    bus: Bus, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps(delivered(event("object.approved", id="evt")))
    said = {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "Denied."}
    attributes = {n: {"DataType": "String", "StringValue": v} for n, v in said.items()}
    bus.sqs.send_message(QueueUrl=bus.rejected, MessageBody=body, MessageAttributes=attributes)
    bus.world.wait(seconds=1)
    bus.sqs.send_message(QueueUrl=bus.rejected, MessageBody=body)

    assert cli.list_rejected(deployed, Namespace()) == 0
    assert capsys.readouterr().out == (
        "/marketplace evt\n"
        "  reason  NO_PERMISSIONS: Denied.\n"
        "  since   2026-04-05T10:00:00.000000000Z\n"
        "/marketplace evt\n"
        "  reason  not_processed: The function failed on it again and again.\n"
        "  since   2026-04-05T10:00:01.000000000Z\n"
    )
