"""Pages of lists that are read one row too far, to know whether more rows follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Page[Row, Position]:
    """`total` counts the rows of the whole list, and `more` tells whether some follow this page.
    `position` is where a row stands in the list."""

    rows: Sequence[Row]
    total: int
    more: bool
    position: Callable[[Row], Position]

    @property
    def last(self) -> Position | None:
        """The next page starts after it; None on the last page."""
        return self.position(self.rows[-1]) if self.more else None

    def shortened(self, most: int) -> Self:
        """Its first rows, `most` of them."""
        if len(self.rows) <= most:
            return self
        return replace(self, rows=self.rows[:most], more=True)


def cut[Row](found: Sequence[Row], limit: int) -> tuple[Sequence[Row], bool]:
    """The rows of a page, and whether more rows follow.

    `found`: up to `limit + 1` rows.
    """
    return found[:limit], len(found) > limit
