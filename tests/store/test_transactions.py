"""One transaction is one thing to DynamoDB, however often it has to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.kernel.keys import Key
from tests.faults import Fault, FaultyClient, conflict, error_after, rival, throttle
from tests.world import World

COUNTER = Key("COUNTER", "COUNTER")
ITEM = Key("ITEM", "ITEM")


@dataclass
class RecordingClient(FaultyClient):
    """Keeps the token of every attempt."""

    tokens: list[str] = field(default_factory=list)

    def transact_write_items(self, **arguments: Any) -> Any:
        self.tokens.append(arguments["ClientRequestToken"])
        return super().transact_write_items(**arguments)


def meeting(world: World, *faults: Fault) -> tuple[RecordingClient, Table]:
    """A table whose first attempts meet these faults."""
    client: Any = RecordingClient(world.table.client)
    for n, fault in enumerate(faults):
        client.after(n, fault)
    return client, replace(world.table, client=client)


@pytest.mark.parametrize(
    "faults",
    [
        [error_after],
        [throttle, error_after],
        [error_after, throttle, throttle],
        [conflict, error_after],
        [throttle, conflict, throttle, conflict, error_after],
        [error_after, conflict],
    ],
    ids=lambda faults: ", ".join(fault.__name__ for fault in faults),
)
def test_all_attempts_are_one_transaction(faults: Sequence[Fault], world: World) -> None:
    client, table = meeting(world, *faults)

    table.transact([table.put_new(ITEM, {}), table.add(COUNTER, {"n": 1})])

    assert client.writes == len(faults) + 1
    assert len(set(client.tokens)) == 1
    assert table.get(COUNTER) == {"PK": "COUNTER", "SK": "COUNTER", "n": 1}


def test_every_transaction_has_a_token_of_its_own(world: World) -> None:
    client, table = meeting(world)

    for _ in range(3):
        table.transact([table.add(COUNTER, {"n": 1})])

    assert len(set(client.tokens)) == 3
    assert table.get(COUNTER) == {"PK": "COUNTER", "SK": "COUNTER", "n": 3}


def test_what_was_done_is_done_even_if_somebody_went_on_from_there(world: World) -> None:
    def go_on() -> None:
        world.table.transact(
            [world.table.update(ITEM, "SET step = :two", "step = :one", one=1, two=2)]
        )

    client, table = meeting(world, error_after, rival(go_on))

    table.transact([table.put(ITEM, {"step": 1}, "attribute_not_exists(PK)")])

    assert client.writes == 2
    assert table.get(ITEM) == {"PK": "ITEM", "SK": "ITEM", "step": 2}


def test_a_rivals_write_still_refuses_ours(world: World) -> None:
    """Only what is our own is found to be done."""
    _, table = meeting(
        world, throttle, rival(lambda: world.table.transact([world.table.put_new(ITEM, {"n": 1})]))
    )

    with pytest.raises(Cancelled):
        table.transact([table.put_new(ITEM, {"n": 1})])


# ------------------------------------------------- what the tests' DynamoDB does with tokens


def send(table: Table, token: str, *, amount: int = 1) -> None:
    """A sum, without any of the table's care."""
    actions: Any = [table.add(COUNTER, {"n": amount})]
    table.client.transact_write_items(TransactItems=actions, ClientRequestToken=token)


def total(table: Table) -> int:
    item = table.get(COUNTER) or {}
    return int(item.get("n", 0))


def test_a_token_is_good_for_one_transaction(world: World) -> None:
    for token in ("a", "a", "b", "a", "b"):
        send(world.table, token)

    assert total(world.table) == 2


def test_a_token_does_not_cover_another_transaction(world: World) -> None:
    send(world.table, "a")

    with pytest.raises(ClientError) as caught:
        send(world.table, "a", amount=2)

    assert caught.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    assert total(world.table) == 1


def test_a_token_is_forgotten_after_ten_minutes(world: World) -> None:
    send(world.table, "a")
    world.wait(minutes=9, seconds=59)
    send(world.table, "a")
    assert total(world.table) == 1

    world.wait(seconds=1)
    send(world.table, "a")

    assert total(world.table) == 2


def test_a_cancelled_transaction_may_come_again_under_its_token(world: World) -> None:
    table = world.table
    actions: Any = [table.must_exist(ITEM), table.add(COUNTER, {"n": 1})]
    with pytest.raises(ClientError):
        table.client.transact_write_items(TransactItems=actions, ClientRequestToken="a")
    table.transact([table.put_new(ITEM, {})])

    table.client.transact_write_items(TransactItems=actions, ClientRequestToken="a")

    assert total(table) == 1
