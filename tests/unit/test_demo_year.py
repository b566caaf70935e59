"""The demo's year: it grows, rests at weekends, has everything, and ends now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

import pytest

from dev import demo_history
from dev.demo_api import Said, charge_event
from dev.demo_market import BUYERS, DATASETS, MARITIME, NEVER, PROVIDERS, TENANTS
from dev.demo_year import first_day, late, year
from tally.kernel.instants import to_instant
from tally.kernel.periods import month_of, posting_period

MOMENTS = [
    datetime(2026, 11, 29, 12, 30, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
    datetime(2027, 3, 1, 4, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 6, tzinfo=UTC),
]
OWNERS = {dataset.dataset_id: dataset.tenant_id for dataset in DATASETS}
SALES = ("search.performed", "dataset.accessed")

at_each_moment = pytest.mark.parametrize("now", MOMENTS, ids=str)


@cache
def told_at(now: datetime) -> Sequence[Said]:
    return tuple(year(now))


def sales(said: Sequence[Said]) -> Sequence[Said]:
    return [each for each in said if each.type in SALES]


def datasets_of(sale: Said) -> Sequence[str]:
    found: Sequence[str] = sale.data.get("dataset_ids") or [sale.data["dataset_id"]]
    return found


def revenue(said: Sequence[Said], tenant_id: str) -> Counter[str]:
    """A provider's months, net of refunds, in hundredths of a cent or so."""
    charges = {charge_event(sale)["id"]: sale for sale in sales(said)}
    months: Counter[str] = Counter()
    for each in said:
        if each.type == "charge.refunded":
            charge, amount = charges[each.data["charge_event"]["id"]], -Decimal(each.data["amount"])
        elif each.type in SALES:
            charge, amount = each, Decimal(each.data["charged_amount"])
        else:
            continue
        owned = [OWNERS[one] == tenant_id for one in datasets_of(charge)]
        months[each.time[:7]] += int(10_000 * amount * sum(owned) / len(owned))
    return months


@at_each_moment
def test_it_is_the_same_at_the_same_moment_and_goes_on_from_there(now: datetime) -> None:
    told = told_at(now)

    assert tuple(year(now)) == told
    later = now.replace(hour=23, minute=59, second=59)
    assert sales(tuple(year(later)))[: len(sales(told))] == sales(told)


@at_each_moment
def test_it_is_twelve_months_of_the_calendar_and_nothing_is_yet_to_come(now: datetime) -> None:
    told = told_at(now)

    months = {each.time[:7] for each in sales(told)} | {f"{now:%Y-%m}"}
    assert len(months) == 12
    assert min(each.time for each in told)[:10] == str(first_day(now.date()))
    assert max(each.time for each in told) <= f"{now:%Y-%m-%dT%H:%M:%SZ}"
    traded = [each.time for each in told if each.type in {*SALES, "charge.refunded"}]
    assert all(earlier <= following for earlier, following in pairwise(traded))


@at_each_moment
def test_it_has_every_type_of_event_that_a_marketplace_sends(now: datetime) -> None:
    told = told_at(now)

    assert {each.type for each in told} == {
        *("dataset.created", "dataset.updated", "dataset.deleted"),
        *("object.uploaded", "object.approved", "object.rejected"),
        *("object.indexed", "object.deleted"),
        *("search.performed", "dataset.accessed", "charge.refunded"),
    }
    kinds = {each.data["kind"] for each in told if each.type == "dataset.accessed"}
    assert kinds == {"retrieval", "download"}
    assert {each.data["tenant_id"] for each in sales(told)} == {each.tenant_id for each in BUYERS}
    sold = {OWNERS[one] for each in sales(told) for one in datasets_of(each)}
    assert sold == {each.tenant_id for each in PROVIDERS}
    names = [charge_event(each)["id"] for each in [*told, late(now)]]
    assert len(set(names)) == len(names)


@at_each_moment
def test_weekends_are_quiet_and_the_market_grows(now: datetime) -> None:
    first, told = first_day(now.date()), sales(told_at(now))
    of_day = Counter(date.fromisoformat(each.time[:10]) for each in told)
    days = [first + timedelta(days=n) for n in range((now.date() - first).days)]

    def mean(of: Sequence[date]) -> float:
        return sum(of_day[day] for day in of) / len(of)

    by_weekday = [mean([day for day in days if day.weekday() == n]) for n in range(7)]
    assert min(by_weekday[:5]) > 2 * max(by_weekday[5:])
    assert max(by_weekday) == by_weekday[2]
    quarters = [mean(days[n : n + 84]) for n in range(0, 336, 84) if n + 84 <= len(days)]
    assert quarters == sorted(quarters)
    assert quarters[-1] > 1.5 * quarters[0]
    assert 2_000 < len(told) < 3_000


