"""Any range of days from the sums of few days and months, and what those sums are of."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tally.aws.table import Table
from tally.counting.registry import change, contribution
from tally.kernel.counters import by_totals, total
from tally.kernel.versions import Version
from tally.partners.counters import UsageTotals
from tally.partners.model.usage import (
    Bucket,
    Stretch,
    Usage,
    UsageEntry,
    UsageRecorded,
    month_after,
    stretches,
    usage_sum,
)
from tally.partners.usage import DayRange, usage_in

DAY = timedelta(days=1)

any_date = st.dates()
counts = st.integers(0, 10**12 - 1)
usages = st.builds(Usage, counts, counts, st.integers(1, 100), counts)


@st.composite
def ranges(draw: st.DrawFn, longest: int = 1096, dates: st.SearchStrategy[date] = any_date) -> Any:
    first = draw(dates)
    most = min(longest - 1, (date.max - first).days)
    return DayRange(first, first + timedelta(days=draw(st.integers(0, most))))


# Ranges of a few years, so that many of a test's days lie in them.
near = ranges(dates=st.dates(date(2023, 12, 1), date(2025, 3, 31)))


def spans(parts: Sequence[Stretch]) -> list[tuple[date, date]]:
    """The first and the last day of each stretch, whatever it is made of."""
    return [
        (
            part.first,
            part.last
            if part.bucket is Bucket.DAY
            else part.last.replace(day=monthrange(part.last.year, part.last.month)[1]),
        )
        for part in parts
    ]


def items_in(part: Stretch) -> int:
    """How many counters the stretch is read from."""
    if part.bucket is Bucket.DAY:
        return (part.last - part.first).days + 1
    return (part.last.year - part.first.year) * 12 + part.last.month - part.first.month + 1


# ---------------------------------------------------------------------------- stretches


@pytest.mark.parametrize(
    ("first", "last", "parts"),
    [
        # Up to 62 days are read as days, though they may be whole months.
        ("2026-04-05", "2026-04-05", ["DAY 2026-04-05 2026-04-05"]),
        ("2026-07-01", "2026-08-31", ["DAY 2026-07-01 2026-08-31"]),
        # Whole months alone, with a leap day too.
        ("2024-02-01", "2024-04-30", ["MONTH 2024-02-01 2024-04-01"]),
        ("2025-01-01", "2025-12-31", ["MONTH 2025-01-01 2025-12-01"]),
        # The end of a month but for its leap day is days.
        (
            "2023-12-01",
            "2024-02-28",
            ["MONTH 2023-12-01 2024-01-01", "DAY 2024-02-01 2024-02-28"],
        ),
        (
            "2025-12-31",
            "2026-03-31",
            ["DAY 2025-12-31 2025-12-31", "MONTH 2026-01-01 2026-03-01"],
        ),
        # A month with days on both sides, across the end of a year.
        (
            "2025-11-02",
            "2026-01-30",
            [
                "DAY 2025-11-02 2025-11-30",
                "MONTH 2025-12-01 2025-12-01",
                "DAY 2026-01-01 2026-01-30",
            ],
        ),
        # As early and as late as dates can be.
        ("0001-01-01", "0001-12-31", ["MONTH 0001-01-01 0001-12-01"]),
        (
            "9999-10-30",
            "9999-12-31",
            ["DAY 9999-10-30 9999-10-31", "MONTH 9999-11-01 9999-12-01"],
        ),
        ("0001-01-01", "9999-12-31", ["MONTH 0001-01-01 9999-12-01"]),
    ],
)
def test_the_stretches_of_a_range(first: str, last: str, parts: list[str]) -> None:
    found = stretches(date.fromisoformat(first), date.fromisoformat(last))
    assert [" ".join(map(str, part)) for part in found] == parts


@given(st.one_of(ranges(), ranges(longest=100), ranges(longest=date.max.toordinal())))
@example(DayRange(date.min, date.max))
def test_stretches_have_each_day_of_the_range_once(range_: DayRange) -> None:
    """In few reads, of at most the 60 days at both ends and the months between them."""
    parts = stretches(*range_)
    covered = spans(parts)
    assert covered[0][0] == range_.first
    assert covered[-1][1] == range_.last
    for (_, before), (after, _) in pairwise(covered):
        assert after == before + DAY
    assert all(first <= last for first, last in covered)
    assert all(part.first.day == 1 for part in parts if part.bucket is Bucket.MONTH)

    days = (range_.last - range_.first).days + 1
    assert len(parts) <= 3
    assert sum(map(items_in, parts)) <= 61 + days // 30


@given(st.dates(max_value=date(9999, 11, 30)))
def test_the_month_after(day: date) -> None:
    following = month_after(day)
    assert following.day == 1
    assert (following - DAY).replace(day=1) == day.replace(day=1)


# --------------------------------------------------------------------------------- sums


class Counters:
    """The counters that there are after some days' usage, as a table that notes its reads."""

    def __init__(self, days: Mapping[date, Usage]) -> None:
        entries = [UsageEntry("acme", day.isoformat(), "e", usage) for day, usage in days.items()]
        counted = by_totals(total(change(None, entry) for entry in entries))
        self.items = {totals.key: fields for totals, fields in counted.items()}
        self.reads: list[tuple[str, str]] = []

    def query(self, pk: str, *, between: tuple[str, str]) -> Iterator[dict[str, Any]]:
        first, last = between
        self.reads.append(between)
        for key, fields in self.items.items():
            if key.pk == pk and first <= key.sk <= last:
                yield {"SK": key.sk} | dict(fields)


