"""Counting the changes that the stream delivers, each exactly once.

One transaction guards every change with a marker and adds their summed deltas to the counters, so
a crash, a second delivery or a differently cut batch finds either all of a change or none of it.
A change that cannot be counted is parked in the same way, and blocks nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import (
    MAX_TRANSACTION_ACTIONS,
    Action,
    Cancelled,
    InvalidTransaction,
    named,
)
from tally.catalog.counters import DatasetTotals, may_have_survivors, superseded
from tally.counting.additions import ENDED, Additions, Obstacles
from tally.counting.changes import Change, Counted, Poison, put_marker, read_change
from tally.counting.survivors import rescue_stale, rescue_survivors
from tally.kernel.counters import DatedTotals, Totals, rolled_up
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant

_ATTEMPTS = 50
_UNDATED = "the change does not say when it was made, and its counter was repaired: recount it"


def count(table: Table, raws: Sequence[Mapping[str, Any]], now: Instant) -> Counted:
    """Count every stream record, once ever; those that cannot be are returned as `parked`, for
    `parking.park`. Raises if the database fails: then deliver the batch again."""
    result = Counted()
    changes: list[Change] = []
    for raw in raws:
        try:
            changes.append(read_change(raw, put_marker(table, raw, now)))
        except ValueError as error:
            result.parked.append(Poison(raw, str(error)))
    count_changes(table, changes, result)
    return result


def count_changes(table: Table, changes: Sequence[Change], result: Counted) -> None:
    """Count changes that could be read, each under its guard."""
    plain = []
    for each in changes:
        if superseded(each.old, each.new):
            _end_epoch(table, each, result)
        elif each.deltas:
            plain.append(each)
        else:
            result.without_effect += 1
    for group in _groups(plain):
        _Group(table, result).count(group)
    # Even for a change that was counted before: the sweep after it may not have come to its end.
    for each in changes:
        if may_have_survivors(each.old, each.new):
            rescue_survivors(table, each.new.dataset_id)


def _groups(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Cut so that the guards and the counters of each group fit into one transaction.

    Neighbours go together: a counter is paid for in each transaction that has one of its changes.
    """
    group: list[Change] = []
    touched: set[Totals] = set()
    for each in sorted(changes, key=_neighbourhood):
        own = {totals for totals, _ in rolled_up(each.deltas)}
        own |= {t.parent for t in own if t.parent}
        own |= {t.row_count[0] for t in own if isinstance(t, DatedTotals)}
        if len(group) + 1 + len(touched | own) > MAX_TRANSACTION_ACTIONS:
            yield group
            group, touched = [], set()
        group.append(each)
        touched |= own
    if group:
        yield group


def _neighbourhood(each: Change) -> tuple[str, str]:
    record = each.new or each.old
    return (record.tenant_id, getattr(record, "dataset_id", "")) if record else ("", "")


@dataclass(slots=True)
class _Group:
    """Changes counted together, as far as it goes: those that were counted before leave it."""

    table: Table
    result: Counted
    obstacles: Obstacles = field(default_factory=Obstacles)

    def count(self, changes: Sequence[Change]) -> None:
        left = list(changes)
        for _ in range(_ATTEMPTS):
            left = self._datable(left)
            if not left:
                return
            additions = Additions.of(self.table, left, self.obstacles)
            try:
                guards = [each.guard for each in left]
                self.table.transact([*guards, *additions.actions.values()])
            except InvalidTransaction as error:
                self._halve(left, error)
                return
            except Cancelled as cancelled:
                left = self._not_counted_before(left, cancelled)
                self._learn(left, additions, cancelled)
            else:
                self.result.counted += len(left)
                return
        raise Unavailable("Other writers keep changing the same counters.")

    def _datable(self, changes: Sequence[Change]) -> list[Change]:
        undatable = [each for each in changes if self.obstacles.undatable(each)]
        self.result.parked += [Poison(each.raw, _UNDATED) for each in undatable]
        return [each for each in changes if each not in undatable]

    def _not_counted_before(self, changes: Sequence[Change], cancelled: Cancelled) -> list[Change]:
        guards = cancelled.reasons[: len(changes)]
        left = [each for each, failed in zip(changes, guards, strict=True) if not failed]
        self.result.already_counted += len(changes) - len(left)
        return left

    def _learn(self, changes: Sequence[Change], additions: Additions, cancelled: Cancelled) -> None:
        ended_before = set(self.obstacles.ended)
        for totals, item in additions.failed(cancelled):
            self.obstacles.learn(totals, item)
        # Before the guards are written: a change that was counted is not looked at again.
        rescue_stale(self.table, changes, self.obstacles.ended - ended_before)

    def _halve(self, changes: Sequence[Change], error: Exception) -> None:
        """Find the change that no transaction takes, so that the others can be counted."""
        if len(changes) == 1:
            reason = f"refused by the database: {error}"
            self.result.parked.append(Poison(changes[0].raw, reason))
            return
        middle = len(changes) // 2
        self.count(changes[:middle])
        self.count(changes[middle:])


def _end_epoch(table: Table, each: Change, result: Counted) -> None:
    """Take all of a dataset's objects out of its provider's totals, in one subtraction."""
    totals = superseded(each.old, each.new)
    if totals is None:
        raise ValueError("the change ends no epoch")
    obstacles = Obstacles()
    for _ in range(_ATTEMPTS):
        stored = table.get(totals.key, consistent=True) or {}
        ending = each if ENDED in stored else _with_objects_out(each, totals, stored)
        if obstacles.undatable(ending):
            result.parked.append(Poison(each.raw, _UNDATED))
            return
        additions = Additions.of(table, [ending], obstacles)
        actions = [named("guard", each.guard), end(table, totals, stored)]
        try:
            table.transact([*actions, *additions.actions.values()])
        except InvalidTransaction as error:
            result.parked.append(Poison(each.raw, f"refused by the database: {error}"))
            return
        except Cancelled as cancelled:
            if cancelled.failed("guard"):
                result.already_counted += 1
                return
            for failed, item in additions.failed(cancelled):
                obstacles.learn(failed, item)
        else:
            result.counted += 1
            return
    raise Unavailable("Other writers keep changing the same counters.")


def _with_objects_out(each: Change, totals: DatasetTotals, stored: Mapping[str, Any]) -> Change:
    objects = {(totals.parent, name): -stored[name] for name in totals.FIELDS if stored.get(name)}
    return replace(each, also=Counter(objects))


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
