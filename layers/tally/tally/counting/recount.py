"""Recounts: what a tenant's records say that its counters should be, and what the counters say."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tally.access.counted import COUNTED as ACCESS
from tally.access.counted import COUNTERS as ACCESS_COUNTERS
from tally.aws.moments import series_settled
from tally.aws.table import Table
from tally.counting.items import AS_OF, FILLED
from tally.counting.registry import COUNTED, COUNTERS
from tally.counting.rescue_markers import under_way
from tally.kernel.counted import UNSETTLED, CountedRecord, CounterKind
from tally.kernel.counters import DatedTotals, Deltas, Totals, rolled_up, sum_of_parts
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.partners.counted import COUNTED_AT_ONCE as PARTNERS_AT_ONCE
from tally.payouts.counted import COUNTED as PAYOUTS
from tally.payouts.counted import (
    COUNTED_OF_RUNS,
    COUNTERS_OF_RUNS,
)
from tally.payouts.counted import COUNTERS as PAYOUTS_COUNTERS

type Sleep = Callable[[float], None]
type Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Records, and the counters that they are counted in."""

    counted: tuple[CountedRecord[Any], ...]
    counters: tuple[CounterKind[Any], ...]

    def sources_of(self, totals: Totals) -> Iterator[CountedRecord[Any]]:
        """The kinds of records that a counter counts."""
        return (kind for kind in self.counted if type(totals) in kind.adds_to)


OF_TENANT = Kinds(
    (*COUNTED, *PARTNERS_AT_ONCE, *ACCESS, *PAYOUTS),
    (*COUNTERS, *ACCESS_COUNTERS, *PAYOUTS_COUNTERS),
)
OF_RUNS = Kinds(COUNTED_OF_RUNS, COUNTERS_OF_RUNS)


@dataclass(frozen=True, slots=True)
class Drift:
    """A counter's field that is not what its records add up to; None for a text that is absent.

    `unfilled`: the counter may lack what a backfill is to add.
    """

    counter: Key
    field: str
    stored: int | str | None
    expected: int | str
    unfilled: bool = dataclasses.field(default=False, compare=False)

    def __str__(self) -> str:
        counter = " / ".join(self.counter)
        return f"{counter}: {self.field} is {self.stored}, its records say {self.expected}"

    @property
    def in_short(self) -> str:
        """Without the texts that the counter and its records hold, for log lines."""
        if isinstance(self.stored, str) or isinstance(self.expected, str):
            return f"{' / '.join(self.counter)}: {self.field} differs from its records"
        return str(self)


class UnreadableRecord(RuntimeError):
    """A record that makes no sense: nobody can tell what it should count. The stream parks it."""


