"""What DynamoDB bills for a call, from its request and its answer in wire format.

Rules: the developer guide's "Item sizes and formats" and "Read and write operations".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

type Wire = Mapping[str, Any]

READ_STEP = 4 * 1024
WRITE_STEP = 1024
# With these the answer is smaller than what was read, and DynamoDB bills what was read.
_HIDES_WHAT_WAS_READ = ("ProjectionExpression", "FilterExpression", "Select", "AttributesToGet")


def read_units(operation: str, request: Wire, answer: Wire) -> float:
    """Of a GetItem, Query or BatchGetItem; 0 for a write. ValueError for any other read."""
    match operation:
        case "GetItem":
            found = [answer["Item"]] if "Item" in answer else []
            return _single_read(request, found)
        case "Query":
            return _single_read(request, answer["Items"])
        case "BatchGetItem":
            return sum(
                _batch_read(
                    wanted,
                    answer["Responses"].get(table, []),
                    answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", []),
                )
                for table, wanted in request["RequestItems"].items()
            )
        case "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem":
            return 0
        case _:
            raise ValueError(f"no rule for what {operation} costs")


def cancelled_write_units(request: Wire) -> float:
    """Of a TransactWriteItems that wrote nothing but is billed as if it had.

    Updates and checks count as one step: the sizes of their items are not known.
    """
    puts = [action["Put"]["Item"] for action in request["TransactItems"] if "Put" in action]
    others = len(request["TransactItems"]) - len(puts)
    return 2 * (sum(_steps(item_size(item), WRITE_STEP) for item in puts) + others)


def item_size(item: Wire) -> int:
    """Bytes of an item: its attributes' names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _single_read(request: Wire, items: Sequence[Wire]) -> float:
    """All items that one request read are rounded up together; nothing found costs one step."""
    _refuse_hidden(request)
    units = _steps(sum(map(item_size, items)), READ_STEP)
    return units * _consistency(request)


def _batch_read(wanted: Wire, items: Sequence[Wire], unprocessed: Sequence[Wire]) -> float:
    """Each item is rounded up by itself, and each key without an item costs one step."""
    _refuse_hidden(wanted)
    missing = len(wanted["Keys"]) - len(items) - len(unprocessed)
    units = sum(_steps(item_size(item), READ_STEP) for item in items) + missing
    return units * _consistency(wanted)


def _consistency(request: Wire) -> float:
    return 1 if request.get("ConsistentRead") else 0.5


def _refuse_hidden(request: Wire) -> None:
    for name in _HIDES_WHAT_WAS_READ:
        if name in request:
            raise ValueError(f"with {name} the answer does not show what was read")


def _steps(size: int, step: int) -> int:
    return max(1, ceil(size / step))


def _value_size(value: Wire) -> int:  # noqa: PLR0911  one line a type
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return _number_size(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(part) for part in content)
        case "M":
            return 3 + sum(1 + item_size({name: part}) for name, part in content.items())
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: part}) for part in content)
        case _:
            raise ValueError(f"no rule for the size of a {kind}")


def _number_size(text: str) -> int:
    """A byte, one more for each two significant digits, and one for a minus."""
    mantissa = re.split("[eE]", text)[0]
    digits = mantissa.lstrip("+-").replace(".", "").strip("0")
    return 1 + ceil(len(digits) / 2) + mantissa.startswith("-")
