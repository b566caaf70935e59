"""The event bus: events that come early or fail are tried again, in the end by an operator."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from functions.triggers.queues.receive_events import app
from ops.deployment import Deployment
from ops.events import list_rejected, replay_rejected
from tally.intake.bus import DELAYS_S
from tally.kernel.errors import Unavailable
from tally.metrics import Metric, measured
from tests.builders import event
from tests.bus import Bus, delivered, new_bus, objects
from tests.faults import Crash
from tests.world import CREDENTIALS, World

EARLY = "2026-01-01T00:00:00Z"


@pytest.fixture
def bus(world: World, monkeypatch: pytest.MonkeyPatch) -> Bus:
    """The bus of a marketplace with tenant acme, whose dataset is dset_1."""
    sqs = botocore.session.get_session().create_client("sqs", **CREDENTIALS)
    world.tenant("acme")
    assert world.send(event("dataset.created", EARLY)).status == 202
    return new_bus(world, sqs, monkeypatch)


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


@pytest.mark.parametrize("code", ["RequestThrottled", "AccessDenied"])
def test_a_queue_that_refuses_leaves_its_messages_to_be_delivered_again(
    bus: Bus, code: str
) -> None:
    def refuse(moment: str, operation: str) -> None:
        if moment == "before" and operation == "SendMessage":
            raise ClientError({"Error": {"Code": code, "Message": ""}}, operation)

    early = event("object.uploaded", dataset_id="none", size_bytes=1)
    wrong = event("object.uploaded", size_bytes=-1)
    bus.publish(event("object.uploaded", size_bytes=1), early, wrong)
    with bus.on_call(refuse):
        assert bus.deliver() == 3
    assert (objects(bus.world), bus.waiting(bus.inbound), bus.rejections()) == (1, 2, [])
    bus.world.wait(seconds=185)
    assert bus.deliver() == 2

    assert [rejected.event_id for rejected in bus.rejections()] == [wrong["id"]]
    assert bus.waiting(bus.inbound) == 1, "the early one"


@pytest.mark.slow
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

    now = bus.world.now
    rejected = measured(now, {Metric.REJECTED: 1}, code="invalid_event")
    accepted = measured(now, {Metric.ACCEPTED: 1, Metric.DUPLICATES: 1})
    assert logged == [
        ("event rejected", {"event_id": wrong["id"], **rejected}),
        (
            "batch received",
            {"messages": 4, "to_be_tried_again": 1, "rejected": 1, "failed": 0, **accepted},
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
        assert list_rejected(deployed, Namespace()) == 0
        lines = capsys.readouterr().out.splitlines()
        assert sorted(lines[:75:3]) == sorted(f"/marketplace {each['id']}" for each in wrong)
        assert set(lines[1:75:3]) == {
            "  reason  invalid_event: data.size_bytes: must be at least 0"
        }
        assert lines[75:] == [
            "? ?",
            "  reason  invalid_event: The body must be an event of EventBridge.",
            "  since   2026-04-05T10:00:01.000000000Z",
        ]


def test_nothing_rejected_is_said_to_be_so(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list_rejected(deployed, Namespace()) == 0
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

    assert replay_rejected(deployed, Namespace(code="unknown_dataset")) == 0
    assert capsys.readouterr().out == "1 rejected events sent again\n"
    assert [rejected.event_id for rejected in bus.rejections()] == [wrong["id"]]
    assert bus.deliver() == 1
    assert bus.waiting(bus.inbound) == 1, "tried again in a while, as after the first time"
    bus.world.send(event("dataset.created", EARLY, dataset_id="dset_2"))
    bus.settle()
    assert objects(bus.world) == 1

    assert replay_rejected(deployed, Namespace(code=None)) == 0
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

    assert list_rejected(deployed, Namespace()) == 0
    assert capsys.readouterr().out == (
        "/marketplace evt\n"
        "  reason  NO_PERMISSIONS: Denied.\n"
        "  since   2026-04-05T10:00:00.000000000Z\n"
        "/marketplace evt\n"
        "  reason  not_processed: The function failed on it again and again, or it is too large to "
        "carry a reason.\n"
        "  since   2026-04-05T10:00:01.000000000Z\n"
    )