def read_record(kind: CountedRecord[Any], item: Mapping[str, Any]) -> tuple[Any, Deltas]:
    """A record, and what it adds to the counters; or UnreadableRecord."""
    try:
        record = kind.read(item)
        return record, kind.contribution(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableRecord(
            f"{item['PK']} / {item['SK']} cannot be read ({type(error).__name__}: {error}); "
            "correct it or delete it"
        ) from error


@dataclass(slots=True)
class Look:
    """What the records say when they are read once.

    Two looks with the same trace of a counter's records have seen the same records, unchanged.
    """

    sums: Deltas = field(default_factory=Counter)
    latest: dict[DatedTotals, Instant] = field(default_factory=dict)
    traces: Counter[object] = field(default_factory=Counter)
    unsettled: set[Totals] = field(default_factory=set)
    """The counters of records that will still move to them."""

    def see(self, kind: CountedRecord[Any], item: Mapping[str, Any]) -> None:
        record, deltas = read_record(kind, item)
        all_sums = rolled_up(deltas)
        self.sums.update(all_sums)
        if item.get(UNSETTLED):
            self.unsettled |= {totals for totals, _ in all_sums}
        counted = {totals for totals, _ in deltas}
        for totals in counted:
            if isinstance(totals, DatedTotals) and kind.happened_at:
                if totals not in self.latest:
                    counter, _ = totals.row_count
                    self.sums[totals.row_count] += 1
                    self.traces[counter] += hash(totals.key)
                happened = kind.happened_at(record)
                self.latest[totals] = max(self.latest.get(totals, ""), happened)
        seen = hash((item["PK"], item["SK"], item.get("revision")))
        self.traces[kind.record] += seen
        self.traces.update(dict.fromkeys(counted, seen))

    def expected(self, totals: Totals) -> dict[str, int]:
        return {name: self.sums[totals, name] for name in totals.FIELDS}

    def texts(self, totals: Totals) -> dict[str, str]:
        """What a row says beside its counts; nothing for a row that should not be there."""
        if isinstance(totals, DatedTotals) and totals in self.latest:
            return totals.texts(self.latest[totals])
        return {}

    @property
    def counters(self) -> set[Totals]:
        return {totals for totals, _ in self.sums}

    def agrees(self, other: Look, totals: Totals, sources: Iterable[CountedRecord[Any]]) -> bool:
        """Whether nothing that the counter counts has changed between the two looks.

        A record that changes may have counted elsewhere meanwhile: then the whole kind must rest.
        """
        return self.traces[totals] == other.traces[totals] and all(
            self.traces[kind.record] == other.traces[kind.record]
            for kind in sources
            if kind.changes
        )


def look(table: Table, kinds: Kinds, tenant_id: str) -> Look:
    seen = Look()
    for kind in kinds.counted:
        for item in kind.items_of(table, tenant_id):
            seen.see(kind, item)
    return seen


@dataclass(frozen=True, slots=True)
class Stored:
    """A counter as it is stored: `item` says what it counts, `parts` are the items that it is
    spread over, by their keys, without those that are not there."""

    item: Mapping[str, Any]
    parts: Mapping[Key, Mapping[str, Any]]

    @classmethod
    def of(cls, totals: Totals, found: Mapping[Key, Mapping[str, Any]]) -> Stored:
        parts = {key: found[key] for key in totals.part_keys if key in found}
        if totals.PARTS == 1:
            return cls(parts.get(totals.key, {}), parts)
        return cls(sum_of_parts(totals, parts.values()), parts)


def stored_counters(
    table: Table,
    kinds: Kinds,
    tenant_id: str,
    seen: Look,
    clock: Clock | None = None,
) -> dict[Totals, Stored]:
    """Every counter that is stored or should be, if it can be told what it should be. `clock` is
    the database's."""
    named = {totals for kind in kinds.counters for totals in kind.all_of(table, tenant_id)}
    every = sorted(named | seen.counters, key=lambda totals: totals.key)
    if any(totals.BACKFILLED for totals in every) and not series_settled(table, clock):
        every = [totals for totals in every if not totals.BACKFILLED]
    rows = [totals.key for totals in every if isinstance(totals, DatedTotals)]
    others = [
        key for totals in every if not isinstance(totals, DatedTotals) for key in totals.part_keys
    ]
    # Rows last: one that is made meanwhile is never missing beside a count that includes it.
    found = table.get_many(others) | table.get_many(rows)
    return {totals: Stored.of(totals, found) for totals in every}


def drifts_of(totals: Totals, stored: Mapping[str, Any], seen: Look) -> Iterator[Drift]:
    unfilled = totals.BACKFILLED and not {FILLED, AS_OF} & stored.keys()
    for name, right in seen.expected(totals).items():
        if stored.get(name, 0) != right:
            yield Drift(totals.key, name, stored.get(name, 0), right, unfilled)
    for name, text in seen.texts(totals).items():
        if stored.get(name) != text:
            yield Drift(totals.key, name, stored.get(name), text)


def recount(
    table: Table,
    tenant_id: str,
    *,
    pause_s: float = 5,
    sleep: Sleep = time.sleep,
    looks: int = 10,
    kinds: Kinds = OF_TENANT,
    clock: Clock | None = None,
) -> list[Drift]:
    """The drift that two looks in a row agree on: a change on its way over the stream is none.
    `clock` is the database's.

    RuntimeError if the tenant never rests, or objects of its datasets are still being rescued.
    """
    before, moving = set(_drifts(table, kinds, tenant_id, clock)), set[str]()
    for _ in range(looks):
        if not before:
            return []
        sleep(pause_s)
        # A look expects survivors where they belong, but they count there only once they are moved.
        # The rescue may end, or begin, during the look.
        moving = _moving(table, kinds, tenant_id)
        now = set(_drifts(table, kinds, tenant_id, clock))
        if now == before:
            moving |= _moving(table, kinds, tenant_id)
            if not moving:
                return sorted(now, key=lambda drift: (drift.counter, drift.field))
        before = now
    if moving:
        raise RuntimeError(
            f"{tenant_id}: objects of {', '.join(sorted(moving))} are still being moved into their "
            "present epoch; recount it later"
        )
    raise RuntimeError(f"{tenant_id} keeps changing; recount it at a quieter time")


def _moving(table: Table, kinds: Kinds, tenant_id: str) -> set[str]:
    return set(under_way(table, tenant_id)) if kinds is OF_TENANT else set()


def _drifts(table: Table, kinds: Kinds, tenant_id: str, clock: Clock | None) -> Iterator[Drift]:
    seen = look(table, kinds, tenant_id)
    for totals, stored in stored_counters(table, kinds, tenant_id, seen, clock).items():
        yield from drifts_of(totals, stored.item, seen)


def all_tenants(table: Table) -> Iterator[str]:
    """Every tenant, by reading the whole table: for an operator, never for a request."""
    pages = table.client.get_paginator("scan").paginate(
        TableName=table.name,
        FilterExpression="SK = :sk",
        ExpressionAttributeValues={":sk": {"S": "TENANT"}},
        ProjectionExpression="tenant_id",
    )
    for page in pages:
        for item in page["Items"]:
            yield item["tenant_id"]["S"]
