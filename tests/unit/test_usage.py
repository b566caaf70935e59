"""Any range of days from the sums of its days, in series too, and what those sums are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from tally.aws.items import from_item, to_item
from tally.aws.table import Table
from tally.counting.registry import change, contribution
from tally.kernel.counters import by_totals, total
from tally.kernel.series import Granularity
from tally.kernel.versions import Version
from tally.partners.counters import OrganizationMonth, UsageTotals
from tally.partners.items import key_of_usage, usage_attributes, usage_entry_from
from tally.partners.model.usage import (
    MAX_ORGANIZATIONS_AN_ENTRY,
    Usage,
    UsageEntry,
    UsageRecorded,
    month_after,
    usage_sum,
)
from tally.partners.usage import DayRange, joined, usage_in, usage_series

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


def days_of(ranges_: Sequence[DayRange]) -> list[date]:
    return [first + n * DAY for first, last in ranges_ for n in range((last - first).days + 1)]


# ------------------------------------------------------------------------------- ranges


half_a_year = st.dates(date(2024, 1, 1), date(2024, 6, 30))


@given(st.lists(ranges(longest=40, dates=half_a_year), max_size=4))
def test_joined_ranges_have_each_day_once_and_touch_nowhere(ranges_: list[DayRange]) -> None:
    whole = joined(ranges_)

    assert days_of(whole) == sorted(set(days_of(ranges_)))
    assert all(after.first - before.last > DAY for before, after in pairwise(whole))


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
    """Two reads at most, no counter twice, and each range has its own sum all the same."""
    counters = Counters(days)
    found = used(counters, range_, other)
    assert found == [in_days(days, range_), in_days(days, other)]
    assert len(counters.reads) <= 2
    in_order = sorted(counters.reads)
    assert all(last < first for (_, last), (first, _) in pairwise(in_order))


def test_a_range_and_the_present_period_are_one_read() -> None:
    """What analytics asks for unless told otherwise: 30 days, and the month that they end in."""
    counters = Counters({})
    last_30_days = DayRange(date(2026, 3, 6), date(2026, 4, 5))
    april = DayRange(date(2026, 4, 1), date(2026, 4, 30))
    assert used(counters, last_30_days, april) == [Usage(), Usage()]
    assert counters.reads == [("USED#DAY#2026-03-06", "USED#DAY#2026-04-30")]


# ------------------------------------------------------------------------------- series


def series(counters: Counters, range_: DayRange, granularity: Granularity) -> Mapping[str, Usage]:
    return usage_series(cast("Table", counters), "acme", range_, granularity)


@given(some_days, near)
def test_every_day_of_a_series_has_its_own_usage(days: dict[date, Usage], range_: DayRange) -> None:
    expected = {str(day): days.get(day, Usage()) for day in days_of([range_])}
    assert list(series(Counters(days), range_, Granularity.DAY).items()) == [*expected.items()]


@given(some_days, near)
def test_months_are_the_sums_of_their_days_in_the_range(
    days: dict[date, Usage], range_: DayRange
) -> None:
    expected: dict[str, Usage] = {}
    for day in days_of([range_]):
        month = str(day)[:7]
        expected[month] = usage_sum([expected.get(month, Usage()), days.get(day, Usage())])
    counters = Counters(days)
    assert list(series(counters, range_, Granularity.MONTH).items()) == [*expected.items()]
    assert len(counters.reads) == 1


@given(some_days, near, st.sampled_from(Granularity), st.data())
def test_a_series_is_the_sum_of_its_parts(
    days: dict[date, Usage], range_: DayRange, granularity: Granularity, data: st.DataObject
) -> None:
    cut = data.draw(st.dates(range_.first, range_.last))
    parts = [DayRange(range_.first, cut), DayRange(cut + DAY, range_.last)]
    counters = Counters(days)
    sums: dict[str, Usage] = {}
    for part in parts:
        if part.first <= part.last:
            for period, usage in series(counters, part, granularity).items():
                sums[period] = usage_sum([sums.get(period, Usage()), usage])
    whole = series(counters, range_, granularity)
    assert sums == whole
    assert [usage_sum(whole.values())] == used(counters, range_)


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


recordings = st.builds(
    lambda of, time, quantity, kind: UsageRecorded(
        "acme", of, kind, quantity, 0 if kind else quantity, Version(time, 0, "e", "/test")
    ),
    st.sampled_from(["org_1", "org_2", "org_3"]),
    st.sampled_from(["2025-12-31T23:59:59.999999999Z", "2026-01-01T00:00:00.000000000Z"]),
    counts,
    st.sampled_from([None, "page_view"]),
)


def entries_of(
    recorded: Sequence[UsageRecorded], *, by_organization: bool = True
) -> list[UsageEntry]:
    """An entry for each day."""
    entries: dict[str, UsageEntry] = {}
    for each in recorded:
        known = entries.get(each.day) or UsageEntry("acme", each.day, each.day, Usage())
        entries[each.day] = known.with_more(each, by_organization=by_organization)
    return list(entries.values())


@given(st.lists(recordings, max_size=12))
def test_entries_are_counted_into_their_day_and_their_organizations_months(
    recorded: list[UsageRecorded],
) -> None:
    expected: Counter[tuple[UsageTotals | OrganizationMonth, str]] = Counter()
    for each in recorded:
        day = UsageTotals("acme", each.day)
        month = OrganizationMonth("acme", each.day[:7], each.organization_id)
        for field, amount in each.usage._asdict().items():
            expected[day, field] += amount
            expected[month, field] += amount
    entries = entries_of(recorded)

    counted = total(change(None, entry) for entry in entries)

    assert counted == Counter({key: amount for key, amount in expected.items() if amount})
    for entry in entries:
        assert total([contribution(entry), change(entry, None)]) == {}


@given(st.lists(recordings, max_size=12))
def test_entries_without_organizations_are_counted_into_their_day_alone(
    recorded: list[UsageRecorded],
) -> None:
    """Those that were accepted before organizations' months were counted."""
    entries = entries_of(recorded, by_organization=False)
    counted = total(contribution(entry) for entry in entries)

    assert {type(totals) for totals, _ in counted} <= {UsageTotals}
    assert total(contribution(e) for e in entries_of(recorded)) >= counted


@given(st.lists(recordings, min_size=1, max_size=12), st.booleans())
def test_an_entry_is_read_as_it_was_written(recorded: list[UsageRecorded], by: bool) -> None:  # noqa: FBT001
    for entry in entries_of(recorded, by_organization=by):
        stored = to_item(key_of_usage(entry), usage_attributes(entry))
        assert usage_entry_from(from_item(stored)) == entry


def test_an_entry_has_room_for_so_many_organizations_and_more_of_theirs() -> None:
    entry = UsageEntry("acme", "2026-04-05", "e", Usage())
    for n in range(MAX_ORGANIZATIONS_AN_ENTRY):
        assert not entry.is_full_for(f"org_{n}")
        recorded = UsageRecorded(
            "acme", f"org_{n}", None, 1, 1, Version("2026-04-05T09:00:00Z", 0, "e", "/test")
        )
        entry = entry.with_more(recorded, by_organization=True)

    assert entry.is_full_for("one_more")
    assert not entry.is_full_for("org_0")
