"""Posting days, spans, and changes that are counted in two transactions."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.aws.items import to_item
from tally.counting.changes import read_change, read_changes
from tally.kernel.counters import total
from tally.kernel.instants import EARLIEST, plus
from tally.kernel.periods import posting_period
from tally.kernel.series import Granularity, Span
from tally.ledger.counters import DatasetDay, DatasetMonth, ProviderDay
from tally.ledger.items import entry_attributes, key_of_entry
from tally.ledger.model.charges import SpendKind
from tally.ledger.model.entries import EntrySide, LedgerEntry, Posting, posting_day

APRIL_5 = "2026-04-05T10:00:00.000000000Z"
MARCH_30 = "2026-03-30T23:59:59.999999999Z"


def posting(time: str, posted_at: str = APRIL_5) -> Posting:
    return Posting("e1", SpendKind.SEARCH, "USD", time, posted_at)


@pytest.mark.parametrize(
    ("time", "period", "day"),
    [
        ("2026-04-02T00:00:00.000000000Z", "2026-04", "2026-04-02"),
        (MARCH_30, "2026-04", "2026-04-05"),  # late
        (MARCH_30, "2026-03", "2026-03-30"),  # imported, or while March was open
    ],
)
def test_a_posting_day(time: str, period: str, day: str) -> None:
    assert posting_day(posting(time), period) == day


_moments = st.integers(0, 10**9).map(
    lambda seconds: plus("2010-01-01T00:00:00.000000000Z", timedelta(seconds=seconds))
)


@given(_moments, st.timedeltas(-timedelta(minutes=5), timedelta(days=99)))
def test_a_posting_day_is_one_of_the_posting_month(time: str, late: timedelta) -> None:
    """So the days of a month sum to the month."""
    accepted = plus(time, late)
    period = posting_period(time, accepted)

    assert posting_day(posting(time, accepted), period)[:7] == period


# ------------------------------------------------------------------------- wide changes


def credited(datasets: int) -> dict[str, Any]:
    """The stream record of a credit with so many lines."""
    lines = {f"d{n:02}": 5 for n in range(datasets)}
    entry = LedgerEntry(posting(APRIL_5), EntrySide.CREDIT, "acme", "2026-04", 5 * datasets, lines)
    item = to_item(key_of_entry(entry), entry_attributes(entry))
    return {"eventID": "r1", "dynamodb": {"Keys": {}, "NewImage": item}}


def test_a_change_that_fits_into_a_transaction_is_one() -> None:
    (change,) = read_changes(credited(44), EARLIEST)

    assert len({totals for totals, _ in change.deltas}) == 1 + 44 + 44
    assert change.raw["eventID"] == "r1"


def test_a_wider_one_is_two_with_markers_of_their_own() -> None:
    raw = credited(50)

    days, months = read_changes(raw, EARLIEST)

    assert {type(totals) for totals, _ in days.deltas} == {ProviderDay, DatasetDay}
    assert {type(totals) for totals, _ in months.deltas} == {DatasetMonth}
    assert total([days.deltas, months.deltas]) == read_change(raw).deltas
    assert (days.raw, months.raw["eventID"]) == (raw, "r1:apart")


def test_the_second_one_stays_itself_when_it_was_parked() -> None:
    _, months = read_changes(credited(50), EARLIEST)

    assert read_changes(months.raw, EARLIEST) == [months]


def test_what_was_accepted_before_the_moment_adds_nothing_to_series() -> None:
    """The moment itself is the stream's."""
    (before,) = read_changes(credited(50), plus(APRIL_5, timedelta(microseconds=1)))
    assert before.deltas == {}
    assert len(read_changes(credited(50), APRIL_5)) == 2


# -------------------------------------------------------------------------------- spans


def test_the_periods_of_a_span() -> None:
    first, last = date(2026, 2, 27), date(2026, 3, 1)
    assert Span(first, last, Granularity.DAY).periods == ["2026-02-27", "2026-02-28", "2026-03-01"]
    assert Span(first, last, Granularity.MONTH).periods == ["2026-02", "2026-03"]
