"""A table that is read until shortly before the invocation ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tally.aws.table import Table
from tally.kernel.deadlines import time_left

_RESERVE_S = 60
"""For the pauses of a recount, and to store how far the check came."""


class OutOfTime(Exception):
    """The message says how far it came."""


@dataclass(frozen=True, slots=True)
class TimedTable(Table):
    """Raises OutOfTime in the middle of a query when no time is left."""

    seconds_left: Callable[[], float] = time_left

    def query(self, *arguments: Any, **named: Any) -> Iterator[dict[str, Any]]:
        for number, item in enumerate(Table.query(self, *arguments, **named)):
            if self.seconds_left() < _RESERVE_S:
                raise OutOfTime(f"Time ran out after {number} items of {arguments[0]}.")
            yield item


def timed(table: Table) -> TimedTable:
    return TimedTable(table.client, table.name, table.sleep)
