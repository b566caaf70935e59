"""A record that cannot be counted: parked with its reason, in nobody's way, counted later."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tally.aws.items import to_item
from tally.catalog.items import object_key
from tally.counting.changes import Poison
from tally.counting.engine import count
from tally.counting.items import PARKED_PK
from tally.counting.markers import digest_of
from tally.counting.parking import Parked, list_parked, park
from tally.counting.recount import recount
from tally.kernel.errors import NotFound
from tests.builders import event
from tests.faults import Crash, FaultyClient, PickyClient, crash_after, crash_before
from tests.world import World


@pytest.fixture
def catalog(world: World) -> World:
    world.tenant("acme")
    world.send(event("dataset.created"), event("object.uploaded", size_bytes=10))
    return world


def put_strange_object(world: World, **attributes: Any) -> None:
    """Past all validation, as a bug or a person at the console would write it."""
    key = object_key("dset_1", "strange")
    world.table.client.put_item(
        TableName=world.table.name, Item=to_item(key, {"tenant_id": "acme"} | attributes)
    )


def objects(world: World) -> int:
    count: int = world.get("/v1/provider/dashboard", "acme")["total_objects"]
    return count


def test_the_rest_of_the_batch_is_counted_and_the_poison_is_parked(catalog: World) -> None:
    put_strange_object(catalog)
    result = catalog.deliver()
    assert (result.counted, len(result.parked)) == (2, 1)
    assert objects(catalog) == 1
    (parked,) = list_parked(catalog.table)
    assert parked.reason == "unreadable image: KeyError: 'dataset_id'"
    assert "strange" in parked.item_key


def test_a_number_that_is_none_is_poison(catalog: World) -> None:
    """Else the batch would fail until it is given up, and the shard would wait for it."""
    catalog.send(event("object.uploaded", object_id="o2", size_bytes=1))
    batch = catalog.new_stream_records()
    batch[-1]["dynamodb"]["NewImage"]["size_bytes"] = {"S": "large"}

    result = catalog.redeliver(batch)

    assert (result.counted, len(result.parked)) == (2, 1)
    (parked,) = list_parked(catalog.table)
    assert parked.reason == "unreadable image: TypeError: bytes is not a whole number"


def test_a_poison_delivered_again_is_parked_once(catalog: World) -> None:
    put_strange_object(catalog)
    batch = catalog.new_stream_records()
    for _ in range(3):
        for poison in count(catalog.table, batch, catalog.now).parked:
            park(catalog.table, poison, catalog.now)
        catalog.wait(minutes=1)
    assert len(list(list_parked(catalog.table))) == 1
    assert objects(catalog) == 1


def test_what_the_database_refuses_is_found_among_many_and_parked(catalog: World) -> None:
    catalog.send(*(event("object.uploaded", object_id=f"o{n}", size_bytes=1) for n in range(20)))
    batch = catalog.new_stream_records()
    picky: Any = PickyClient(catalog.table.client, refused=digest_of(batch[13]))
    result = count(replace(catalog.table, client=picky), batch, catalog.now)
    assert result.counted == len(batch) - 1
    assert result.parked == [
        Poison(
            batch[13],
            "refused by the database: An error occurred (ValidationException) when calling the "
            "TransactWriteItems operation: Overflow",
        )
    ]
    assert objects(catalog) == 20


def test_a_parked_record_counts_once_when_it_is_replayed(catalog: World) -> None:
    batch = catalog.new_stream_records()
    whole = batch[1]["dynamodb"]["NewImage"]
    batch[1]["dynamodb"]["NewImage"] = whole | {"review": {"S": "from a newer release"}}
    for poison in count(catalog.table, batch, catalog.now).parked:
        park(catalog.table, poison, catalog.now)
    (parked,) = list_parked(catalog.table)
    with pytest.raises(ValueError, match="from a newer release"):
        catalog.replay(parked.parked_id)
    assert objects(catalog) == 0

    _mend_parked(catalog, parked, whole)
    assert catalog.replay(parked.parked_id).counted == 1
    assert objects(catalog) == 1
    assert recount(catalog.table, "acme", sleep=lambda _: None) == []
    with pytest.raises(NotFound):
        catalog.replay(parked.parked_id)


@pytest.mark.parametrize("fault", [crash_before, crash_after])
def test_a_crash_while_parking_or_replaying_neither_loses_nor_doubles(
    catalog: World, fault: Any
) -> None:
    batch = catalog.new_stream_records()
    whole = batch[1]["dynamodb"]["NewImage"]
    batch[1]["dynamodb"]["NewImage"] = {"PK": {"S": "?"}, "SK": {"S": "OBJECT#?"}}
    (poison,) = count(catalog.table, batch, catalog.now).parked
    client: Any = FaultyClient(catalog.table.client)
    catalog.table = replace(catalog.table, client=client)

    client.after(0, fault)
    with pytest.raises(Crash):
        park(catalog.table, poison, catalog.now)
    park(catalog.table, poison, catalog.now)
    (parked,) = list_parked(catalog.table)

    _mend_parked(catalog, parked, whole)
    client.after(0, fault)
    with pytest.raises(Crash):
        catalog.replay(parked.parked_id)
    if fault is crash_before:
        catalog.replay(parked.parked_id)
    assert objects(catalog) == 1
    assert list(list_parked(catalog.table)) == []


def _mend_parked(world: World, parked: Parked, image: dict[str, Any]) -> None:
    """As if a release that can read the record had been deployed."""
    assert parked.raw
    raw = dict(parked.raw)
    raw["dynamodb"] = dict(raw["dynamodb"]) | {"NewImage": image}
    world.table.client.update_item(
        TableName=world.table.name,
        Key={"PK": {"S": PARKED_PK}, "SK": {"S": parked.parked_id}},
        UpdateExpression="SET #raw = :raw",
        ExpressionAttributeNames={"#raw": "raw"},
        ExpressionAttributeValues={":raw": {"B": zlib.compress(json.dumps(raw).encode())}},
    )


def test_a_record_too_big_to_keep_is_parked_without_its_images(catalog: World) -> None:
    noise = Random(0).randbytes(400_000).hex()
    raw = {
        "eventID": "big",
        "dynamodb": {
            "Keys": {"PK": {"S": "DATASET#d"}, "SK": {"S": "OBJECT#o"}},
            "NewImage": {"PK": {"S": "DATASET#d"}, "SK": {"S": "OBJECT#o"}, "x": {"S": noise}},
        },
    }
    (poison,) = count(catalog.table, [raw], catalog.now).parked
    assert park(catalog.table, poison, catalog.now)
    (parked,) = list_parked(catalog.table)
    assert parked.raw is None
    with pytest.raises(ValueError, match="recount"):
        catalog.replay(parked.parked_id)


def test_keys_of_counters_and_markers_never_come_back_to_be_counted(catalog: World) -> None:
    catalog.deliver()
    assert catalog.new_stream_records() == []
