"""What counting one by one would cost: a transaction for each change, its marker and counters.

Both ways count exactly once. Both get the same records of the deployed stack's stream, in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from dev.bench.end_to_end import TENANTS
from dev.bench.figures import ALTERNATIVES, Figure
from dev.bench.lab import BATCH, Lab, first_iterator, read_stream
from dev.stack import LocalStack
from tally.catalog.reads import provider_totals
from tally.counting.changes import read_change
from tally.counting.engine import count
from tally.counting.markers import Markers
from tally.kernel.counters import by_totals, rolled_up

PART = "The same changes, counted in two ways"
_MOST_RECORDS = 1_000

type Record = dict[str, Any]


@dataclass(slots=True)
class Way:
    """A way to count, on a table of its own."""

    lab: Lab
    count: Callable[[Lab, Sequence[Record]], int]
    seconds: float = 0
    write_units: float = 0
    counted: int = 0

    def take(self, batch: Sequence[Record]) -> None:
        begun = time.perf_counter()
        with self.lab.meter.measure() as usage:
            self.counted += self.count(self.lab, batch)
        self.seconds += time.perf_counter() - begun
        self.write_units += usage.write_units

    def dashboards(self) -> list[dict[str, Any]]:
        totals = [dict(provider_totals(self.lab.table, tenant_id)) for tenant_id in TENANTS]
        return [{field: n for field, n in each.items() if n} for each in totals]


def measure(stack: LocalStack) -> Iterator[Figure]:
    """Time and write units of both ways, which take turns batch by batch, and their ratio."""
    begin = first_iterator(stack, stack.table_name)
    records, _ = read_stream(stack.client("dynamodbstreams"), begin)
    summed = Way(Lab.on(stack, "bench-summed"), _summed)
    singly = Way(Lab.on(stack, "bench-one-by-one"), one_by_one)
    for batch in batched(records[:_MOST_RECORDS], BATCH, strict=False):
        summed.take(batch)
        singly.take(batch)
    if summed.dashboards() != singly.dashboards() or summed.counted != singly.counted:
        raise RuntimeError("both ways to count must come to the same")
    for name, way in (("summed in one transaction", summed), ("one by one", singly)):
        units, milliseconds = way.write_units / way.counted, way.seconds / way.counted * 1000
        yield Figure(PART, name, units, "write units")
        yield Figure(PART, name, milliseconds, "milliseconds")
    for name, ratio in (
        ("write units", summed.write_units / singly.write_units),
        ("time", summed.seconds / singly.seconds),
    ):
        name_of_ratio = f"{name} to count mixed events: summed / one by one"
        yield Figure(ALTERNATIVES, name_of_ratio, ratio, "ratio")


def _summed(lab: Lab, batch: Sequence[Record]) -> int:
    return count(lab.table, batch, lab.now).counted


def one_by_one(lab: Lab, batch: Sequence[Record]) -> int:
    """Counts correctly as long as no dataset is deleted or accessed."""
    counted = 0
    for record in batch:
        change = read_change(record)
        additions = by_totals(rolled_up(change.deltas))
        if additions:
            actions = [lab.table.add(of.key, dict(n)) for of, n in additions.items()]
            marking = Markers(lab.table, lab.now, shared_since=None).marking([record])
            lab.table.transact([*marking.actions, *actions])
            counted += 1
    return counted
