"""Announcements: items that lead to others and are written before them, once per process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import MAX_TRANSACTION_ACTIONS, Action
from tally.kernel.keys import Key
from tally.kernel.memory import Memory

_MAX_REMEMBERED = 10_000


class Announcer:
    """Remembers what this process knows to be announced; announcements are never taken back.

    They are written ahead of what they announce: to announce nothing does no harm.
    """

    def __init__(self) -> None:
        self._known = Memory[tuple[str, Key], bool](_MAX_REMEMBERED)

    def announce(self, table: Table, ahead: Mapping[Key, Mapping[str, Any]]) -> None:
        unknown = [key for key in sorted(ahead) if not self._known.get((table.name, key))]
        for start in range(0, len(unknown), MAX_TRANSACTION_ACTIONS):
            some = unknown[start : start + MAX_TRANSACTION_ACTIONS]
            there = table.get_many(some)
            missing = [_set(table, key, ahead[key]) for key in some if key not in there]
            if missing:
                table.transact(missing)
        for key in unknown:
            self._known.put((table.name, key), value=True)


def _set(table: Table, key: Key, attributes: Mapping[str, Any]) -> Action:
    """By attribute, not whole: since we read, a payout run may have closed the month in it."""
    clauses = ", ".join(f"{name} = :{name}" for name in attributes)
    return table.update(key, f"SET {clauses}", **attributes)
