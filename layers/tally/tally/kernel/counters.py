"""Counters, and what a record adds to them.

A change of a record adds `contribution(new) - contribution(old)`. Over any history these telescope
to the contribution of the last state, so counters kept from changes equal a recount of the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tally.kernel.instants import Instant
from tally.kernel.keys import Key


@dataclass(frozen=True, slots=True)
class Totals:
    """Names one counter. `FIELDS` are all of the integers that it counts.

    A subclass declares a counter once: the dataclass fields identify the item, `key` says where it
    is stored. If many write to it, its sums are spread over up to `PARTS` items, and what it counts
    is their sum. More parts on a live table would lack what a repair noted in all of them.
    `BACKFILLED`: it came to live tables with series. It counts from the stream only what was
    accepted from their moment on (`aws/moments.py`); a command adds what is older. What comes later
    would need a moment of its own. `APART`: if a change adds to more counters than fit into one
    transaction, these are in a second one.
    """

    FIELDS: ClassVar[tuple[str, ...]]
    PARTS: ClassVar[int] = 1
    BACKFILLED: ClassVar[bool] = False
    APART: ClassVar[bool] = False

    @property
    def key(self) -> Key:
        raise NotImplementedError

    def part_key(self, part: int) -> Key:
        """Of one of its items; the first is always there."""
        return Key(self.key.pk, f"{self.key.sk}#{part:02}") if part else self.key

    @property
    def part_keys(self) -> Sequence[Key]:
        return [self.part_key(part) for part in range(self.PARTS)]

    @property
    def parent(self) -> Totals | None:
        """The counter whose fields include these: what is added here is added there, too."""
        return None


@dataclass(frozen=True, slots=True)
class DatedTotals(Totals):
    """A counter that also keeps when it last counted: a row of a list that is sorted by that.

    Another counter counts the rows.
    """

    DATE: ClassVar[str]

    @property
    def row_count(self) -> tuple[Totals, str]:
        """The counter and the field that count how many of these rows there are."""
        raise NotImplementedError

    def texts(self, latest: Instant) -> dict[str, str]:
        """The attributes of the row beside its counts."""
        raise NotImplementedError


type Deltas = Counter[tuple[Totals, str]]
"""(counter, field) -> amount; amounts may be negative. Fields with amount 0 may be absent."""


def series_key() -> Key:
    """`SERIES` / `SINCE`: the moment since when the counters of series count"""
    return Key("SERIES", "SINCE")


def sum_of_parts(totals: Totals, parts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """What a counter counts, from the items of its parts; fields never counted are absent."""
    sums: dict[str, int] = {}
    for item in parts:
        for field in totals.FIELDS:
            if field in item:
                sums[field] = sums.get(field, 0) + item[field]
    return sums


def adds(totals: Totals, **amounts: int) -> Deltas:
    """One counter's deltas."""
    return Counter({(totals, field): amount for field, amount in amounts.items()})


def difference(new: Deltas, old: Deltas) -> Deltas:
    """What leads from one contribution to another; fields that do not change are absent."""
    result = Counter(new)
    result.subtract(old)
    return without_zeros(result)


def total(parts: Iterable[Deltas]) -> Deltas:
    """The sum of several changes."""
    result: Deltas = Counter()
    for part in parts:
        result.update(part)
    return without_zeros(result)


def rolled_up(deltas: Deltas) -> Deltas:
    """The deltas, and those of counters with a parent once more for the parent."""
    result: Deltas = Counter(deltas)
    for (totals, field), amount in deltas.items():
        if totals.parent is not None:
            result[totals.parent, field] += amount
    return without_zeros(result)


def by_totals(deltas: Deltas) -> Mapping[Totals, dict[str, int]]:
    """The same, counter by counter."""
    grouped: dict[Totals, dict[str, int]] = {}
    for (totals, field), amount in deltas.items():
        grouped.setdefault(totals, {})[field] = amount
    return grouped


def without_zeros(deltas: Deltas) -> Deltas:
    return Counter({key: amount for key, amount in deltas.items() if amount})
