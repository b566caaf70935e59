"""Pages of lists that are read one row too far, to know whether more rows follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page[Row, Position]:
    """`total` counts the rows of the whole list. The next page starts after `last`, which is None
    on the last page."""

    rows: Sequence[Row]
    total: int
    last: Position | None


def cut[Row](found: Sequence[Row], limit: int) -> tuple[Sequence[Row], Row | None]:
    """The rows of a page, and its last row if more rows follow.

    `found`: up to `limit + 1` rows.
    """
    rows = found[:limit]
    return rows, rows[-1] if len(found) > limit else None
