"""Adding changes to counters in one transaction, unless a counter has them already.

A repair sets a counter to what its records said at a moment, and notes the moment in the counter
as `as_of` (Unix seconds). Every change made before it is in the counter then, whether or not the
stream has delivered it; so it must never be added again. Each addition requires that the counter
was not repaired since its oldest change was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.counting.changes import Change
from tally.counting.items import AS_OF, ENDED
from tally.counting.parts import Parts
from tally.kernel.counters import (
    DatedTotals,
    Deltas,
    Totals,
    by_totals,
    rolled_up,
    total,
)
from tally.kernel.instants import Instant
from tally.kernel.keys import Key

_NOT_ENDED = f"attribute_not_exists({ENDED})"
_NOT_REPAIRED_SINCE = f"(attribute_not_exists({AS_OF}) OR {AS_OF} <= :oldest)"


def repaired_as_one(totals: Totals) -> Totals:
    """The counter that keeps `as_of` for this one: counters are repaired with their parent."""
    return totals.parent or totals


@dataclass(slots=True)
class Obstacles:
    """What is known to stand in the way: counters repaired (when), and counters that ended."""

    as_of: dict[Totals, int] = field(default_factory=dict)
    ended: set[Totals] = field(default_factory=set)

    def learn(self, totals: Totals, item: Mapping[str, Any]) -> None:
        """From the stored item that did not meet a condition."""
        if AS_OF in item:
            self.as_of[totals] = item[AS_OF]
        if ENDED in item:
            self.ended.add(totals)

    def undatable(self, change: Change) -> bool:
        """Whether the change may or may not be in a repaired counter: it does not say its time."""
        return change.created is None and any(
            repaired_as_one(totals) in self.as_of for totals, _ in change.deltas
        )

    def left_of(self, change: Change) -> Deltas:
        """What of a change is still to be added, parents included."""
        return Counter(
            {
                (totals, name): amount
                for (totals, name), amount in change.deltas.items()
                if totals not in self.ended and not self._includes(totals, change)
            }
        )

    def _includes(self, totals: Totals, change: Change) -> bool:
        as_of = self.as_of.get(repaired_as_one(totals))
        return as_of is not None and change.created is not None and change.created < as_of


@dataclass(slots=True)
class Additions:
    """The actions that add what is left of some changes, by the counter of each."""

    actions: dict[Totals, Action]

    @classmethod
    def of(
        cls, table: Table, changes: Sequence[Change], obstacles: Obstacles, parts: Parts
    ) -> Additions:
        left = [(each, obstacles.left_of(each)) for each in changes]
        rows = _Rows.read(table, left, obstacles)
        oldest = _oldest(rows.left)
        sums = rolled_up(total([*(deltas for _, deltas in rows.left), rows.first_ones]))
        actions = {
            totals: _add(table, totals, parts.key(table, totals), amounts, oldest.get(totals), rows)
            for totals, amounts in by_totals(sums).items()
        }
        # A parent whose sums are zero is not written, and still says whether it was repaired.
        for totals in {t.parent for t in actions if t.parent and t.parent not in actions}:
            actions[totals] = table.check(
                parts.key(table, totals), _NOT_REPAIRED_SINCE, oldest=oldest.get(totals, 0)
            )
        return cls(actions)

    def failed(self, cancelled: Cancelled) -> Iterable[tuple[Totals, Mapping[str, Any]]]:
        """The counters whose conditions failed: their actions are the transaction's last."""
        reasons = cancelled.reasons[len(cancelled.reasons) - len(self.actions) :]
        for totals, reason in zip(self.actions, reasons, strict=True):
            if reason:
                yield totals, reason.item


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of lists that the changes count in, as they are stored.

    `left` are the changes with what of them is not in a repaired row.
    """

    left: Sequence[tuple[Change, Deltas]]
    stored: Mapping[DatedTotals, Mapping[str, Any]]
    latest: Mapping[DatedTotals, Instant]

    @classmethod
    def read(
        cls, table: Table, left: Sequence[tuple[Change, Deltas]], obstacles: Obstacles
    ) -> _Rows:
        rows = {t for _, deltas in left for t, _ in deltas if isinstance(t, DatedTotals)}
        if not rows:
            return cls(left, {}, {})
        found = table.get_many([totals.key for totals in rows])
        stored = {totals: found[totals.key] for totals in rows if totals.key in found}
        for totals, item in stored.items():
            obstacles.learn(totals, item)
        left = [(each, obstacles.left_of(each)) for each, _ in left]
        latest: dict[DatedTotals, Instant] = {}
        for each, deltas in left:
            for totals, happened in each.dates.items():
                if any(t == totals for t, _ in deltas):
                    latest[totals] = max(latest.get(totals, ""), happened)
        return cls(left, stored, latest)

    @property
    def first_ones(self) -> Deltas:
        """One row more for each that is not stored yet."""
        return Counter(totals.row_count for totals in self.latest if totals not in self.stored)


def _oldest(left: Iterable[tuple[Change, Deltas]]) -> dict[Totals, int]:
    """Counter -> when the oldest of its changes was made; 0 if one does not say."""
    oldest: dict[Totals, int] = {}
    for each, deltas in left:
        for totals in {repaired_as_one(totals) for totals, _ in deltas}:
            created = each.created or 0
            oldest[totals] = min(oldest.get(totals, created), created)
    return oldest


def _add(  # noqa: PLR0917  all that says what is added where
    table: Table,
    totals: Totals,
    part: Key,
    amounts: dict[str, int],
    oldest: int | None,
    rows: _Rows,
) -> Action:
    if isinstance(totals, DatedTotals):
        return _count_row(table, totals, amounts, oldest or 0, rows)
    if totals.parent is not None:
        return table.add(part, amounts, _NOT_ENDED)
    if oldest is None:  # no change of its own, only rows that are new
        return table.add(part, amounts)
    return table.add(part, amounts, _NOT_REPAIRED_SINCE, oldest=oldest)


def _count_row(
    table: Table, totals: DatedTotals, amounts: dict[str, int], oldest: int, rows: _Rows
) -> Action:
    """Count in a row and move it in its list, on condition that it is as it was read."""
    before = rows.stored.get(totals, {})
    date = before.get(totals.DATE, "")
    texts = totals.texts(max(rows.latest.get(totals, ""), date))
    added = ", ".join(f"{name} :{name}" for name in amounts)
    texts_set = ", ".join(f"{name} = :{name}" for name in texts)
    condition = f"{totals.DATE} = :before" if date else f"attribute_not_exists({totals.DATE})"
    bound = {"before": date} if date else {}
    values: dict[str, Any] = {**amounts, **texts, **bound, "oldest": oldest}
    return table.update(
        totals.key,
        f"ADD {added} SET {texts_set}",
        f"{condition} AND {_NOT_REPAIRED_SINCE}",
        **values,
    )
