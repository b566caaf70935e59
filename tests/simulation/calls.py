"""Calls as they come: what DynamoDB refuses of them, and the writes of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation import expressions
from tests.simulation.expressions import Names
from tests.simulation.items import MOST_BYTES, InvalidItem, WireItem, key_of, size_of

type Answer = dict[str, Any]
type Address = tuple[str, str]

MOST_ACTIONS = 100
MOST_TRANSACTION_BYTES = 4 * 1024 * 1024
_ACTIONS = frozenset({"Put", "Update", "Delete", "ConditionCheck"})
NOTHING: WireItem = {}
_WRITE = (
    *("TableName", "Key", "Item", "UpdateExpression", "ConditionExpression"),
    *("ExpressionAttributeNames", "ExpressionAttributeValues"),
    "ReturnValuesOnConditionCheckFailure",
)


@dataclass(frozen=True, slots=True)
class Write:
    """One action of a transaction, ready to be tried."""

    address: Address
    action: Mapping[str, Any]
    test: expressions.Test | None
    change: Callable[[WireItem], WireItem | None] | None


def failure(code: str, operation: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def refused(message: str) -> ClientError:
    return failure("ValidationException", "Call", message)


def cancellation(reasons: Sequence[Answer | None]) -> ClientError:
    codes = ", ".join(reason["Code"] if reason else "None" for reason in reasons)
    response: Any = {
        "Error": {
            "Code": "TransactionCanceledException",
            "Message": f"Transaction cancelled, please refer cancellation reasons [{codes}]",
        },
        "CancellationReasons": [reason or {"Code": "None"} for reason in reasons],
    }
    return ClientError(response, "TransactWriteItems")


def refusal(reason: Answer) -> ClientError:
    """What a write by itself is told, for the reason that would cancel a transaction."""
    code = reason["Code"].replace("ConditionalCheckFailed", "ConditionalCheckFailedException")
    response: Any = {
        "Error": {
            "Code": code.replace("ValidationError", "ValidationException"),
            "Message": reason["Message"],
        }
    }
    if "Item" in reason:
        response["Item"] = reason["Item"]
    return ClientError(response, "Write")


def checked[T](check: Callable[[WireItem], T], item: WireItem) -> T:
    try:
        return check(item)
    except InvalidItem as error:
        raise refused(str(error)) from error


def known(call: Mapping[str, Any], *arguments: str) -> None:
    if unknown := call.keys() - set(arguments):
        raise expressions.Unsupported(f"arguments {sorted(unknown)}")


def names_of(call: Mapping[str, Any]) -> Names:
    return tuple(call.get("ExpressionAttributeNames", NOTHING).items())


def all_used(call: Mapping[str, Any], used: frozenset[str]) -> None:
    given = {
        *call.get("ExpressionAttributeNames", NOTHING),
        *call.get("ExpressionAttributeValues", NOTHING),
    }
    if given != used:
        raise refused(f"used in expressions, or given, but not both: {sorted(given ^ used)}")


def write_of(action: Mapping[str, Any]) -> Write:
    ((kind, body),) = action.items()
    if kind not in _ACTIONS:
        raise expressions.Unsupported(kind)
    known(body, *_WRITE)
    names = names_of(body)
    used: frozenset[str] = frozenset()
    test = change = None
    if "ConditionExpression" in body:
        condition = expressions.condition(body["ConditionExpression"], names)
        test, used = condition.run, condition.used
    address = checked(key_of, body["Item"] if kind == "Put" else body["Key"])
    if kind == "Put":
        item = body["Item"]
        if checked(size_of, item) > MOST_BYTES:
            raise refused("Item size has exceeded the maximum allowed size")
        change = _becomes(item)
    elif kind == "Delete":
        change = _becomes(None)
    elif kind == "Update":
        update = expressions.update(body["UpdateExpression"], names)
        used |= update.used
        change = _updated(update.run, body)
    elif test is None:
        raise refused("a condition check needs a condition")
    all_used(body, used)
    return Write(address, body, test, change)


def _becomes(item: WireItem | None) -> Callable[[WireItem], WireItem | None]:
    return lambda _: item


def _updated(
    run: expressions.Change, body: Mapping[str, Any]
) -> Callable[[WireItem], WireItem | None]:
    key, bound = body["Key"], body.get("ExpressionAttributeValues", NOTHING)
    return lambda item: run(item or key, bound)


def validate(writes: Sequence[Write]) -> None:
    if not 0 < len(writes) <= MOST_ACTIONS:
        raise refused("Member must have length less than or equal to 100")
    if len({write.address for write in writes}) < len(writes):
        raise refused("Transaction request cannot include multiple operations on one item")
    if sum(size_of(write.action.get("Item", NOTHING)) for write in writes) > MOST_TRANSACTION_BYTES:
        raise refused("Transaction size cannot exceed 4 MB")


def written(request: Mapping[str, Any]) -> tuple[Address, WireItem | None]:
    """Where a write of a batch is, and the item; None if it is deleted."""
    ((kind, body),) = request.items()
    if kind == "DeleteRequest":
        return checked(key_of, body["Key"]), None
    if kind != "PutRequest":
        raise expressions.Unsupported(kind)
    if checked(size_of, body["Item"]) > MOST_BYTES:
        raise refused("Item size has exceeded the maximum allowed size")
    return checked(key_of, body["Item"]), body["Item"]
