"""The single table: every call that Tally makes of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError

from tally.aws.actions import Actions
from tally.aws.clients import make_client
from tally.aws.items import from_item, key_of, values
from tally.aws.retries import pauses, retried
from tally.aws.transactions import (
    MAX_TRANSACTION_ACTIONS,
    Action,
    InvalidTransaction,
    cancelled_by,
    conflict_by,
    refusal_of,
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
class Table(Actions):
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
        where: Mapping[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Items of a partition whose sort key has a prefix or lies between two, both included,
        page by page as they are taken.

        `after` is the sort key to go on behind; `page`, how many items one call may answer, as far
        as they fit into 1 MB. `attributes`: only these are answered. `where`: only items with
        these values are answered; all are read, and paid for.
        """
        arguments = {
            "TableName": self.name,
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent,
            **_selection(pk, prefix, between, attributes, where or {}),
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
        arguments = _selection(pk, "", between, (), {})
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

    def transact(self, actions: Sequence[Action], *, yielding: bool = False) -> None:
        """All of the actions or none. Cancelled if a condition fails.

        If others have some of its items just now, it waits for them; Conflict if it is `yielding`
        and no attempt before may have been committed.
        """
        if len(actions) > MAX_TRANSACTION_ACTIONS:
            raise ValueError(f"{len(actions)} actions do not fit into one transaction")
        items: Any = list(actions)
        # The same in every attempt: one that was committed, but answered with an error, is found
        # to be done, and not refused by what it wrote itself.
        token = str(uuid4())
        unsure = False  # whether an attempt may have been committed

        def write() -> None:
            nonlocal unsure
            was_unsure, unsure = unsure, True
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
                        conflict = conflict_by(response["CancellationReasons"])
                        if conflict and yielding and not was_unsure:
                            raise conflict from error
                        unsure = was_unsure
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

    def write(self, action: Action) -> None:
        """One action by itself, at half of what it costs in a transaction. Cancelled if its
        condition fails: perhaps by the same write, if that was done but answered with an error."""
        ((kind, body),) = action.items()
        client = self.client
        by_kind = {
            "Put": client.put_item,
            "Update": client.update_item,
            "Delete": client.delete_item,
        }
        operation: Any = by_kind[kind]
        try:
            self._call(operation, **body)
        except ClientError as error:
            if refusal := refusal_of(action, error):
                raise refusal from error
            raise

    def _call[**P, R](self, operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return retried(lambda: operation(*args, **kwargs), busy=_BUSY, sleep=self.sleep)


@cache
def default_table() -> Table:
    """The table that the environment names."""
    return connect(os.environ["TABLE_NAME"])


def connect(name: str, **client_arguments: Any) -> Table:
    """A table by name, in the account that the environment's credentials open."""
    return Table(make_client("dynamodb", **client_arguments), name)


def _selection(
    pk: str,
    prefix: str,
    between: tuple[str, str] | None,
    attributes: Sequence[str],
    where: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments of a Query that say which items, and what of them."""
    condition, bound = "PK = :pk", {":pk": pk}
    if prefix:
        condition += " AND begins_with(SK, :prefix)"
        bound[":prefix"] = prefix
    if between:
        condition += " AND SK BETWEEN :first AND :last"
        bound[":first"], bound[":last"] = between
    selection: dict[str, Any] = {"KeyConditionExpression": condition}
    names = {f"#{n}": attribute for n, attribute in enumerate(attributes)}
    if attributes:
        selection["ProjectionExpression"] = ", ".join(names)
    if where:
        filters = {f"#w{n}": attribute for n, attribute in enumerate(where)}
        bound |= {f":w{n}": value for n, value in enumerate(where.values())}
        equal = (f"{name} = :{name[1:]}" for name in filters)
        selection["FilterExpression"] = " AND ".join(equal)
        names |= filters
    if names:
        selection["ExpressionAttributeNames"] = names
    return selection | {"ExpressionAttributeValues": values(bound)}
