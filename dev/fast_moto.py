"""moto, for tests and examples, with tokens, and without three costs that would more than double
their time.

Before each transaction it copies the whole table, stream and all, so that it can roll back. For a
query it sorts the whole table. And it looks for every type that an attribute might have, under
every name that the type might have. It does not look at a transaction's ClientRequestToken at all.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from moto.core.responses import ActionResult
from moto.core.serialize import AttributePicker, AttributePickerContext
from moto.dynamodb.exceptions import ERROR_TYPE_PREFIX, DynamodbException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models import table as moto_table
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

_TYPES = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))
_pick: Any = AttributePicker.__call__
_query: Any = Table.query
_transact: Any = DynamoDBBackend.transact_write_items
_answer_transaction: Any = DynamoHandler.transact_write_items

_clock: Any = moto_table  # whose time is the world's

# As long as DynamoDB does.
_TOKENS_ARE_KEPT_FOR = timedelta(minutes=10)


@contextmanager
def fast_moto() -> Iterator[None]:
    copies, tokens = _Copies(), _Tokens()

    def answer(handler: DynamoHandler) -> Any:
        return tokens.answer(handler)

    def transact(backend: DynamoDBBackend, actions: list[dict[str, Any]]) -> None:
        copies.actions = actions
        try:
            _transact(backend, actions)
        finally:
            copies.snapshot = None

    with (
        patch("moto.dynamodb.models.copy", copies),
        patch.object(DynamoDBBackend, "transact_write_items", transact),
        patch.object(DynamoHandler, "transact_write_items", answer),
        patch.object(AttributePicker, "__call__", _quick_pick),
        patch.object(Table, "all_items", _all_items),
        patch.object(Table, "query", _query_partition),
    ):
        yield


class _Copies:
    """Stands in for `copy` where moto keeps its tables.

    A transaction replaces items, so the snapshot before it may share them with the table. Only an
    update changes an item in place, and it copies the item first: the snapshot takes that copy.
    """

    snapshot: Any = None
    actions: Sequence[dict[str, Any]] = ()

    def deepcopy(self, original: Any) -> Any:
        if isinstance(original, Table):
            self.snapshot = _snapshot(original, self.actions)
            return self.snapshot
        copied = copy.deepcopy(original)
        if isinstance(original, Item) and self.snapshot is not None:
            rows = self.snapshot.items.get(original.hash_key, {})
            if rows.get(original.range_key) is original:
                rows[original.range_key] = copied
        return copied


class _Tokens:
    """Remembers the transactions that were committed, as DynamoDB does: one that comes again under
    its token succeeds and changes nothing. A cancelled one is not remembered."""

    def __init__(self) -> None:
        self._committed: dict[str, tuple[datetime, str]] = {}

    def answer(self, handler: Any) -> Any:
        token, content = handler.body["ClientRequestToken"], repr(handler.body)
        kept_until, before = self._committed.get(token) or (None, "")
        if kept_until and _clock.utcnow() < kept_until:
            if content != before:
                raise DynamodbException(
                    f"{ERROR_TYPE_PREFIX}IdempotentParameterMismatchException",
                    "The token was used for another transaction.",
                )
            return ActionResult({})
        answered = _answer_transaction(handler)
        self._committed[token] = (_clock.utcnow() + _TOKENS_ARE_KEPT_FOR, content)
        return answered


def _snapshot(table: Any, actions: Iterable[Mapping[str, Any]]) -> Any:
    """The table with the partitions that the transaction may change copied, and all others
    shared."""
    taken = copy.copy(table)
    taken.items = copy.copy(table.items)
    for action in actions:
        ((_, details),) = action.items()
        key = DynamoType((details.get("Item") or details["Key"])[table.hash_key_attr])
        if key in table.items:
            taken.items[key] = dict(table.items[key])
    taken.stream_shard = copy.copy(table.stream_shard)
    taken.stream_shard.table = taken
    taken.stream_shard.items = list(table.stream_shard.items)
    return taken


def _query_partition(table: Any, hash_key: Any, *args: Any, **named: Any) -> Any:
    """Of the table itself, in the items of the one partition; an index has its own order."""
    index_name = args[6]
    if index_name is None:
        partition = table.items.get(hash_key)
        table = copy.copy(table)
        table.items = {hash_key: partition} if partition else {}
    return _query(table, hash_key, *args, **named)


def _all_items(table: Any) -> list[Any]:
    """In the order of their keys, which are strings."""
    items = [item for partition in table.items.values() for item in partition.values()]
    return sorted(items, key=lambda item: (item.hash_key.value, item.range_key.value))


def _quick_pick(picker: AttributePicker, context: AttributePickerContext) -> Any:
    """Of an attribute, like {"S": "acme"}, the value of the type that is asked for."""
    value = context.obj
    if type(value) is dict and len(value) == 1 and value.keys() <= _TYPES:
        return value.get(context.key)
    return _pick(picker, context)
