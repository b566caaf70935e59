"""The simulation's model of DynamoDB against the embedded AWS: the same calls, the same answers.

Where they differ, the model does as DynamoDB does. One difference is known: the embedded AWS adds
up to numbers of more than 38 digits, and DynamoDB refuses that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dev.own_stack import DeployedStack
from dev.template import create_table
from tally.aws.table import Table
from tally.aws.transactions import Action
from tally.kernel.keys import Key
from tests.simulation.both import Both, Writer
from tests.simulation.dynamodb import Database
from tests.simulation.market import indexes

NAME = "model"
ACTS = 1_500
ONE = Key("ONE", "A")

type Make = Callable[[Table], Sequence[Action]]


@pytest.fixture(scope="module")
def client(stack: DeployedStack) -> Any:
    made = stack.client("dynamodb")
    create_table(made, NAME)
    return made


@pytest.fixture
def both(client: Any) -> Both:
    """Empty at first."""
    for item in client.scan(TableName=NAME)["Items"]:
        client.delete_item(TableName=NAME, Key={"PK": item["PK"], "SK": item["SK"]})
    return Both(Database(time.time, indexes()), client)


@pytest.fixture
def table(both: Both) -> Table:
    stand_in: Any = both
    return Table(stand_in, NAME, sleep=lambda _: None)


def test_random_calls(both: Both, table: Table) -> None:
    writer = Writer(Random(1), table)
    for _ in range(ACTS):
        writer.act()

    assert both.differences == []
    assert both.errors > ACTS // 10
    stored = both.real.scan(TableName=NAME)["Items"]
    assert sorted(stored, key=_place) == list(both.model.items())
    assert stored


def _place(item: Any) -> tuple[str, str]:
    return item["PK"]["S"], item["SK"]["S"]


REFUSED: dict[str, Make] = {
    "no actions": lambda _: [],
    "101 actions": lambda table: [table.put(Key("P", str(n)), {}) for n in range(101)],
    "an item twice": lambda table: [table.put(ONE, {}), table.must_exist(ONE)],
    "more than 4 MB": lambda table: [
        table.put(Key("P", str(n)), {"text": "x" * 390_000}) for n in range(12)
    ],
    "an item over 400 KB": lambda table: [table.put(ONE, {"text": "x" * 410_000})],
    "an item that grows over 400 KB": lambda table: [
        table.update(ONE, "SET more = :more", more="x" * 120_000)
    ],
    "a sum with a text": lambda table: [table.add(ONE, {"text": 1})],
    "a value that is not used": lambda table: [table.put(ONE, {}, "n = :one", one=1, two=2)],
    "a value that is not given": lambda table: [table.put(ONE, {}, "n = :one")],
    "an empty key": lambda table: [table.put(Key("P", ""), {})],
    "a long key": lambda table: [table.put(Key("P", "x" * 1025), {})],
}


@pytest.mark.parametrize("actions", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(actions: Make, both: Both, table: Table) -> None:
    table.transact([table.put(ONE, {"text": "x" * 300_000})])

    with pytest.raises(ClientError):
        both.transact_write_items(TransactItems=list(actions(table)))
    assert both.differences == []


def test_a_token_is_good_for_one_transaction(both: Both, table: Table) -> None:
    one, other = ([table.add(ONE, {"n": n})] for n in (1, 2))
    for _ in range(2):
        both.transact_write_items(TransactItems=one, ClientRequestToken="t")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        both.transact_write_items(TransactItems=other, ClientRequestToken="t")

    assert table.get(ONE, consistent=True) == {"PK": "ONE", "SK": "A", "n": 1}
    assert both.differences == []


def test_a_cancelled_transaction_leaves_its_token(both: Both, table: Table) -> None:
    actions = [table.must_exist(ONE), table.put(Key("ONE", "B"), {})]
    with pytest.raises(ClientError, match="TransactionCanceled"):
        both.transact_write_items(TransactItems=actions, ClientRequestToken="u")
    table.transact([table.put(ONE, {})])
    both.transact_write_items(TransactItems=actions, ClientRequestToken="u")

    assert both.differences == []


def test_a_query_answers_a_megabyte_at_a_time(both: Both, table: Table) -> None:
    for n in range(20):
        table.transact([table.put(Key("P", f"{n:02}"), {"text": "x" * 100_000})])
    calls = both.calls

    assert len(list(table.query("P", consistent=True))) == 20
    assert both.calls == calls + 2
    assert both.differences == []
