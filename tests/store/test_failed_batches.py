"""`tally failed replay`: each change of the bucket's batches is counted, and once only."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import botocore.session
import pytest

from ops.counters import replay_failed
from ops.deployment import Deployment
from tests.builders import event
from tests.faults import Crash
from tests.store.recounts import count_everything, drifts
from tests.world import CREDENTIALS, World

BUCKET = "failed-batches"
FOLDER = "aws/lambda/0a1b2c3d/shardId-1/2026/04/05"


@pytest.fixture
def deployed(world: World) -> Deployment:
    session: Any = botocore.session.get_session()
    s3 = session.create_client("s3", **CREDENTIALS)
    s3.create_bucket(Bucket=BUCKET)
    count_everything(world)
    return Deployment(world.table, {"FailedBatchesBucket": BUCKET}, s3, None)


def keep(deployed: Deployment, name: str, records: Sequence[Any], *, as_text: bool = True) -> None:
    """As Lambda does with a batch that it gives up."""
    payload: Any = {"Records": records}
    body = {
        "requestContext": {"condition": "MaximumRecordAgeExceeded"},
        "version": "1.0",
        "payload": json.dumps(payload) if as_text else payload,
    }
    deployed.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}", Body=json.dumps(body).encode())


def uploads(world: World, many: int) -> list[dict[str, Any]]:
    """New objects, whose changes nobody has counted."""
    world.send(*(event("object.uploaded", object_id=f"n{n}", size_bytes=1) for n in range(many)))
    return world.new_stream_records()


def objects(world: World) -> int:
    found: int = world.get("/v1/provider/dashboard", "acme")["total_objects"]
    return found


@pytest.mark.parametrize("as_text", [True, False])
def test_a_batch_of_which_parts_were_counted(
    world: World, deployed: Deployment, capsys: pytest.CaptureFixture[str], *, as_text: bool
) -> None:
    """Cut in half by Lambda, one half counted, the other given up together with the whole."""
    records = uploads(world, 6)
    world.redeliver(records[:2])
    keep(deployed, "half", records[3:], as_text=as_text)
    keep(deployed, "whole", records, as_text=as_text)

    assert replay_failed(deployed, Namespace()) == 0

    assert capsys.readouterr().out == (
        f"{FOLDER}/half: counted 3, already counted 0, parked 0\n"
        f"{FOLDER}/whole: counted 1, already counted 5, parked 0\n"
        "2 failed batches replayed\n"
    )
    assert (objects(world), drifts(world)) == (7, [])


def test_a_batch_that_is_replayed_twice(
    world: World, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between counting and deleting, the operator's command dies."""
    keep(deployed, "batch", uploads(world, 3))

    def die(**_: Any) -> None:
        raise Crash

    events = deployed.s3.meta.events
    events.register("before-call.s3.DeleteObject", die)
    with pytest.raises(Crash):
        replay_failed(deployed, Namespace())
    events.unregister("before-call.s3.DeleteObject", die)
    assert replay_failed(deployed, Namespace()) == 0

    assert capsys.readouterr().out == (
        f"{FOLDER}/batch: counted 0, already counted 3, parked 0\n1 failed batches replayed\n"
    )
    assert (objects(world), drifts(world)) == (4, [])


def test_a_batch_that_is_replayed_after_the_stream_has_gone_on(
    world: World, deployed: Deployment
) -> None:
    """Later changes of the same objects are counted by then."""
    lost = uploads(world, 3)
    keep(deployed, "batch", lost)
    world.send(event("object.approved", "2026-04-05T09:40:00Z", object_id="n0"))
    world.send(event("object.deleted", "2026-04-05T09:40:00Z", object_id="n1"))
    world.deliver()
    assert drifts(world) != []

    assert replay_failed(deployed, Namespace()) == 0
    world.deliver()

    assert (objects(world), drifts(world)) == (3, [])


def test_what_cannot_be_counted_is_parked_and_what_is_no_batch_stays(
    world: World, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    good, poison = uploads(world, 2)
    poison["dynamodb"]["NewImage"]["size_bytes"] = {"S": "large"}
    keep(deployed, "batch", [poison, good])
    for name, body in (("a-note", b"do not delete"), ("another", b'{"payload": {}}')):
        deployed.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{name}", Body=body)

    assert replay_failed(deployed, Namespace()) == 1

    assert capsys.readouterr().out == (
        f"{FOLDER}/a-note: not a batch, left where it is\n"
        f"{FOLDER}/another: not a batch, left where it is\n"
        f"{FOLDER}/batch: counted 1, already counted 0, parked 1\n"
        "1 failed batches replayed\n"
    )
    left = deployed.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [each["Key"] for each in left] == [f"{FOLDER}/a-note", f"{FOLDER}/another"]