@at_each_moment
def test_what_is_sold_is_on_sale_and_has_a_price(now: datetime) -> None:
    first = first_day(now.date())
    since = {each.dataset_id: each.since for each in DATASETS}
    joined = {each.tenant_id: each.since for each in BUYERS}
    told = told_at(now)

    for sale in sales(told):
        day = (date.fromisoformat(sale.time[:10]) - first).days
        assert joined[sale.data["tenant_id"]] <= day
        assert all(since[one] <= day for one in datasets_of(sale))
        assert Decimal(sale.data["charged_amount"]) >= 1
        if sale.type == "search.performed":
            assert Decimal(sale.data["charged_amount"]) == Decimal("2.20") * len(datasets_of(sale))
    sold = {one for sale in sales(told) for one in datasets_of(sale)}
    assert sold == {each.dataset_id for each in DATASETS if each.since != NEVER}


@at_each_moment
def test_a_refund_follows_its_charge_and_is_no_more_than_that(now: datetime) -> None:
    told = told_at(now)
    charges = {charge_event(sale)["id"]: sale for sale in sales(told)}
    refunds = [each for each in told if each.type == "charge.refunded"]

    parts = set()
    for refund in refunds:
        charge = charges.pop(refund.data["charge_event"]["id"])  # each is refunded once
        assert charge.time < refund.time
        assert charge.data["tenant_id"] == refund.data["tenant_id"]
        parts.add(Decimal(refund.data["amount"]) / Decimal(charge.data["charged_amount"]))
    assert parts == {Decimal(1), Decimal("0.5")}
    month_ago = f"{now - timedelta(days=30):%Y-%m-%d}"
    assert any(refund.time > month_ago for refund in refunds)


@at_each_moment
def test_a_refund_leaves_a_debt_that_the_next_month_settles(now: datetime) -> None:
    months = revenue(told_at(now), MARITIME)
    _, second, third, *_ = sorted(months)

    assert months[second] < 0
    # With a fee of 30 % and a reserve of 10 %, as of the statements.
    assert 60 * months[third] + 70 * months[second] > 0
    assert all(months[month] > 0 for month in months if month != second)


@at_each_moment
def test_the_late_download_is_of_a_month_that_is_closed(now: datetime) -> None:
    told, instant = late(now), to_instant(now)

    assert told.time[:10] == str(now.date() - timedelta(days=40))
    assert posting_period(told.time, instant) == month_of(instant) > told.time[:7]


@at_each_moment
def test_datasets_are_in_various_states(now: datetime) -> None:
    told = told_at(now)

    done = Counter((each.type, each.data["tenant_id"]) for each in told)
    for provider in PROVIDERS:
        states = [each.states for each in DATASETS if each.tenant_id == provider.tenant_id]
        deleted = done["object.deleted", provider.tenant_id]
        uploaded = done["object.uploaded", provider.tenant_id] - deleted
        assert uploaded == sum(each.objects for each in states)
        for name in ("approved", "rejected", "indexed"):
            shown = done[f"object.{name}", provider.tenant_id]
            assert shown == sum(getattr(each, name) for each in states) > 0
        assert sum(each.pending for each in states) > 0
    assert {each.states.objects for each in DATASETS} > {0}
    assert set(OWNERS.values()) < set(TENANTS)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-11-29T12:00:00.000000000Z", "2026-10"),
        ("2026-12-01T05:04:59.000000000Z", "2026-10"),
        ("2026-12-01T05:05:00.000000000Z", "2026-11"),
    ],
)
def test_the_months_to_state_have_ended(now: str, last: str) -> None:
    said = [Said("", "", {}, f"{month}-03T00:00:00Z") for month in ("2026-11", "2026-10")]
    said += [Said("", "", {}, "2026-09-03T00:00:00Z"), Said("", "", {}, "2026-12-01T00:00:00Z")]

    assert demo_history.ended_months(said, now)[-1] == last
    assert demo_history.ended_months(said, now)[0] == "2026-09"
