"""Repairs: counters set to what their records say, so that nothing pending counts twice.

Changes may be on their way while a counter is repaired: the stream lags, records are parked, a
batch waits in the bucket. A repair reads all records before a moment and again after it. If they
are the same, it knows what they said at the moment itself; it sets the counter to that, and notes
the moment in it as `as_of`. A change made before a counter's `as_of` is never added to it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import batched
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.catalog.counters import DatasetTotals, ProviderTotals
from tally.catalog.reads import datasets_of, unended_epochs
from tally.counting.additions import AS_OF
from tally.counting.engine import end
from tally.counting.recount import (
    OF_TENANT,
    Drift,
    Kinds,
    Look,
    Sleep,
    drifts_of,
    look,
    stored_counters,
)
from tally.counting.survivors import rescue_survivors
from tally.kernel.counters import DatedTotals, Totals
from tally.kernel.keys import Key

# A transaction holds 100 actions; one of them is the parent's.
_CHILDREN_AT_ONCE = 90
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
) -> Repaired:
    """Set right what drifted. `pause_s` is how far apart two clocks of the database may be.

    It takes about three times `pause_s`. What changes meanwhile is not repaired, and never harmed.
    """
    clock = clock or (lambda: _database_clock(table))
    if kinds is OF_TENANT:
        for dataset in datasets_of(table, tenant_id):
            rescue_survivors(table, dataset["dataset_id"])
    before = look(table, kinds, tenant_id)
    as_of = math.ceil(clock() + pause_s) + 1
    _wait_until(as_of + pause_s, clock, lambda: sleep(pause_s + 1))
    stored = stored_counters(table, kinds, tenant_id, before)
    after = look(table, kinds, tenant_id)
    work = _Repair(table, kinds, after, stored, as_of)
    resting = [t for t in stored if after.agrees(before, t, kinds.sources_of(t))]
    if kinds is OF_TENANT:
        work.family(tenant_id, resting)
    rows = [totals for totals in resting if isinstance(totals, DatedTotals)]
    for totals in resting:
        if not isinstance(totals, ProviderTotals | DatasetTotals | DatedTotals):
            work.single(totals)
    for totals in rows:  # after the counters of rows, which each of them corrects
        work.row(totals)
    drifted = [drift for t, item in stored.items() for drift in drifts_of(t, item, after)]
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
        stored: Mapping[Totals, Mapping[str, Any]],
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
        stored, target = self.stored[totals], self.look.expected(totals)
        rows = [t for t in self.stored if isinstance(t, DatedTotals)]
        for row in rows:
            counter, name = row.row_count
            if counter == totals:  # rows that are made or removed below correct it themselves
                target[name] = sum(bool(self.stored[r]) for r in rows if r.row_count[0] == totals)
        if any(stored.get(name, 0) != value for name, value in target.items()):
            self._write([totals], [self._set(totals, target, {})])
        elif any(drifts_of(totals, stored, self.look)):
            self.done.add(totals.key)  # its rows are what is wrong

    def row(self, totals: DatedTotals) -> None:
        """A row of a list, together with the count of the rows."""
        stored, texts = self.stored[totals], self.look.texts(totals)
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
            and any(drifts_of(totals, self.stored[totals], self.look))
        ]
        former = dict(unended_epochs(self.table, tenant_id))
        if not (wrong or former or any(drifts_of(provider, self.stored[provider], self.look))):
            return
        corrections = {totals: self._correction(totals, self.stored[totals]) for totals in wrong}
        corrections |= {t: {n: -item.get(n, 0) for n in t.FIELDS} for t, item in former.items()}
        rest = self._correction(provider, self.stored[provider])
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
            actions.append(self._parent(provider, amounts, is_first=is_first))
            if not self._write([provider, *chunk] if is_first else chunk, actions):
                return
            is_first = False

    def _correction(self, totals: Totals, stored: Mapping[str, Any]) -> dict[str, int]:
        expected = self.look.expected(totals)
        return {name: expected[name] - stored.get(name, 0) for name in totals.FIELDS}

    def _child(
        self, totals: DatasetTotals, former: Mapping[DatasetTotals, Mapping[str, Any]]
    ) -> Action:
        if totals in former:
            return end(self.table, totals, former[totals])
        return self._set(totals, self.look.expected(totals), {})

    def _parent(
        self, provider: ProviderTotals, amounts: Mapping[str, int], *, is_first: bool
    ) -> Action:
        added = {name: amount for name, amount in amounts.items() if amount}
        stored = self.stored[provider]
        clauses = f"SET {AS_OF} = :as_of"
        if added:
            clauses += " ADD " + ", ".join(f"#{name} :add_{name}" for name in added)
        bound = {f"add_{name}": amount for name, amount in added.items()}
        if is_first:
            condition, known, names = _conditions(provider, stored)
        else:
            condition, known, names = f"{AS_OF} = :as_of", {}, tuple(added)
        return self.table.update(
            provider.key, clauses, condition, names=names, as_of=self.as_of, **bound, **known
        )

    def _set(self, totals: Totals, target: Mapping[str, int], texts: Mapping[str, str]) -> Action:
        """Set all fields of a counter that is as it was read."""
        stored = self.stored[totals]
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

    def _write(self, counters: Sequence[Totals], actions: Sequence[Action]) -> bool:
        """False if a counter went on meanwhile: the next repair looks at it again."""
        try:
            self.table.transact(actions)
        except Cancelled:
            return False
        self.done |= {totals.key for totals in counters}
        return True


def _conditions(
    totals: Totals, stored: Mapping[str, Any]
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """That a counter is as it was read: the condition, its values, the names that it uses."""
    names = (*totals.FIELDS, AS_OF)
    if isinstance(totals, DatedTotals):
        names = (*names, totals.DATE)
    known = {f"was_{name}": stored[name] for name in names if name in stored}
    clauses = [
        f"#{name} = :was_{name}" if name in stored else f"attribute_not_exists(#{name})"
        for name in names
    ]
    return " AND ".join(clauses), known, names


def _database_clock(table: Table) -> float:
    """The seconds of the database's own clock, which stamps the changes on the stream."""
    answer: Any = table.client.get_item(
        TableName=table.name, Key={"PK": {"S": "CLOCK"}, "SK": {"S": "CLOCK"}}
    )
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date).timestamp() if date else time.time()
