"""Repairs: counters set to what their records say, so that nothing pending counts twice.

Changes may be on their way while a counter is repaired: the stream lags, records are parked, a
batch waits in the bucket. A repair reads all records before a moment and again after it. If they
are the same, it knows what they said at the moment itself; it sets the counter to that, and notes
the moment in it as `as_of`. A change made before a counter's `as_of` is never added to it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from tally.aws.moments import database_clock as _database_clock
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.catalog.counters import DatasetTotals, ProviderTotals
from tally.catalog.reads import datasets_of, unended_epochs
from tally.counting.engine import end
from tally.counting.items import AS_OF, FILLED
from tally.counting.recount import (
    OF_TENANT,
    Drift,
    Kinds,
    Look,
    Sleep,
    Stored,
    drifts_of,
    look,
    stored_counters,
)
from tally.counting.rescues import rescue_now
from tally.kernel.counters import DatedTotals, Totals, sum_of_parts
from tally.kernel.keys import Key

# A transaction holds 100 actions; some of them are those of the parent's parts.
_CHILDREN_AT_ONCE = 80
_WAITS = 60


@dataclass(frozen=True, slots=True)
class Repaired:
    """`mended` fields are right now; `left` may be right, or not: their records kept changing."""

    mended: list[Drift]
    left: list[Drift]


def repair(
    table: Table,
    tenant_id: str,
    *,
    pause_s: float = 5,
    sleep: Sleep = time.sleep,
    clock: Callable[[], float] | None = None,
    kinds: Kinds = OF_TENANT,
    say: Callable[[str], None] = lambda _: None,
) -> Repaired:
    """Set right what drifted. `pause_s` is how far apart two clocks of the database may be; `say`
    is told of how far it came, where that takes long.

    It takes about three times `pause_s`. What changes meanwhile is not repaired, and never harmed.
    """
    clock = clock or (lambda: _database_clock(table))
    if kinds is OF_TENANT:
        for dataset in datasets_of(table, tenant_id):
            rescue_now(table, dataset["dataset_id"], say)
    before = look(table, kinds, tenant_id)
    as_of = math.ceil(clock() + pause_s) + 1
    _wait_until(as_of + pause_s, clock, lambda: sleep(pause_s + 1))
    stored = stored_counters(table, kinds, tenant_id, before, clock)
    after = look(table, kinds, tenant_id)
    work = _Repair(table, kinds, after, stored, as_of)
    resting = [
        totals
        for totals in stored
        if after.agrees(before, totals, kinds.sources_of(totals)) and totals not in after.unsettled
    ]
    if kinds is OF_TENANT:
        work.family(tenant_id, resting)
    rows = [totals for totals in resting if isinstance(totals, DatedTotals)]
    for totals in resting:
        if not isinstance(totals, ProviderTotals | DatasetTotals | DatedTotals):
            work.single(totals)
    for totals in rows:  # after the counters of rows, which each of them corrects
        work.row(totals)
    drifted = [drift for t, each in stored.items() for drift in drifts_of(t, each.item, after)]
    mended = [drift for drift in drifted if drift.counter in work.done]
    return Repaired(mended, [drift for drift in drifted if drift not in mended])


def _wait_until(moment: float, clock: Callable[[], float], wait: Callable[[], None]) -> None:
    for _ in range(_WAITS):
        if clock() >= moment:
            return
        wait()
    raise RuntimeError("the database's clock does not move; repair at another time")


class _Repair:
    """One repair: what the records said as of a moment, and the counters as they were read."""

    def __init__(
        self,
        table: Table,
        kinds: Kinds,
        look: Look,
        stored: Mapping[Totals, Stored],
        as_of: int,
    ) -> None:
        self.table = table
        self.kinds = kinds
        self.look = look
        self.stored = stored
        self.as_of = as_of
        self.done: set[Key] = set()

    def single(self, totals: Totals) -> None:
        """A counter that stands alone, set as a whole."""
        stored, target = self.stored[totals].item, self.look.expected(totals)
        rows = [t for t in self.stored if isinstance(t, DatedTotals)]
        for row in rows:
            counter, name = row.row_count
            if counter == totals:  # rows that are made or removed below correct it themselves
                target[name] = sum(
                    bool(self.stored[r].item) for r in rows if r.row_count[0] == totals
                )
        if any(stored.get(name, 0) != value for name, value in target.items()):
            self._write([totals], self._set_parts(totals, target))
        elif any(drifts_of(totals, stored, self.look)):
            self.done.add(totals.key)  # its rows are what is wrong

    def row(self, totals: DatedTotals) -> None:
        """A row of a list, together with the count of the rows."""
        stored, texts = self.stored[totals].item, self.look.texts(totals)
        if not any(drifts_of(totals, stored, self.look)):
            return
        counter, name = totals.row_count
        if not texts:
            condition, known, names = _conditions(totals, stored)
            remove = self.table.delete(totals.key, condition, names=names, **known)
            self._write([totals], [remove, self.table.add(counter.key, {name: -1})])
            return
        actions = [self._set(totals, self.look.expected(totals), texts)]
        if not stored:
            actions.append(self.table.add(counter.key, {name: 1}))
        self._write([totals], actions)

    def family(self, tenant_id: str, resting: Sequence[Totals]) -> None:
        """A provider and its datasets. They stay in step, so that an epoch can end at any time."""
        provider = ProviderTotals(tenant_id)
        if provider not in resting:
            return
        wrong = [
            totals
            for totals in resting
            if isinstance(totals, DatasetTotals)
            and any(drifts_of(totals, self.stored[totals].item, self.look))
        ]
        former = dict(unended_epochs(self.table, tenant_id))
        drifts = drifts_of(provider, self.stored[provider].item, self.look)
        if not (wrong or former or any(drifts)):
            return
        corrections = {totals: self._correction(totals) for totals in wrong}
        corrections |= {t: {n: -item.get(n, 0) for n in t.FIELDS} for t, item in former.items()}
        rest = self._correction(provider)
        for correction in corrections.values():
            for name, amount in correction.items():
                rest[name] -= amount
        is_first = True
        for chunk in list(batched(corrections, _CHILDREN_AT_ONCE, strict=False)) or [()]:
            amounts = dict(rest) if is_first else dict.fromkeys(provider.FIELDS, 0)
            for totals in chunk:
                for name, amount in corrections[totals].items():
                    amounts[name] += amount
            actions = [self._child(totals, former) for totals in chunk]
            actions += self._parent(provider, amounts, is_first=is_first)
            if not self._write([provider, *chunk] if is_first else chunk, actions):
                return
            is_first = False

    def _correction(self, totals: Totals) -> dict[str, int]:
        stored, expected = self.stored[totals].item, self.look.expected(totals)
        return {name: expected[name] - stored.get(name, 0) for name in totals.FIELDS}

    def _child(
        self, totals: DatasetTotals, former: Mapping[DatasetTotals, Mapping[str, Any]]
    ) -> Action:
        if totals in former:
            return end(self.table, totals, former[totals])
        return self._set(totals, self.look.expected(totals), {})

    def _parent(
        self, provider: ProviderTotals, amounts: Mapping[str, int], *, is_first: bool
    ) -> Iterator[Action]:
        """Correct the first part. The moment is noted in all of them, also in those that are not
        there yet: what it includes must not be added to any."""
        added = {name: amount for name, amount in amounts.items() if amount}
        bound = {f"add_{name}": amount for name, amount in added.items()}
        clauses = f"SET {AS_OF} = :as_of"
        plus = " ADD " + ", ".join(f"#{name} :add_{name}" for name in added) if added else ""
        if not is_first:
            condition, names = f"{AS_OF} = :as_of", tuple(added)
            yield self.table.update(
                provider.key, clauses + plus, condition, names=names, as_of=self.as_of, **bound
            )
            return
        for key in provider.part_keys:
            condition, known, names = self._as_read(provider, key)
            yield self.table.update(
                key, clauses + plus, condition, names=names, as_of=self.as_of, **bound, **known
            )
            plus, bound = "", {}

    def _set_parts(self, totals: Totals, target: Mapping[str, int]) -> Iterator[Action]:
        """Set the first part so that the sum of all is right."""
        others = totals.part_keys[1:]
        rest = sum_of_parts(totals, (self.stored[totals].parts.get(key, {}) for key in others))
        yield self._set(totals, {name: n - rest.get(name, 0) for name, n in target.items()}, {})
        for key in others:
            condition, known, names = self._as_read(totals, key)
            yield self.table.check(key, condition, names=names, **known)

    def _as_read(self, totals: Totals, key: Key) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        return _conditions(totals, self.stored[totals].parts.get(key, {}))

    def _set(self, totals: Totals, target: Mapping[str, int], texts: Mapping[str, str]) -> Action:
        """Set all fields of a counter's first part, if that is as it was read."""
        stored = self.stored[totals].parts.get(totals.key, {})
        values: dict[str, int | str] = {
            name: value for name, value in target.items() if value or name in stored
        }
        values |= texts
        if not totals.parent and any(kind.streamed for kind in self.kinds.sources_of(totals)):
            values[AS_OF] = self.as_of
        condition, known, names = _conditions(totals, stored)
        clauses = ", ".join(f"#{name} = :set_{name}" for name in values)
        return self.table.update(
            totals.key,
            f"SET {clauses}",
            condition,
            names=tuple(dict.fromkeys((*names, *values))),
            **{f"set_{name}": value for name, value in values.items()},
            **known,
        )

    def _write(self, counters: Sequence[Totals], actions: Iterable[Action]) -> bool:
        """False if a counter went on meanwhile: the next repair looks at it again."""
        try:
            self.table.transact(list(actions))
        except Cancelled:
            return False
        self.done |= {totals.key for totals in counters}
        return True


def _conditions(
    totals: Totals, stored: Mapping[str, Any]
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """That a counter is as it was read: the condition, its values, the names that it uses."""
    names = (*totals.FIELDS, AS_OF, *([FILLED] if totals.BACKFILLED else []))
    if isinstance(totals, DatedTotals):
        names = (*names, totals.DATE)
    known = {f"was_{name}": stored[name] for name in names if name in stored}
    clauses = [
        f"#{name} = :was_{name}" if name in stored else f"attribute_not_exists(#{name})"
        for name in names
    ]
    return " AND ".join(clauses), known, names
