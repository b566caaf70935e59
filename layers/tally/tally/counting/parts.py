"""Parts of a counter: items among which its sums are spread, so that writers need not meet.

A counter that few write to has one part. A process that meets another one at a part moves to
another part, by chance, and stays there: before long every process has a part for itself. Whoever
reads the counter reads all of its parts.
"""

from __future__ import annotations

import random

from tally.aws.table import Table
from tally.kernel.counters import Totals
from tally.kernel.keys import Key
from tally.kernel.memory import Memory

_MOST_REMEMBERED = 1_000


class Parts:
    """What one process knows: the part that it adds to."""

    def __init__(self, *, spread: bool = True) -> None:
        self.spread = spread
        self._chosen = Memory[tuple[str, Key], int](_MOST_REMEMBERED)

    def key(self, table: Table, totals: Totals) -> Key:
        return totals.part_key(self._chosen.get((table.name, totals.key)) or 0)

    def move(self, table: Table, totals: Totals) -> None:
        """Away from the part of a counter where somebody else is."""
        if self.spread and totals.PARTS > 1:
            before = self._chosen.get((table.name, totals.key)) or 0
            others = [part for part in range(totals.PARTS) if part != before]
            self._chosen.put((table.name, totals.key), random.choice(others))  # noqa: S311  no secret


NO_PARTS = Parts(spread=False)
"""All is added to the first part."""
