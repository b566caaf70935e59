"""The single table: every call that Tally makes of it, and the actions of its transactions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError

from tally.aws.clients import make_client
from tally.aws.items import from_item, key_of, to_item, values
from tally.aws.retries import pauses, retried
from tally.aws.transactions import (
    MAX_TRANSACTION_ACTIONS,
    Action,
    InvalidTransaction,
    cancelled_by,
)
from tally.kernel.errors import Unavailable
from tally.kernel.keys import Key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_KEYS_A_CALL = 100
_MAX_WRITES_A_CALL = 25
_BUSY = "The database is busy; send the request again."


class Modified(NamedTuple):
    """What came of an update. `item` is as the update left it or, if the condition did not hold,
    as it was; None if there is none. All `attempts` but the last may have been done as well."""

    done: bool
    item: dict[str, Any] | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Table:
    """The calls that Tally makes. All retry what passes by itself as long as there is time, then
    raise Unavailable."""

    client: DynamoDBClient
    name: str
    sleep: Callable[[float], None] = time.sleep

    def get(self, key: Key, *, consistent: bool = False) -> dict[str, Any] | None:
        """One item, in one call."""
        answer = self._call(
            self.client.get_item,
            TableName=self.name,
            Key=key_of(key),
            ConsistentRead=consistent,
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key]) -> dict[Key, dict[str, Any]]:
        """Those that exist, read consistently, in one call per 100 keys."""
        found: dict[Key, dict[str, Any]] = {}
        distinct = list(dict.fromkeys(keys))
        for start in range(0, len(distinct), MAX_KEYS_A_CALL):
            wanted: dict[str, Any] = {
                self.name: {
                    "Keys": [key_of(key) for key in distinct[start : start + MAX_KEYS_A_CALL]],
                    "ConsistentRead": True,
                }
            }
            for pause in pauses():
                answer = self._call(self.client.batch_get_item, RequestItems=wanted)
                for item in map(from_item, answer["Responses"].get(self.name, [])):
                    found[Key(item["PK"], item["SK"])] = item
                wanted = answer.get("UnprocessedKeys") or {}
                if not wanted:
                    break
                self.sleep(pause)
            else:
                raise Unavailable(_BUSY)
        return found

    def query(
        self,
        pk: str,
        prefix: str = "",
        *,
        between: tuple[str, str] | None = None,
        after: str | None = None,
        limit: int | None = None,
        page: int | None = None,
        newest_first: bool = False,
        consistent: bool = False,
        attributes: Sequence[str] = (),
    ) -> Iterator[dict[str, Any]]:
        """Items of a partition whose sort key has a prefix or lies between two, both included,
        page by page as they are taken.

        `after` is the sort key to go on behind; `page`, how many items one call may answer, as far
        as they fit into 1 MB.
        """
        arguments = {
            "TableName": self.name,
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent,
            **_key_condition(pk, prefix, between),
            **_projection(attributes),
        }
        if after is not None:
            arguments["ExclusiveStartKey"] = key_of(Key(pk, after))
        left = limit
        while True:
            bounds = [bound for bound in (left, page) if bound is not None]
            if bounds:
                arguments["Limit"] = min(bounds)
            answer = self._call(self.client.query, **arguments)
            for item in answer["Items"]:
                yield from_item(item)
            if left is not None:
                left -= len(answer["Items"])
            if "LastEvaluatedKey" not in answer or left == 0:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            del answer  # or there are two pages in memory when the next one comes

    def query_index(
        self,
        index: str,
        condition: str,
        bound: dict[str, Any],
        *,
        limit: int,
        newest_first: bool = False,
        **arguments: Any,
    ) -> list[dict[str, Any]]:
        """Up to `limit` items of an index, in one call if they fit into 1 MB."""
        items: list[dict[str, Any]] = []
        while True:
            answer = self._call(
                self.client.query,
                TableName=self.name,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values(bound),
                ScanIndexForward=not newest_first,
                Limit=limit - len(items),
                **arguments,
            )
            items += map(from_item, answer["Items"])
            if len(items) == limit or "LastEvaluatedKey" not in answer:
                return items
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def page(
        self, pk: str, between: tuple[str, str], *, having: str, limit: int, after: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Of the next `limit` items between two sort keys, at most 1 MB of them, those that have
        an attribute; and the sort key to go on behind, None at the end. Read consistently, in one
        call."""
        arguments = _key_condition(pk, "", between)
        if after is not None:
            arguments["ExclusiveStartKey"] = key_of(Key(pk, after))
        answer = self._call(
            self.client.query,
            TableName=self.name,
            ConsistentRead=True,
            FilterExpression="attribute_exists(#having)",
            ExpressionAttributeNames={"#having": having},
            Limit=limit,
            **arguments,
        )
        last = answer.get("LastEvaluatedKey")
        return [*map(from_item, answer["Items"])], from_item(last)["SK"] if last else None

    def write_each(
        self, *, deletes: Sequence[Key] = (), puts: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Delete items, and write others whole with the keys that they have: each by itself and
        whatever is stored, in one call per 25. To be repeated if it raises."""
        requests: list[Any] = [{"DeleteRequest": {"Key": key_of(key)}} for key in deletes]
        requests += [{"PutRequest": {"Item": values(item)}} for item in puts]
        for start in range(0, len(requests), _MAX_WRITES_A_CALL):
            wanted: Any = {self.name: requests[start : start + _MAX_WRITES_A_CALL]}
            for pause in pauses():
                answer = self._call(self.client.batch_write_item, RequestItems=wanted)
                wanted = answer.get("UnprocessedItems")
                if not wanted:
                    break
                self.sleep(pause)
            else:
                raise Unavailable(_BUSY)

    def transact(self, actions: Sequence[Action]) -> None:
        """All of the actions or none. Cancelled if a condition fails."""
        if len(actions) > MAX_TRANSACTION_ACTIONS:
            raise ValueError(f"{len(actions)} actions do not fit into one transaction")
        items: Any = list(actions)
        # The same in every attempt: one that was committed, but answered with an error, is found
        # to be done, and not refused by what it wrote itself.
        token = str(uuid4())

        def write() -> None:
            try:
                self.client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            except ClientError as error:
                response: Any = error.response
                match response["Error"]["Code"]:
                    case "ValidationException":
                        raise InvalidTransaction(str(error)) from error
                    case "TransactionCanceledException":
                        cancelled = cancelled_by(actions, response["CancellationReasons"])
                        if cancelled:
                            raise cancelled from error
                raise

        retried(write, busy=_BUSY, sleep=self.sleep)

    def modify(self, action: Action, *, again: Action) -> Modified:
        """One update, outside of a transaction. `again` takes its place from the second attempt on,
        because the first one may have been done."""
        attempts = 0

        def write() -> Modified:
            nonlocal attempts
            attempts += 1
            update = (action if attempts == 1 else again)["Update"]
            try:
                answer = self.client.update_item(**update, ReturnValues="ALL_NEW")
            except ClientError as error:
                response: Any = error.response
                if response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                found = from_item(response.get("Item", {}))
                return Modified(done=False, item=found or None, attempts=attempts)
            return Modified(done=True, item=from_item(answer["Attributes"]), attempts=attempts)

        return retried(write, busy=_BUSY, sleep=self.sleep)

    def _call[**P, R](self, operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return retried(lambda: operation(*args, **kwargs), busy=_BUSY, sleep=self.sleep)

    # ------------------------------------------------------------- actions

    def put(
        self, key: Key, attributes: dict[str, Any], condition: str = "", **bound: Any
    ) -> Action:
        """Write an item whole. `condition` speaks of `:name`, bound by keyword."""
        return Action(Put=self._conditional(condition, bound) | {"Item": to_item(key, attributes)})

    def put_new(self, key: Key, attributes: dict[str, Any]) -> Action:
        """Write an item that must not exist yet."""
        return self.put(key, attributes, "attribute_not_exists(PK)")

    def add(self, key: Key, amounts: dict[str, int], condition: str = "", **bound: Any) -> Action:
        """Add to the integer attributes of an item, which need not exist."""
        names = {f"#{n}": attribute for n, attribute in enumerate(amounts)}
        clauses = ", ".join(f"{name} :{name[1:]}" for name in names)
        amount_values = {f":{n}": amount for n, amount in enumerate(amounts.values())}
        action = self._conditional(condition, bound) | {
            "Key": key_of(key),
            "UpdateExpression": f"ADD {clauses}",
            "ExpressionAttributeNames": names,
        }
        action.setdefault("ExpressionAttributeValues", {}).update(values(amount_values))
        return Action(Update=action)

    def update(
        self,
        key: Key,
        expression: str,
        condition: str = "",
        *,
        names: Sequence[str] = (),
        **bound: Any,
    ) -> Action:
        """`expression` and `condition` use `:name`, bound by keyword, and `#name` for each of
        `names`: attributes whose names may be reserved words."""
        update = self._conditional(condition, bound) | {
            "Key": key_of(key),
            "UpdateExpression": expression,
        }
        if names:
            update["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        return Action(Update=update)

    def delete(
        self, key: Key, condition: str = "", *, names: Sequence[str] = (), **bound: Any
    ) -> Action:
        """`names` are those of attributes, as in `update`."""
        delete = self._conditional(condition, bound) | {"Key": key_of(key)}
        if names:
            delete["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
        return Action(Delete=delete)

    def must_exist(self, key: Key) -> Action:
        return self.check(key, "attribute_exists(PK)")

    def check(self, key: Key, condition: str, **bound: Any) -> Action:
        """Write nothing; only the condition counts."""
        return Action(ConditionCheck=self._conditional(condition, bound) | {"Key": key_of(key)})

    def _conditional(self, condition: str, bound: dict[str, Any]) -> dict[str, Any]:
        action: dict[str, Any] = {"TableName": self.name}
        if condition:
            action["ConditionExpression"] = condition
            action["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if bound:
            action["ExpressionAttributeValues"] = values({f":{k}": v for k, v in bound.items()})
        return action


@cache
def default_table() -> Table:
    """The table that the environment names."""
    return connect(os.environ["TABLE_NAME"])


def connect(name: str, **client_arguments: Any) -> Table:
    """A table by name, in the account that the environment's credentials open."""
    return Table(make_client("dynamodb", **client_arguments), name)


def _key_condition(pk: str, prefix: str, between: tuple[str, str] | None) -> dict[str, Any]:
    condition, bound = "PK = :pk", {":pk": pk}
    if prefix:
        condition += " AND begins_with(SK, :prefix)"
        bound[":prefix"] = prefix
    if between:
        condition += " AND SK BETWEEN :first AND :last"
        bound[":first"], bound[":last"] = between
    return {"KeyConditionExpression": condition, "ExpressionAttributeValues": values(bound)}


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    if not attributes:
        return {}
    names = {f"#{n}": attribute for n, attribute in enumerate(attributes)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
