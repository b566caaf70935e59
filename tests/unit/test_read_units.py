"""The rules that the benchmark bills by; the sizes are counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from dev.bench.units import cancelled_write_units, item_size, read_units

KEY = {"PK": {"S": "p"}, "SK": {"S": "s"}}
READ_KEY: dict[str, Any] = {"TableName": "t", "Key": KEY}
QUERY: dict[str, Any] = {"TableName": "t", "KeyConditionExpression": "PK = :pk"}
CONSISTENT = {"ConsistentRead": True}


def item(size: int) -> dict[str, Any]:
    """An item of exactly so many bytes: 6 for the keys, 1 for the name of the rest."""
    return KEY | {"x": {"B": b"." * (size - 7)}}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "kaffee"}, 6),
        ({"S": "Ünïcödé"}, 11),
        ({"B": b"\0\1\2"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "1234"}, 3),
        ({"N": "-12345"}, 5),
        ({"N": "5000000"}, 2),
        ({"N": "0.0025"}, 2),
        ({"N": "1.25E+10"}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 1 + 2 + 1 + 2),
        ({"M": {"name": {"S": "ab"}}}, 3 + 1 + 4 + 2),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "22"]}, 4),
    ],
)
def test_an_items_size_is_that_of_its_names_and_values(value: dict[str, Any], size: int) -> None:
    assert item_size({"näme": value}) == 5 + size


def test_the_sample_items_have_the_size_they_say() -> None:
    assert item_size(item(4096)) == 4096


@pytest.mark.parametrize(("size", "units"), [(7, 1), (4096, 1), (4097, 2), (40_960, 10)])
def test_a_get_costs_a_unit_for_each_4_kb_begun_and_half_if_it_may_be_stale(
    size: int, units: float
) -> None:
    answer = {"Item": item(size)}
    assert read_units("GetItem", READ_KEY | CONSISTENT, answer) == units
    assert read_units("GetItem", READ_KEY, answer) == units / 2
    assert read_units("GetItem", READ_KEY | {"ConsistentRead": False}, answer) == units / 2


def test_what_is_not_there_costs_the_least_that_a_read_can() -> None:
    assert read_units("GetItem", READ_KEY, {}) == 0.5
    assert read_units("GetItem", READ_KEY | CONSISTENT, {}) == 1
    assert read_units("Query", QUERY, {"Items": []}) == 0.5
    assert read_units("Query", QUERY | CONSISTENT, {"Items": []}) == 1


def test_a_query_rounds_the_sum_of_its_items() -> None:
    assert read_units("Query", QUERY | CONSISTENT, {"Items": [item(1000)] * 4}) == 1
    assert read_units("Query", QUERY | CONSISTENT, {"Items": [item(1000)] * 5}) == 2
    assert read_units("Query", QUERY, {"Items": [item(1000)] * 5}) == 1


def test_a_batch_rounds_each_of_its_items_and_bills_those_that_are_missing() -> None:
    wanted: dict[str, Any] = {"Keys": [KEY] * 5}
    answer = {
        "Responses": {"t": [item(1000), item(5000)]},
        "UnprocessedKeys": {"t": {"Keys": [KEY]}},
    }
    consistent = {"RequestItems": {"t": wanted | CONSISTENT}}
    assert read_units("BatchGetItem", consistent, answer) == 1 + 2 + 2
    assert read_units("BatchGetItem", {"RequestItems": {"t": wanted}}, answer) == 2.5


@pytest.mark.parametrize("name", ["ProjectionExpression", "FilterExpression", "Select"])
def test_a_read_that_hides_what_it_read_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        read_units("Query", QUERY | {name: "x"}, {"Items": []})


def test_writes_read_nothing_and_unknown_calls_are_refused() -> None:
    assert read_units("TransactWriteItems", {}, {}) == 0
    with pytest.raises(ValueError, match="Scan"):
        read_units("Scan", {}, {})


def test_a_cancelled_transaction_is_billed_like_one_that_wrote() -> None:
    actions = [{"Put": {"Item": item(1024)}}, {"Put": {"Item": item(1025)}}, {"Update": {}}]
    assert cancelled_write_units({"TransactItems": actions}) == 2 * (1 + 2 + 1)