def used(counters: Counters, *ranges_: DayRange) -> Sequence[Usage]:
    return usage_in(cast("Table", counters), "acme", *ranges_)


def in_days(days: Mapping[date, Usage], range_: DayRange) -> Usage:
    return usage_sum(usage for day, usage in days.items() if range_.first <= day <= range_.last)


some_days = st.dictionaries(st.dates(date(2023, 11, 1), date(2026, 5, 1)), usages, max_size=12)


@given(some_days, near)
def test_a_range_is_the_sum_of_its_days(days: dict[date, Usage], range_: DayRange) -> None:
    assert used(Counters(days), range_) == [in_days(days, range_)]


@given(some_days, near, st.data())
def test_a_range_is_the_sum_of_its_parts(
    days: dict[date, Usage], range_: DayRange, data: st.DataObject
) -> None:
    cut = data.draw(st.dates(range_.first, range_.last))
    parts = [DayRange(range_.first, cut), DayRange(cut + DAY, range_.last)]
    counters = Counters(days)
    whole = used(counters, range_)
    halves = [used(counters, part)[0] for part in parts if part.first <= part.last]
    assert [usage_sum(halves)] == whole


@given(some_days, near, near)
def test_ranges_that_overlap_are_read_once(
    days: dict[date, Usage], range_: DayRange, other: DayRange
) -> None:
    """Six reads at most, no counter twice, and each range has its own sum all the same."""
    counters = Counters(days)
    found = used(counters, range_, other)
    assert found == [in_days(days, range_), in_days(days, other)]
    assert len(counters.reads) <= 6
    in_order = sorted(counters.reads)
    assert all(last < first for (_, last), (first, _) in pairwise(in_order))


def test_a_range_and_the_present_period_are_one_read() -> None:
    """What analytics asks for unless told otherwise: 30 days, and the month that they end in."""
    counters = Counters({})
    last_30_days = DayRange(date(2026, 3, 6), date(2026, 4, 5))
    april = DayRange(date(2026, 4, 1), date(2026, 4, 30))
    assert used(counters, last_30_days, april) == [Usage(), Usage()]
    assert counters.reads == [("USED#DAY#2026-03-06", "USED#DAY#2026-04-30")]


# ----------------------------------------------------------------------------- counting


def recorded(kind: str | None, quantity: int, credits_: int) -> UsageRecorded:
    version = Version("2026-04-05T23:59:59.999999999Z", 0, "e", "/test")
    return UsageRecorded("acme", "org_1", kind, quantity, credits_, version)


def test_identifications_are_usage_too_and_other_usage_identifies_nobody() -> None:
    identified, viewed = recorded(None, 7, 3), recorded("page_view", 5, 0)
    assert identified.usage == Usage(identifications=7, quantity=7, events=1, credits=3)
    assert viewed.usage == Usage(identifications=0, quantity=5, events=1, credits=0)
    assert usage_sum([identified.usage, viewed.usage]) == Usage(7, 12, 2, 3)
    assert identified.day == "2026-04-05"


def test_nothing_was_used_of_nothing() -> None:
    assert usage_sum([]) == Usage(0, 0, 0, 0)


@given(
    st.lists(
        st.builds(
            UsageEntry,
            st.sampled_from(["acme", "rival"]),
            st.sampled_from(["2025-12-31", "2026-01-01", "2026-01-02", "2026-02-28"]),
            st.uuids().map(str),
            usages,
        ),
        max_size=8,
    )
)
def test_entries_are_counted_into_their_day_and_their_month(entries: list[UsageEntry]) -> None:
    expected: Counter[tuple[UsageTotals, str]] = Counter()
    for entry in entries:
        for bucket, named in ((Bucket.DAY, entry.day), (Bucket.MONTH, entry.day[:7])):
            for field, amount in entry.usage._asdict().items():
                expected[UsageTotals(entry.partner_id, bucket, named), field] += amount

    counted = total(change(None, entry) for entry in entries)

    assert counted == Counter({key: amount for key, amount in expected.items() if amount})
    for entry in entries:
        assert total([contribution(entry), change(entry, None)]) == {}
