"""Backfills: counters that came to a live table get what was accepted before its moment, once.

The stream leaves that to the backfill, whenever it delivers it. Whether a record is the stream's or
the backfill's, its own attribute decides; so both are exact while events flow. Each counter is
filled in one write, which also notes that it is filled: a backfill may be repeated, killed at any
point, or run twice at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.counting.items import AS_OF, FILLED
from tally.counting.recount import OF_TENANT, UnreadableRecord, read_record
from tally.counting.registry import backfilled
from tally.kernel.counters import Deltas, Totals, by_totals, without_zeros
from tally.kernel.instants import Instant
from tally.partners.backfill import marked_usage

_TELL_EVERY = 100_000


class Sums(NamedTuple):
    """What some counters lack, all of it. `name` is for the operator. `unreadable` says what record
    cannot be read, and then there are no deltas."""

    name: str
    deltas: Deltas
    unreadable: str = ""


type Say = Callable[[str], None]
type SumsOf = Callable[[Table, Sequence[str], Instant, Say], Iterable[Sums]]
"""(table, tenants, moment, say) -> what was accepted before the moment."""


class Backfill(NamedTuple):
    """`in_records`: a recount finds it too, so a counter that was repaired has it."""

    sums_of: SumsOf
    in_records: bool = True


class Filled(NamedTuple):
    """How many counters were filled, and how many were before."""

    filled: int
    before: int


def sums_of_records(
    table: Table, tenant_ids: Sequence[str], moment: Instant, say: Say
) -> Iterator[Sums]:
    """Of each tenant's counted records, which are read once; the sums are all that is kept."""
    kinds = [k for k in OF_TENANT.counted if any(t.BACKFILLED for t in k.adds_to)]
    for tenant_id in tenant_ids:
        sums: Deltas = Counter()
        read = 0
        try:
            for kind in kinds:
                for item in kind.items_of(table, tenant_id):
                    record, deltas = read_record(kind, item)
                    if backfilled(record, moment):
                        sums.update({of: n for of, n in deltas.items() if of[0].BACKFILLED})
                    read += 1
                    if read % _TELL_EVERY == 0:
                        say(f"{tenant_id}: {read:,} records read")
        except UnreadableRecord as error:
            yield Sums(tenant_id, Counter(), unreadable=str(error))
        else:
            yield Sums(tenant_id, without_zeros(sums))


def sums_of_marks(
    table: Table, tenant_ids: Sequence[str], moment: Instant, say: Say
) -> Iterator[Sums]:
    """Of the partners' usage events, which no other record has by organization."""
    for partner_id, deltas in marked_usage(table, tenant_ids, moment, say):
        yield Sums(partner_id, deltas)


BACKFILLS: tuple[Backfill, ...] = (
    Backfill(sums_of_records),
    Backfill(sums_of_marks, in_records=False),
)


def fill(
    table: Table,
    tenant_ids: Sequence[str],
    moment: Instant,
    say: Say,
    backfills: Iterable[Backfill] = BACKFILLS,
) -> bool:
    """Only once all that was accepted before the moment is stored; `say` is told of each part.
    False if a tenant has a record that cannot be read: then nothing of that tenant was added."""
    all_read = True
    for each in backfills:
        for sums in each.sums_of(table, tenant_ids, moment, say):
            if sums.unreadable:
                all_read = False
                say(f"{sums.name}: {sums.unreadable}")
                continue
            done = _fill(table, sums.deltas, in_records=each.in_records)
            say(f"{sums.name}: {done.filled:,} counters filled, {done.before:,} before")
    return all_read


def _fill(table: Table, sums: Deltas, *, in_records: bool) -> Filled:
    filled = before = 0
    for totals, amounts in by_totals(sums).items():
        try:
            table.write(_action(table, totals, amounts, in_records=in_records))
            filled += 1
        except Cancelled:
            before += 1
    return Filled(filled, before)


def _action(table: Table, totals: Totals, amounts: dict[str, int], *, in_records: bool) -> Action:
    condition = f"attribute_not_exists({FILLED})"
    if in_records:
        condition += f" AND attribute_not_exists({AS_OF})"
    added = ", ".join(f"#{name} :{name}" for name in amounts)
    return table.update(
        totals.key,
        f"ADD {added} SET {FILLED} = :true",
        condition,
        names=tuple(amounts),
        true=True,
        **amounts,
    )
