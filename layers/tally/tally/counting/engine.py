"""Counting the changes that the stream delivers, each exactly once.

One transaction marks changes as counted and adds their summed deltas to the counters, so a crash, a
second delivery or a differently cut batch finds either all of a change or none of it. A change that
cannot be counted is parked in the same way, and blocks nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tally.aws.moments import series_since
from tally.aws.retries import pauses
from tally.aws.table import Table
from tally.aws.transactions import (
    MAX_TRANSACTION_ACTIONS,
    Action,
    Cancelled,
    Conflict,
    InvalidTransaction,
)
from tally.catalog.counters import DatasetTotals, superseded
from tally.counting.additions import Additions, Obstacles
from tally.counting.changes import Change, Counted, Poison, read_changes
from tally.counting.guards import Guard, Marking, Raw
from tally.counting.items import ENDED
from tally.counting.markers import Markers, most_writes
from tally.counting.parts import NO_PARTS, Parts
from tally.counting.survivors import rescue_stale
from tally.counting.switch import shared_since
from tally.kernel.counters import DatedTotals, Totals, rolled_up, total
from tally.kernel.errors import Unavailable
from tally.kernel.instants import EARLIEST, Instant, to_datetime

_ATTEMPTS = 50
_BUSY = "Other writers keep changing the same counters."
_UNDATED = "the change does not say when it was made, and its counter was repaired: recount it"
_parts = Parts()


def count(table: Table, raws: Sequence[Raw], now: Instant, parts: Parts = _parts) -> Counted:
    """Count every stream record, once ever; those that cannot be are returned as `parked`, for
    `parking.park`. Raises if the database fails: then deliver the batch again."""
    since = shared_since(table, now)
    if to_datetime(now).timestamp() < since:
        parts = NO_PARTS  # functions of an earlier release do not read them
    return count_under(Markers(table, now, since), table, raws, parts, series_since(table, now))


def count_under(
    guard: Guard, table: Table, raws: Sequence[Raw], parts: Parts, since: Instant = EARLIEST
) -> Counted:
    """The same with this guard, and with this moment of the counters that are backfilled."""
    result = Counted()
    changes: list[Change] = []
    distinct = {raw["eventID"]: raw for raw in raws}
    result.already_counted += len(raws) - len(distinct)
    for raw in distinct.values():
        try:
            changes += read_changes(raw, since)
        except ValueError as error:
            result.parked.append(Poison(raw, str(error)))
    Counting(table, guard, parts, result).count(changes)
    return result


@dataclass(slots=True)
class Counting:
    """Counts changes that could be read, under a guard, and notes what became of them."""

    table: Table
    guard: Guard
    parts: Parts = NO_PARTS
    result: Counted = field(default_factory=Counted)

    def count(self, changes: Sequence[Change]) -> None:
        plain = []
        # Their pages are read in one call.
        self.guard.unmarked([each.raw for each in changes if self._has_effect(each)])
        for each in changes:
            if superseded(each.old, each.new):
                self._end_epoch(each)
            elif each.deltas:
                plain.append(each)
            else:
                self.result.without_effect += 1
        for group in self._groups(self.unmarked(plain)):
            _Group(self).count(group)
        # Even of a change that was counted before: nobody may have heard of them.
        for each in changes:
            self.result.note_survivors(each.old, each.new)

    @staticmethod
    def _has_effect(each: Change) -> bool:
        return bool(each.deltas) or superseded(each.old, each.new) is not None

    def unmarked(self, changes: Sequence[Change]) -> list[Change]:
        """Those not counted before, as far as is known."""
        unmarked = {id(raw) for raw in self.guard.unmarked([each.raw for each in changes])}
        left = [each for each in changes if id(each.raw) in unmarked]
        self.result.already_counted += len(changes) - len(left)
        return left

    def _groups(self, changes: Sequence[Change]) -> Iterator[list[Change]]:
        """Cut so that the markers and the counters of each group fit into one transaction.

        Neighbours go together: a counter is paid for in each transaction that has one of its
        changes.
        """
        group: list[Change] = []
        touched: set[Totals] = set()
        marks: Counter[Hashable] = Counter()
        for each in sorted(changes, key=_neighbourhood):
            own = {totals for totals, _ in rolled_up(each.deltas)}
            own |= {t.parent for t in own if t.parent}
            own |= {t.row_count[0] for t in own if isinstance(t, DatedTotals)}
            place = self.guard.place_of(each.raw)
            marks[place] += 1
            actions = sum(map(most_writes, marks.values())) + len(touched | own)
            if group and actions > MAX_TRANSACTION_ACTIONS:
                yield group
                group, touched, marks = [], set(), Counter([place])
            group.append(each)
            touched |= own
        if group:
            yield group

    def _end_epoch(self, each: Change) -> None:
        """Take all of a dataset's objects out of its provider's totals, in one subtraction."""
        totals = superseded(each.old, each.new)
        if totals is None:
            raise ValueError("the change ends no epoch")
        obstacles, waiting = Obstacles(), Waiting(self.table)
        for _ in range(_ATTEMPTS):
            if not self.unmarked([each]):
                return
            stored = self.table.get(totals.key, consistent=True) or {}
            ending = each if ENDED in stored else _with_objects_out(each, totals, stored)
            if obstacles.undatable(ending):
                self.result.parked.append(Poison(each.raw, _UNDATED))
                return
            additions = Additions.of(self.table, [ending], obstacles, self.parts)
            marking = self.guard.marking([each.raw])
            try:
                self.write(marking, [end(self.table, totals, stored)], additions)
            except InvalidTransaction as error:
                self.result.parked.append(Poison(each.raw, f"refused by the database: {error}"))
                return
            except Cancelled as cancelled:
                for failed, item in additions.failed(cancelled):
                    obstacles.learn(failed, item)
            except Conflict:
                waiting.wait()
            else:
                self.result.counted += 1
                return
        raise Unavailable(_BUSY)

    def write(self, marking: Marking, others: Sequence[Action], additions: Additions) -> None:
        """Mark and add. What is learnt of markers and parts of counters is noted already when it
        raises."""
        actions = [*marking.actions, *others, *additions.actions.values()]
        try:
            self.table.transact(actions, yielding=True)
        except Cancelled as cancelled:
            marking.failed(cancelled.reasons[: len(marking.actions)])
            raise
        except Conflict as conflict:
            first = len(actions) - len(additions.actions)
            for position, totals in enumerate(additions.actions, start=first):
                if position in conflict.positions:
                    self.parts.move(self.table, totals)
            raise
        marking.written()


class Waiting:
    """Waits for others who have the same items, longer each time; at last Unavailable."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._pauses = list(pauses())

    def wait(self) -> None:
        self._table.sleep(self._pauses.pop(0))
        if not self._pauses:
            raise Unavailable(_BUSY)


