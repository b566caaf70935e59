"""A model of DynamoDB: one table in memory, with the meaning of every call that Tally makes.

It does one call after the other. How calls overlap, fail and get lost is `network`'s business.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any
from zlib import crc32

from botocore.exceptions import ClientError

from tests.simulation import expressions
from tests.simulation.calls import (
    NOTHING,
    Address,
    Answer,
    Write,
    all_used,
    cancellation,
    checked,
    failure,
    known,
    names_of,
    refusal,
    refused,
    validate,
    write_of,
    written,
)
from tests.simulation.expressions import Bounds, WrongType
from tests.simulation.items import MOST_BYTES, WireItem, key_of, size_of
from tests.simulation.storage import Images, Index, Partition, Row, cut, record_of

MOST_KEYS = 100
MOST_WRITES = 25
TOKEN_LIFETIME_S = 600


@dataclass(frozen=True, slots=True)
class Transaction:
    """Its items are reserved until it is committed or given up."""

    writes: Sequence[Write]
    content: Any
    token: str | None

    @property
    def addresses(self) -> Iterator[Address]:
        return (write.address for write in self.writes)


@dataclass(slots=True)
class Database:
    """`now`: seconds since 1970. `skew` is how far the clocks that stamp the stream may be ahead of
    it. `listeners` are told of what each transaction changed."""

    now: Callable[[], float]
    indexes: Mapping[str, Index]
    skew: float = 0
    page_bytes: int = 1024 * 1024
    stream: list[dict[str, Any]] = field(default_factory=list)
    listeners: list[Callable[[Sequence[Images]], None]] = field(default_factory=list)
    commits: int = 0
    _partitions: dict[str, Partition] = field(default_factory=lambda: defaultdict(Partition))
    _tokens: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _reserved: dict[Address, Transaction] = field(default_factory=dict)

    # ------------------------------------------------------------------ reading

    def get_item(self, *, as_of: float | None = None, **call: Any) -> Answer:
        """`as_of`: what a read that need not be consistent may find."""
        known(call, "TableName", "Key", "ConsistentRead")
        pk, sk = checked(key_of, call["Key"])
        row = self._partition(pk, as_of).rows.get(sk)
        return {"Item": row.item} if row else {}

    def batch_get_item(self, **call: Any) -> Answer:
        known(call, "RequestItems")
        ((name, wanted),) = call["RequestItems"].items()
        known(wanted, "Keys", "ConsistentRead")
        addresses = [checked(key_of, key) for key in wanted["Keys"]]
        if not 0 < len(addresses) <= MOST_KEYS:
            raise refused("Too many items requested for the BatchGetItem call")
        if len(set(addresses)) < len(addresses):
            raise refused("Provided list of item keys contains duplicates")
        rows = [self._partition(pk, None).rows.get(sk) for pk, sk in addresses]
        return {"Responses": {name: [row.item for row in rows if row]}, "UnprocessedKeys": {}}

    def query(self, *, as_of: float | None = None, **call: Any) -> Answer:
        known(call, *_QUERY)
        index = self.indexes[call["IndexName"]] if "IndexName" in call else None
        names = names_of(call)
        hash_key, range_key = (index.hash_key, index.range_key) if index else ("PK", "SK")
        where = expressions.key_condition(
            call["KeyConditionExpression"], names, hash_key, range_key
        )
        used, picked, wanted = where.used, None, None
        if "FilterExpression" in call:
            filtered = expressions.condition(call["FilterExpression"], names)
            used, wanted = used | filtered.used, filtered.run
        if "ProjectionExpression" in call:
            shown = expressions.projection(call["ProjectionExpression"], names)
            used, picked = used | shown.used, shown.run
        wanted = None
        if "FilterExpression" in call:
            kept = expressions.condition(call["FilterExpression"], names)
            used, wanted = used | kept.used, kept.run
        all_used(call, used)
        start = call.get("ExclusiveStartKey")
        if index:
            rows = self._of_index(index, where.run, call, as_of)
        else:
            rows = self._of_partition(where.run, call, as_of)
        page, last = cut(rows, call.get("Limit"), self.page_bytes)
        if start is not None and not call.get("ConsistentRead", False):
            checked(key_of, start)
        items = [row.item for row in page]
        if wanted is not None:
            bound = call["ExpressionAttributeValues"]
            items = [item for item in items if wanted(item, bound)]
        if index:
            items = [_of(item, index.attributes) for item in items]
        if picked is not None:
            items = [_of(item, picked) for item in items]
        answer: Answer = {"Items": items, "Count": len(items), "ScannedCount": len(page)}
        if last:
            keys = ("PK", "SK", *((hash_key, range_key) if index else ()))
            answer["LastEvaluatedKey"] = _of(last.item, keys)
        return answer

    def scan(self, *, as_of: float | None = None, **call: Any) -> Answer:
        """One segment of the table: the partitions of some hashes."""
        known(call, *_SCAN)
        names = names_of(call)
        kept = expressions.condition(call["FilterExpression"], names)
        shown = expressions.projection(call["ProjectionExpression"], names)
        all_used(call, kept.used | shown.used)
        start = call.get("ExclusiveStartKey")
        after = checked(key_of, start) if start else ("", "")
        rows = (
            row
            for pk in sorted(self._partitions)
            if crc32(pk.encode()) % call["TotalSegments"] == call["Segment"]
            for partition in [self._partition(pk, as_of)]
            for sk in partition.order
            if (pk, sk) > after
            for row in [partition.rows[sk]]
        )
        page, last = cut(rows, None, self.page_bytes)
        bound = call["ExpressionAttributeValues"]
        found = [_of(row.item, shown.run) for row in page if kept.run(row.item, bound)]
        answer: Answer = {"Items": found, "Count": len(found), "ScannedCount": len(page)}
        if last:
            answer["LastEvaluatedKey"] = _of(last.item, ("PK", "SK"))
        return answer

    def items(self) -> Iterator[WireItem]:
        """All items, in order."""
        for pk in sorted(self._partitions):
            partition = self._partitions[pk]
            for sk in partition.order:
                yield partition.rows[sk].item

    def item(self, pk: str, sk: str) -> WireItem | None:
        row = self._partition(pk, None).rows.get(sk)
        return row.item if row else None

    def _partition(self, pk: str, as_of: float | None) -> Partition:
        partition = self._partitions.get(pk, _EMPTY)
        return partition if as_of is None else partition.as_of(as_of)

    def _of_partition(self, where: Bounds, call: Answer, as_of: float | None) -> Iterator[Row]:
        bound = call["ExpressionAttributeValues"]
        partition = self._partition(bound[where.hash_value]["S"], as_of)
        order = partition.order
        low, high = 0, len(order)
        if where.prefix is not None:
            prefix = bound[where.prefix]["S"]
            low = bisect_left(order, prefix)
            high = bisect_left(order, prefix + "\U0010ffff")
        if where.between is not None:
            first, last = (bound[name]["S"] for name in where.between)
            if first > last:
                raise refused("The BETWEEN operator requires upper bound >= lower bound")
            low, high = bisect_left(order, first), bisect_right(order, last)
        start = call.get("ExclusiveStartKey")
        if call.get("ScanIndexForward", True):
            if start is not None:
                low = max(low, bisect_right(order, start["SK"]["S"]))
            return (partition.rows[sk] for sk in order[low:high])
        if start is not None:
            high = min(high, bisect_left(order, start["SK"]["S"]))
        return (partition.rows[sk] for sk in reversed(order[low:high]))

    def _of_index(
        self, index: Index, where: Bounds, call: Answer, as_of: float | None
    ) -> Iterator[Row]:
        """Rows that have the index's attributes, whatever partition they are in."""
        if call.get("ConsistentRead"):
            raise refused("Consistent reads are not supported on global secondary indexes")
        if where.prefix or where.between:
            raise expressions.Unsupported("an index by more than its partition")
        wanted = call["ExpressionAttributeValues"][where.hash_value]
        rows = [
            row
            for pk in sorted(self._partitions)
            for row in self._partition(pk, as_of).rows.values()
            if row.item.get(index.hash_key) == wanted and index.range_key in row.item
        ]

        def place(item: WireItem) -> tuple[str, ...]:
            return tuple(item[name]["S"] for name in (index.range_key, "PK", "SK"))

        backward = not call.get("ScanIndexForward", True)
        rows.sort(key=lambda row: place(row.item), reverse=backward)
        start = call.get("ExclusiveStartKey")
        if start is not None:
            after = place(start)
            rows = [
                r for r in rows if (place(r.item) < after if backward else place(r.item) > after)
            ]
        return iter(rows)

    # ------------------------------------------------------------------ writing

    def batch_write_item(self, **call: Any) -> Answer:
        """Each write by itself. What a transaction has reserved is left."""
        known(call, "RequestItems")
        ((name, requests),) = call["RequestItems"].items()
        writes = [written(request) for request in requests]
        if not 0 < len(writes) <= MOST_WRITES or len(dict(writes)) < len(writes):
            raise refused("Too many items requested, or one item twice")
        left = []
        for request, (address, item) in zip(requests, writes, strict=True):
            if address in self._reserved:
                left.append(request)
                continue
            images = self._store(address, Row(item, size_of(item)) if item else None)
            for listener in self.listeners if images else ():
                listener([images] if images else [])
        return {"UnprocessedItems": {name: left} if left else {}}

    def transact_write_items(self, **call: Any) -> Answer:
        """A transaction that meets nobody."""
        transaction = self.begin(**call)
        return self.commit(transaction) if transaction else {}

    def put_item(self, **call: Any) -> Answer:
        return self._write({"Put": call})

    def update_item(self, **call: Any) -> Answer:
        return self._write({"Update": call})

    def delete_item(self, **call: Any) -> Answer:
        return self._write({"Delete": call})

    def _write(self, action: Mapping[str, Any]) -> Answer:
        """By itself: it waits for nobody, and is refused while a transaction has its item."""
        write = write_of(action)
        if write.address in self._reserved:
            raise failure("TransactionConflictException", "Write")
        outcomes, (reason,) = self._try([write])
        if reason:
            raise refusal(reason)
        self._commit(outcomes)
        return {}

    def begin(self, **call: Any) -> Transaction | None:
        """Reserve a transaction's items; None if it was committed before. It may be cancelled."""
        known(call, "TransactItems", "ClientRequestToken")
        writes = [write_of(action) for action in call["TransactItems"]]
        validate(writes)
        token = call.get("ClientRequestToken")
        content = call["TransactItems"]
        if self.knows(call):
            if self._tokens[str(token)][1] != content:
                raise failure("IdempotentParameterMismatchException", "TransactWriteItems")
            return None
        rivals = [write.address in self._reserved for write in writes]
        if any(rivals):
            if any(
                token and rival and self._reserved[write.address].token == token
                for write, rival in zip(writes, rivals, strict=True)
            ):
                raise failure("TransactionInProgressException", "TransactWriteItems")
            raise self._cancelled(writes, rivals)
        transaction = Transaction(writes, content, token)
        for address in transaction.addresses:
            self._reserved[address] = transaction
        return transaction

    def knows(self, call: Mapping[str, Any]) -> bool:
        """Whether a transaction with this token was committed of late."""
        token = call.get("ClientRequestToken")
        known = self._tokens.get(token) if token else None
        return known is not None and self.now() < known[0] + TOKEN_LIFETIME_S

    def give_up(self, transaction: Transaction) -> None:
        for address in transaction.addresses:
            self._reserved.pop(address, None)

    def commit(self, transaction: Transaction) -> Answer:
        """All of its actions, or none: cancelled."""
        self.give_up(transaction)
        writes = transaction.writes
        outcomes, reasons = self._try(writes)
        if any(reasons):
            raise cancellation(reasons)
        if transaction.token:
            self._tokens[transaction.token] = (self.now(), transaction.content)
        self._commit(outcomes)
        return {}

    def _commit(self, outcomes: Sequence[tuple[Write, Row | None]]) -> None:
        self.commits += 1
        stored = [self._store(write.address, after) for write, after in outcomes]
        changed = [images for images in stored if images]
        for listener in self.listeners:
            listener(changed)

    def cancelled_by_rivals(self, call: Mapping[str, Any], place: int) -> ClientError:
        """What a transaction is told that another one, of somebody else, got in the way of, at one
        of its items."""
        writes = [write_of(action) for action in call["TransactItems"]]
        return self._cancelled(writes, [n == place for n in range(len(writes))])

    def _cancelled(self, writes: Sequence[Write], rivals: Sequence[bool]) -> ClientError:
        """Conditions are tried all the same, and both kinds of reasons are told."""
        _, reasons = self._try(writes)
        return cancellation(
            [
                {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
                if rival
                else reason
                for rival, reason in zip(rivals, reasons, strict=True)
            ]
        )

    def _try(
        self, writes: Sequence[Write]
    ) -> tuple[list[tuple[Write, Row | None]], list[Answer | None]]:
        outcomes: list[tuple[Write, Row | None]] = []
        reasons: list[Answer | None] = []
        for write in writes:
            pk, sk = write.address
            row = self._partition(pk, None).rows.get(sk)
            item = row.item if row else NOTHING
            bound = write.action.get("ExpressionAttributeValues", NOTHING)
            if write.test and not write.test(item, bound):
                reason: Answer = {
                    "Code": "ConditionalCheckFailed",
                    "Message": "The conditional request failed",
                }
                if row and write.action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
                    reason["Item"] = row.item
                reasons.append(reason)
                continue
            try:
                after = None
                if write.change:
                    after = write.change(item)
                    size = size_of(after) if after is not None else 0
                    if size > MOST_BYTES:
                        raise WrongType("Item size to update has exceeded the maximum allowed size")
                    outcomes.append((write, Row(after, size) if after is not None else None))
            except WrongType as error:
                reasons.append({"Code": "ValidationError", "Message": str(error)})
            else:
                reasons.append(None)
        return outcomes, reasons

    def _store(self, address: Address, after: Row | None) -> Images | None:
        """What it changed; nothing makes no record on the stream."""
        pk, sk = address
        partition = self._partitions[pk]
        before = partition.rows.get(sk)
        images = before.item if before else None, after.item if after else None
        if images[0] == images[1]:
            return None
        partition.put(sk, after, self.now())
        created = floor(self.now() + self.skew * _fraction(pk))
        self.stream.append(record_of(len(self.stream) + 1, created, address, images))
        return images


_EMPTY = Partition()
_QUERY = (
    *("TableName", "IndexName", "KeyConditionExpression", "ExpressionAttributeNames"),
    *("ExpressionAttributeValues", "ProjectionExpression", "ExclusiveStartKey", "Limit"),
    *("ScanIndexForward", "ConsistentRead", "FilterExpression"),
)

_SCAN = (
    *("TableName", "ConsistentRead", "FilterExpression", "ProjectionExpression"),
    *("ExpressionAttributeNames", "ExpressionAttributeValues", "ExclusiveStartKey"),
    *("Segment", "TotalSegments"),
)


def _of(item: WireItem, names: Any) -> WireItem:
    return {name: item[name] for name in names if name in item}


def _fraction(text: str) -> float:
    return crc32(text.encode()) / 2**32
