"""How the model of DynamoDB keeps items: partitions that know what they were a moment ago."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.simulation.items import WireItem

type Images = tuple[WireItem | None, WireItem | None]
"""An item before and after."""


class Index(NamedTuple):
    """A global secondary index. `attributes` are those that it has of an item."""

    hash_key: str
    range_key: str
    attributes: frozenset[str]


class Row(NamedTuple):
    item: WireItem
    size: int


class Undo(NamedTuple):
    """What an item was before a moment."""

    moment: float
    sk: str
    before: Row | None


@dataclass(slots=True)
class Partition:
    """The items of a partition key by sort key, and what they were a moment ago."""

    rows: dict[str, Row] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    undone: list[Undo] = field(default_factory=list)

    def put(self, sk: str, row: Row | None, moment: float) -> None:
        before = self.rows.get(sk)
        self.undone.append(Undo(moment, sk, before))
        if row is None:
            if before is not None:
                del self.rows[sk]
                self.order.remove(sk)
            return
        if before is None:
            insort(self.order, sk)
        self.rows[sk] = row

    def as_of(self, moment: float) -> Partition:
        """The partition as it was."""
        if not self.undone or self.undone[-1].moment <= moment:
            return self
        rows = dict(self.rows)
        for undo in reversed(self.undone):
            if undo.moment <= moment:
                break
            if undo.before is None:
                rows.pop(undo.sk, None)
            else:
                rows[undo.sk] = undo.before
        return Partition(rows, sorted(rows))


def cut(rows: Iterator[Row], limit: int | None, most: int) -> tuple[list[Row], Row | None]:
    """A page, and its last row if it ended before the rows did, or just with them at the limit."""
    page: list[Row] = []
    size = 0
    for row in rows:
        size += row.size
        if page and size > most:
            return page, page[-1]
        page.append(row)
        if len(page) == limit:
            return page, row
    return page, None


def record_of(
    number: int, created: int, address: tuple[str, str], images: Images
) -> dict[str, Any]:
    """What the stream says of the `number`-th change, made in the second `created`."""
    pk, sk = address
    before, after = images
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": created,
        "Keys": {"PK": {"S": pk}, "SK": {"S": sk}},
        "SequenceNumber": f"{number:021}",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if before is not None:
        change["OldImage"] = before
    if after is not None:
        change["NewImage"] = after
    name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
    return {
        "eventID": f"{number:032x}",
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "dynamodb": change,
    }