def _neighbourhood(each: Change) -> tuple[str, str]:
    record = each.new or each.old
    return (record.tenant_id, getattr(record, "dataset_id", "")) if record else ("", "")


@dataclass(slots=True)
class _Group:
    """Changes counted together, as far as it goes: those that were counted before leave it."""

    counting: Counting
    obstacles: Obstacles = field(default_factory=Obstacles)

    def count(self, changes: Sequence[Change]) -> None:
        counting, left = self.counting, list(changes)
        waiting = Waiting(counting.table)
        for _ in range(_ATTEMPTS):
            # Pages that were read again for others of the batch may tell that a rival counted them.
            left = self._datable(counting.unmarked(left))
            if not left:
                return
            additions = Additions.of(counting.table, left, self.obstacles, counting.parts)
            try:
                counting.write(counting.guard.marking([each.raw for each in left]), [], additions)
            except InvalidTransaction as error:
                self._halve(left, error)
                return
            except Cancelled as cancelled:
                left = counting.unmarked(left)
                self._learn(left, additions, cancelled)
            except Conflict:
                waiting.wait()
            else:
                counting.result.counted += len(left)
                return
        raise Unavailable(_BUSY)

    def _datable(self, changes: Sequence[Change]) -> list[Change]:
        undatable = [each for each in changes if self.obstacles.undatable(each)]
        self.counting.result.parked += [Poison(each.raw, _UNDATED) for each in undatable]
        return [each for each in changes if each not in undatable]

    def _learn(self, changes: Sequence[Change], additions: Additions, cancelled: Cancelled) -> None:
        ended_before = set(self.obstacles.ended)
        for totals, item in additions.failed(cancelled):
            self.obstacles.learn(totals, item)
        # Before they are marked: a change that was counted is not looked at again.
        table = self.counting.table
        rescue_stale(table, changes, self.obstacles.ended - ended_before)

    def _halve(self, changes: Sequence[Change], error: Exception) -> None:
        """Find the change that no transaction takes, so that the others can be counted."""
        if len(changes) == 1:
            reason = f"refused by the database: {error}"
            self.counting.result.parked.append(Poison(changes[0].raw, reason))
            return
        middle = len(changes) // 2
        self.count(changes[:middle])
        self.count(changes[middle:])


def _with_objects_out(each: Change, totals: DatasetTotals, stored: Mapping[str, Any]) -> Change:
    objects = {(totals.parent, name): -stored[name] for name in totals.FIELDS if stored.get(name)}
    return replace(each, deltas=total([each.deltas, Counter(objects)]))


def end(table: Table, totals: DatasetTotals, stored: Mapping[str, Any]) -> Action:
    """Close an epoch's counters, on condition that they still are what was read."""
    known = {name: stored[name] for name in totals.FIELDS if name in stored}
    unchanged = [
        f"#{name} = :{name}" if name in known else f"attribute_not_exists(#{name})"
        for name in totals.FIELDS
    ]
    return table.update(
        totals.key,
        "SET #ended = :ended",
        " AND ".join(unchanged),
        names=(*totals.FIELDS, ENDED),
        ended=True,
        **known,
    )
