"""Usage entries as items, and the sums over any range of days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from tally.domain.counting import UsageTotals
from tally.domain.usage import (
    Bucket,
    Stretch,
    Usage,
    UsageEntry,
    UsageRecorded,
    stretches,
    usage_sum,
)
from tally.store import keys
from tally.store.keys import Key
from tally.store.table import Table

_NEIGHBOURS_DAYS = {Bucket.DAY: 1, Bucket.MONTH: 31}
_FORMS = {Bucket.DAY: "2026-04-05", Bucket.MONTH: "2026-04"}


class DayRange(NamedTuple):
    """Both days included."""

    first: date
    last: date


def recorded_attributes(usage: UsageRecorded) -> dict[str, Any]:
    """What the mark of a usage event says beside the event's identity."""
    return {
        "partner_id": usage.partner_id,
        "organization_id": usage.organization_id,
        "kind": usage.kind,
        "quantity": usage.quantity,
        "credits": usage.credits,
    }


def usage_key(entry: UsageEntry) -> Key:
    return keys.usage(entry.partner_id, entry.day, entry.entry_id)


def usage_attributes(entry: UsageEntry) -> dict[str, Any]:
    return {
        "partner_id": entry.partner_id,
        "day": entry.day,
        "entry_id": entry.entry_id,
        **entry.usage._asdict(),
    }


def usage_entry_from(item: Mapping[str, Any]) -> UsageEntry:
    """KeyError for an item that is none."""
    usage = Usage(*(item[field] for field in Usage._fields))
    return UsageEntry(item["partner_id"], item["day"], item["entry_id"], usage)


def usage_entries(table: Table, partner_id: str) -> Iterator[UsageEntry]:
    """All that a partner ever used, oldest day first, read consistently."""
    pk = keys.usages_pk(partner_id)
    for item in table.query(pk, keys.USAGE_PREFIX, consistent=True):
        yield usage_entry_from(item)


def counted_usage(table: Table, partner_id: str) -> Iterator[UsageTotals]:
    """Every day and month that a partner has counters for."""
    for bucket in Bucket:
        first = keys.used(partner_id, bucket, "")
        for item in table.query(first.pk, first.sk, consistent=True):
            yield UsageTotals(partner_id, bucket, item["SK"].removeprefix(first.sk))


def usage_in(table: Table, partner_id: str, *ranges: DayRange) -> Sequence[Usage]:
    """The usage in each of the ranges, from the counters: a Query per stretch, each read once."""
    wanted = [stretches(*each) for each in ranges]
    found = {
        stretch: list(_read(table, partner_id, stretch))
        for stretch in _joined([stretch for parts in wanted for stretch in parts])
    }
    return [
        usage_sum(
            usage
            for part in parts
            for stretch, read in found.items()
            for day, usage in read
            if stretch.bucket is part.bucket and part.first <= day <= part.last
        )
        for parts in wanted
    ]


def _joined(stretches: Sequence[Stretch]) -> Sequence[Stretch]:
    """The same days and months without overlap; neighbours in one."""
    joined: list[Stretch] = []
    for each in sorted(stretches):
        before = joined[-1] if joined else None
        if (
            before
            and before.bucket is each.bucket
            and (each.first - before.last).days <= _NEIGHBOURS_DAYS[each.bucket]
        ):
            joined[-1] = before._replace(last=max(before.last, each.last))
        else:
            joined.append(each)
    return joined


def _read(table: Table, partner_id: str, stretch: Stretch) -> Iterator[tuple[date, Usage]]:
    """A counter has no field for what was never used on its days."""
    bucket, length = stretch.bucket, len(_FORMS[stretch.bucket])
    first, last = (
        keys.used(partner_id, bucket, day.isoformat()[:length])
        for day in (stretch.first, stretch.last)
    )
    for item in table.query(first.pk, between=(first.sk, last.sk)):
        day = date.fromisoformat(f"{item['SK'][-length:]}-01"[:10])
        yield day, Usage(*(item.get(field, 0) for field in Usage._fields))
