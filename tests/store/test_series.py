"""Series over any history: each range is the sum of its parts, and all of it is the ledger's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.aws.table import Table
from tally.kernel.series import Granularity, Span
from tally.ledger.model.entries import EntrySide, LedgerEntry
from tally.ledger.reads import entries, periods
from tally.ledger.series import Revenue, activity, month_lines, revenue, summed
from tests.spending import BUYERS, OWNERS, PROVIDERS, WAITS_H, Event, spending
from tests.store.books import Marketplace, new_market
from tests.store.recounts import drifts
from tests.world import new_world

FIRST, LAST = date(2026, 2, 1), date(2027, 6, 30)
CURRENCIES = sorted(set(BUYERS.values()))
_cuts = st.lists(st.dates(FIRST, LAST - timedelta(days=1)), max_size=4, unique=True)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    history=spending(most=12),
    waits=st.lists(st.sampled_from(WAITS_H), min_size=12, max_size=12),
    cuts=_cuts,
    by=st.sampled_from(Granularity),
)
def test_series_are_the_ledgers_sums_and_ranges_the_sums_of_their_parts(
    history: list[Event], waits: list[int], cuts: list[date], by: Granularity
) -> None:
    with new_world() as world:
        marketplace = new_market(world)
        for event, hours in zip(history, waits, strict=False):
            marketplace.post_until_answered([event])
            world.wait(hours=hours)
        world.deliver()

        spans = list(_parts(cuts, by))
        for provider in PROVIDERS:
            for currency in CURRENCIES:
                _check_provider(world.table, provider, currency, spans)
        for buyer in BUYERS:
            _check_buyer(marketplace, buyer, spans)
        assert [drifts(world, tenant_id) for tenant_id in {*PROVIDERS, *BUYERS}] == [[], [], [], []]


def _parts(cuts: Sequence[date], by: Granularity) -> Iterator[Span]:
    """All days, in parts that begin behind each cut."""
    begins = [FIRST, *(cut + timedelta(days=1) for cut in sorted(cuts)), LAST + timedelta(days=1)]
    for first, after in pairwise(begins):
        if first < after:
            yield Span(first, after - timedelta(days=1), by)


def _entries(table: Table, tenant_id: str, side: EntrySide) -> list[LedgerEntry]:
    return [e for month in periods(table) for e in entries(table, tenant_id, month, side)]


def _check_provider(table: Table, provider: str, currency: str, spans: Sequence[Span]) -> None:
    months: Counter[str] = Counter()
    credits_ = [
        each
        for each in _entries(table, provider, EntrySide.CREDIT)
        if each.posting.currency == currency
    ]
    for each in credits_:
        months[each.period] += each.amount
    whole = Span(FIRST, LAST, Granularity.MONTH)
    of_months = revenue(table, provider, currency, whole)
    assert {p: r.search + r.retrieval for p, r in of_months.items() if any(r)} == {
        month: months[month] for month in dict.fromkeys(each.period for each in credits_)
    }
    totals = _sum(of_months.values())
    assert totals.sales == sum(each.amount > 0 for each in credits_)
    assert totals.refunds == -sum(min(0, each.amount) for each in credits_)
    assert totals == _sum(r for s in spans for r in revenue(table, provider, currency, s).values())
    own = [dataset for dataset, owner in OWNERS.items() if owner == provider]
    of_datasets = [
        _sum(revenue(table, provider, currency, span, dataset).values())
        for dataset in own
        for span in spans
    ]
    assert _sum(of_datasets)[:3] == totals[:3], "a sale of two datasets is one of the provider's"
    for month in whole.periods:
        lines = lines_of_entries([each for each in credits_ if each.period == month])
        assert [tuple(line) for line in month_lines(table, provider, month, currency)] == lines


def lines_of_entries(credits_: Sequence[LedgerEntry]) -> list[tuple[str, int, int]]:
    amounts: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for each in credits_:
        amounts.update(each.lines)
        numbers.update(each.lines.keys())
    return [(dataset, amounts[dataset], numbers[dataset]) for dataset in sorted(numbers)]


def _sum(parts: Iterable[Revenue]) -> Revenue:
    return summed(Revenue, parts)


def _check_buyer(marketplace: Marketplace, buyer: str, spans: Sequence[Span]) -> None:
    table = marketplace.world.table
    amounts: Counter[str] = Counter()
    for entry in _entries(table, buyer, EntrySide.DEBIT):
        amounts[entry.posting.kind.value] += entry.amount
    did = Counter(
        each["type"] for each in marketplace.books.charges() if each["data"]["tenant_id"] == buyer
    )
    parts = [part for span in spans for part in activity(table, buyer, span).values()]

    assert [sum(column) for column in zip(*parts, strict=True)] == [
        amounts["search"],
        amounts["retrieval"],
        did["search.performed"],
        did["dataset.accessed"],
    ]
