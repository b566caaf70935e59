"""A partner's usage over any range of days, from its counters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from tally.aws.table import Table
from tally.partners.counters import UsageTotals
from tally.partners.model.usage import Bucket, Stretch, Usage, joined, stretches, usage_sum

_FORMS = {Bucket.DAY: "2026-04-05", Bucket.MONTH: "2026-04"}


class DayRange(NamedTuple):
    """Both days included."""

    first: date
    last: date


def usage_in(table: Table, partner_id: str, *ranges: DayRange) -> Sequence[Usage]:
    """The usage in each of the ranges, from the counters: a Query per stretch, each read once."""
    wanted = [stretches(*each) for each in ranges]
    found = {
        stretch: list(_read(table, partner_id, stretch))
        for stretch in joined(stretch for parts in wanted for stretch in parts)
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


def _read(table: Table, partner_id: str, stretch: Stretch) -> Iterator[tuple[date, Usage]]:
    """A counter has no field for what was never used on its days."""
    bucket, length = stretch.bucket, len(_FORMS[stretch.bucket])
    first, last = (
        UsageTotals(partner_id, bucket, day.isoformat()[:length]).key
        for day in (stretch.first, stretch.last)
    )
    for item in table.query(first.pk, between=(first.sk, last.sk)):
        day = date.fromisoformat(f"{item['SK'][-length:]}-01"[:10])
        yield day, Usage(*(item.get(field, 0) for field in Usage._fields))
