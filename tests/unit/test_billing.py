"""Billing periods that tile time, prices that are graduated exactly, terms by the last word."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tally.kernel.versions import Version
from tally.partners.model.billing import (
    BillingPeriod,
    Partner,
    PartnerConfigured,
    PricingTier,
    Terms,
    arranged,
    available,
    billing_period,
    cost,
)

DAY = timedelta(days=1)

billing_days = st.integers(1, 28)
# Any day that has a month before and one after it.
todays = st.dates(date(1, 2, 1), date(9999, 11, 27))


# ------------------------------------------------------------------------------ periods


@pytest.mark.parametrize(
    ("today", "billing_day", "first", "last"),
    [
        ("2026-04-05", 1, "2026-04-01", "2026-04-30"),
        ("2026-04-01", 1, "2026-04-01", "2026-04-30"),
        ("2026-04-30", 1, "2026-04-01", "2026-04-30"),
        # The day before a period begins is still the last of the one before it.
        ("2026-04-14", 15, "2026-03-15", "2026-04-14"),
        ("2026-04-15", 15, "2026-04-15", "2026-05-14"),
        # Across the end of a year.
        ("2026-01-14", 15, "2025-12-15", "2026-01-14"),
        ("2025-12-31", 1, "2025-12-01", "2025-12-31"),
        ("2025-12-28", 28, "2025-12-28", "2026-01-27"),
        # Every month has a 28th; February may have a day behind it.
        ("2026-02-28", 28, "2026-02-28", "2026-03-27"),
        ("2024-02-29", 28, "2024-02-28", "2024-03-27"),
        ("2024-02-29", 1, "2024-02-01", "2024-02-29"),
        ("2026-03-01", 28, "2026-02-28", "2026-03-27"),
    ],
)
def test_the_billing_period_of_a_day(today: str, billing_day: int, first: str, last: str) -> None:
    period = billing_period(date.fromisoformat(today), billing_day)
    ends = date.fromisoformat(last)
    assert period == BillingPeriod(date.fromisoformat(first), ends, ends + DAY)


@given(todays, billing_days)
def test_a_billing_period_has_the_present_day_in_it(today: date, billing_day: int) -> None:
    period = billing_period(today, billing_day)
    assert period.first <= today <= period.last
    assert period.first.day == billing_day
    assert period.next_date == period.last + DAY
    assert 28 <= (period.next_date - period.first).days <= 31


@given(todays, billing_days)
def test_billing_periods_follow_on_one_another(today: date, billing_day: int) -> None:
    """All days of a period are in the same one, the day behind it is in the next."""
    period = billing_period(today, billing_day)
    assert billing_period(period.first, billing_day) == period
    assert billing_period(period.last, billing_day) == period
    following = billing_period(min(period.next_date, date(9999, 11, 27)), billing_day)
    assert following.first == period.next_date or period.next_date > date(9999, 11, 27)


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_what_is_available_is_never_below_nothing(whole: int, used: int) -> None:
    assert available(whole, used) == (whole - used if used < whole else 0)


# --------------------------------------------------------------------------------- cost


def tiers(*each: tuple[int, int | None, int]) -> tuple[PricingTier, ...]:
    """(min_usage, max_usage, price), called A, B, C..."""
    return tuple(
        PricingTier("ABCDEFGH"[n], price, first, last)
        for n, (first, last, price) in enumerate(each)
    )


@st.composite
def price_lists(draw: st.DrawFn) -> tuple[PricingTier, ...]:
    """Tiers that follow on one another, each named by either of its beginnings."""
    ends = draw(st.lists(st.integers(1, 60), max_size=4, unique=True).map(sorted))
    begins = [before + draw(st.integers(0, 1)) for before in [0, *ends]]
    prices = [draw(st.integers(0, 10**18 - 1)) for _ in begins]
    last = draw(st.none() | st.integers(61, 70))
    return tiers(*zip(begins, [*ends, last], prices, strict=True))


def one_by_one(prices: tuple[PricingTier, ...], identifications: int) -> int:
    """The nth identification costs what the first tier asks that ends at n or later."""
    costs = 0
    for n in range(1, identifications + 1):
        fitting = [t for t in prices if t.max_usage is None or n <= t.max_usage]
        costs += (fitting or prices[-1:])[0].price
    return costs


TIERS = tiers((0, 1000, 100_000), (1000, 5000, 50_000), (5000, None, 10_000))


@pytest.mark.parametrize(
    ("identifications", "micros"),
    [
        (0, 0),
        (1, 100_000),
        (1000, 100_000_000),
        (1001, 100_050_000),
        (5000, 300_000_000),
        (5001, 300_010_000),
        (12_345, 373_450_000),
        (10**15, 300_000_000 + (10**15 - 5000) * 10_000),
    ],
)
def test_each_identification_costs_the_price_of_its_own_tier(
    identifications: int, micros: int
) -> None:
    assert cost(TIERS, identifications) == micros


def test_beyond_the_last_tiers_end_its_price_goes_on() -> None:
    assert cost(tiers((1, 10, 7), (11, 20, 3)), 25) == 10 * 7 + 15 * 3
    assert cost(tiers((0, 10, 7)), 10**6) == 7 * 10**6


def test_without_prices_nothing_costs_anything() -> None:
    assert cost((), 10**12) == 0


@given(price_lists(), st.integers(0, 100))
@example(tiers((0, 5, 2), (5, 9, 1)), 5)
def test_a_cost_is_that_of_each_identification_alone(
    prices: tuple[PricingTier, ...], identifications: int
) -> None:
    assert cost(prices, identifications) == one_by_one(prices, identifications)


@given(price_lists(), st.integers(0, 10**12), st.integers(0, 10**12))
def test_more_identifications_never_cost_less(
    prices: tuple[PricingTier, ...], identifications: int, more: int
) -> None:
    before, after = cost(prices, identifications), cost(prices, identifications + more)
    each = [tier.price for tier in prices]
    assert more * min(each) <= after - before <= more * max(each)


@given(price_lists())
def test_a_tier_costs_as_much_as_it_is_long(prices: tuple[PricingTier, ...]) -> None:
    """From one boundary to the next, however the boundary is named."""
    ends = [0, *[tier.max_usage for tier in prices if tier.max_usage is not None]]
    for tier, begin, end in zip(prices, ends, ends[1:], strict=False):
        assert cost(prices, end) - cost(prices, begin) == (end - begin) * tier.price


# ------------------------------------------------------------------------ price lists


@given(price_lists(), st.randoms(use_true_random=False))
def test_tiers_may_come_in_any_order(prices: tuple[PricingTier, ...], random: Random) -> None:
    assert arranged(random.sample(prices, len(prices))) == prices


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (tiers((2, None, 1)), "tier A starts at 2, but must start at 0 or 1"),
        (tiers((0, 10, 1), (12, None, 1)), "tier B starts at 12, but must start at 10 or 11"),
        (tiers((0, 10, 1), (9, None, 1)), "tier B starts at 9, but must start at 10 or 11"),
        (tiers((0, 10, 1), (0, None, 1)), "tier B starts at 0, but must start at 10 or 11"),
        (
            tiers((0, None, 1), (10, None, 1)),
            "only the last tier may omit max_usage; tier B follows one without it",
        ),
        (tiers((0, None, 1), (0, 10, 1)), "tier A starts at 0, but must start at 10 or 11"),
        (tiers((0, 0, 1)), "max_usage must be greater than min_usage, which it is not in tier A"),
        (
            tiers((0, 10, 1), (10, 10, 1)),
            "max_usage must be greater than min_usage, which it is not in tier B",
        ),
        (
            tiers((0, 10, 1), (11, 5, 1)),
            "max_usage must be greater than min_usage, which it is not in tier B",
        ),
    ],
)
def test_tiers_that_overlap_or_leave_gaps(wrong: tuple[PricingTier, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        arranged(wrong)


@pytest.mark.parametrize(
    "right",
    [
        tiers(),
        tiers((0, None, 1)),
        tiers((1, None, 1)),
        tiers((1, 1, 1), (2, 2, 1), (3, None, 1)),
        tiers((0, 1, 1), (1, 2, 1), (3, 10**12 - 1, 1)),
    ],
    ids=len,
)
def test_tiers_that_follow_on_one_another(right: tuple[PricingTier, ...]) -> None:
    assert arranged(right) == right


# -------------------------------------------------------------------------------- terms


def configured(minute: int, n: int = 0, **said: Any) -> PartnerConfigured:
    version = Version(f"2026-04-05T09:{minute:02}:00.000000000Z", 0, f"e{n:03}", "/test")
    return PartnerConfigured("acme", version, said)


def terms_after(*events: PartnerConfigured) -> Terms:
    partner = Partner("acme", {})
    for event in events:
        partner = partner.apply(event)
    return partner.terms


SAID: dict[str, st.SearchStrategy[Any]] = {
    "credit_pool_total": st.integers(0, 9),
    "billing_mode": st.none() | st.sampled_from(["prepaid", "metered"]),
    "billing_day_of_month": st.none() | billing_days,
    "pricing_tiers": st.none() | st.integers(0, 9).map(lambda price: [["A", price, 0, None]]),
    "currency": st.none() | st.sampled_from(["EUR", "JPY"]),
}


@st.composite
def configurations(draw: st.DrawFn) -> list[PartnerConfigured]:
    """Of few times, so that ties are common; each says some of the terms, or that there is none."""
    said = st.tuples(st.integers(0, 4), st.fixed_dictionaries({}, optional=SAID))
    drawn = draw(st.lists(said, max_size=6))
    return [configured(minute, n, **fields) for n, (minute, fields) in enumerate(drawn)]


@given(configurations(), st.randoms(use_true_random=False))
def test_of_each_term_the_newest_word_holds_in_whatever_order_they_come(
    events: list[PartnerConfigured], random: Random
) -> None:
    by_age = sorted(events, key=lambda event: event.version)
    newest = {name: value for event in by_age for name, value in event.said.items()}
    defaults = Terms()
    expected = Terms(
        credit_pool_total=newest.get("credit_pool_total", 0),
        billing_mode=newest.get("billing_mode") or defaults.billing_mode,
        billing_day=newest.get("billing_day_of_month") or 1,
        tiers=tuple(PricingTier(*tier) for tier in newest.get("pricing_tiers") or ()),
        currency=newest.get("currency"),
    )

    again = random.sample(events, random.randint(0, len(events)))
    assert terms_after(*random.sample(events, len(events)), *again) == expected


def test_a_partner_that_nobody_configured() -> None:
    assert terms_after() == Terms(0, "credit_pool", 1, (), None)
