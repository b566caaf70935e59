"""Reading the whole table, in several parts at once: for an operator, never for a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from tally.aws.items import from_item, values
from tally.aws.retries import retried
from tally.aws.table import Table

_TELL_EVERY = 100_000
_BUSY = "The database is busy; give the command again."


def scanned[R](
    table: Table,
    sort_key: str,
    attributes: Sequence[str],
    reduce: Callable[[Iterator[Mapping[str, Any]]], R],
    say: Callable[[str], None],
    *,
    parts: int = 8,
) -> list[R]:
    """What `reduce` makes of the items with this sort key, part by part of the table, consistently.

    It gets these attributes and runs in threads. `say` is told of how far the table was read.
    """
    progress = _Progress(say)

    def one(part: int) -> R:
        return reduce(_items(table, sort_key, attributes, (part, parts), progress))

    with ThreadPoolExecutor(parts) as pool:
        return list(pool.map(one, range(parts)))


class _Progress:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._lock, self._read = say, Lock(), 0

    def add(self, items: int) -> None:
        with self._lock:
            before, self._read = self._read, self._read + items
            if self._read // _TELL_EVERY > before // _TELL_EVERY:
                self._say(f"{self._read:,} items of the table read")


def _items(
    table: Table,
    sort_key: str,
    attributes: Sequence[str],
    part: tuple[int, int],
    progress: _Progress,
) -> Iterator[Mapping[str, Any]]:
    names = {f"#{n}": attribute for n, attribute in enumerate(attributes)}
    arguments: dict[str, Any] = {
        "TableName": table.name,
        "ConsistentRead": True,
        "FilterExpression": "SK = :sk",
        "ExpressionAttributeValues": values({":sk": sort_key}),
        "ProjectionExpression": ", ".join(names),
        "ExpressionAttributeNames": names,
        "Segment": part[0],
        "TotalSegments": part[1],
    }
    while True:
        answer = retried(lambda: table.client.scan(**arguments), busy=_BUSY, sleep=table.sleep)
        progress.add(answer["ScannedCount"])
        yield from map(from_item, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
