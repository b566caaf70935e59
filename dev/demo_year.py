"""A year of the demo's marketplace: what was searched, retrieved, downloaded and refunded.

It grows, rests at weekends and varies a little. At the same moment it is always the same.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate, count
from math import sqrt
from random import Random
from typing import Any, NamedTuple

from dev.demo_api import Said, charge_event
from dev.demo_market import BUYERS, DATASETS, LICENSED, RESEARCH, Buyer, Dataset, catalog
from tally.kernel.money import Micros, parse_amount, to_decimal

_SEED = "tally"
# Sales of a usual day at the beginning and so many more each day; Monday to Sunday.
_AT_FIRST, _MORE = 5, 0.018
_WEEKDAYS = 0.97, 1.12, 1.15, 1.08, 0.93, 0.32, 0.24
_NOISE = 0.12
_OPENS_H, _OPEN_FOR_H = 6, 15
_SEARCHES, _DOWNLOADS = 0.55, 0.12  # of all sales; the rest are retrievals
_FOUND_MORE = 0, 0, 1, 2  # datasets that a search finds beside the first
_SEARCH_PRICE: Micros = 2_200_000  # for each dataset
_DOWNLOAD = 4  # retrievals
_CENT: Micros = 10_000
# What the archive cost is more than the second month brings: its refund leaves a debt.
_LICENCE: Micros = 330_000_000
_LICENSED_ON, _GIVEN_BACK_ON = 19, 42
_REFUND_EVERY, _REFUND_AFTER = 12, 3  # days
_REASONS = "Wrong period delivered", "Duplicate order"
_LATE_BY = 40  # days: the month before this one at the latest, which is closed
_LATE: Micros = 23_400_000


class _Order(NamedTuple):
    """Who buys and when; `subject` as in the event."""

    buyer_id: str
    subject: str
    when: datetime


def first_day(today: date) -> date:
    """Of the eleventh month before this one, so that the year is twelve months of the calendar."""
    return date(today.year - (today.month < 12), today.month % 12 + 1, 1)


def year(now: datetime) -> Iterator[Said]:
    """Every event up to `now` (UTC), in order of time but for the catalog, which comes first."""
    first, until = first_day(now.date()), _text(now)
    days = (now.date() - first).days + 1
    yield from catalog(first, days)
    traded = sorted((said for n in range(days) for said in _day(n, first)), key=lambda s: s.time)
    yield from (said for said in traded if said.time <= until)


def late(now: datetime) -> Said:
    """A download in a month that is closed; it was not told in time."""
    when = datetime.combine(now.date() - timedelta(days=_LATE_BY), time(15, 20), UTC)
    return _access(_Order(RESEARCH, "late", when), LICENSED, "download", _LATE)


def _day(n: int, first: date) -> Iterator[Said]:
    """All of the year's day `n`, which counts from 0."""
    day = first + timedelta(days=n)
    yield from _sales(n, first)
    if n == _LICENSED_ON:
        yield _licence(first)
    if n == _GIVEN_BACK_ON:
        yield _refund(_licence(first), _LICENCE, "Licence not used", day)
    number, rest = divmod(n, _REFUND_EVERY)
    of_then = _sales(n - _REFUND_AFTER, first) if rest == _REFUND_AFTER else ()
    for charged in of_then[:1]:
        amount = parse_amount(Decimal(charged.data["charged_amount"]))
        yield _refund(charged, amount // (1 + number % 2), _REASONS[number % 2], day)


def _sales(n: int, first: date) -> Sequence[Said]:
    """Searches and accesses of a day, in order of time."""
    day = first + timedelta(days=n)
    chance = Random(f"{_SEED} {day}")  # noqa: S311  no secret
    usual = (_AT_FIRST + _MORE * n) * _WEEKDAYS[day.weekday()]
    sales = round(usual * chance.uniform(1 - _NOISE, 1 + _NOISE))
    opens = datetime.combine(day, time(_OPENS_H), UTC)
    apart = timedelta(hours=_OPEN_FOR_H) / max(sales, 1)
    buyers = [buyer for buyer in BUYERS if buyer.since <= n]
    on_sale = [dataset for dataset in DATASETS if dataset.since <= n]
    kinds, wanted = _spread(chance, sqrt(2)), _spread(chance, (1 + sqrt(5)) / 2)
    said = []
    for k in range(sales):
        buyer = _pick(buyers, chance.random())
        order = _Order(buyer.tenant_id, f"{day}-{k:02}", opens + apart * (k + chance.random()))
        kind, dataset = next(kinds), _pick(on_sale, next(wanted))
        price = dataset.price // _CENT * chance.randrange(90, 111) // 100 * _CENT
        if kind < _SEARCHES:
            more = [_pick(on_sale, chance.random()) for _ in range(chance.choice(_FOUND_MORE))]
            said.append(_search(order, [dataset, *more], chance))
        elif kind < _SEARCHES + _DOWNLOADS:
            said.append(_access(order, dataset, "download", _DOWNLOAD * price))
        else:
            said.append(_access(order, dataset, "retrieval", price))
    return said


def _spread(chance: Random, step: float) -> Iterator[float]:
    """Numbers from 0 to 1, spread evenly by an irrational step from any start: so kinds and
    datasets have their share of every day, and a day varies less than by draws alone."""
    start = chance.random()
    return ((start + k * step) % 1 for k in count())


def _pick[T: (Buyer, Dataset)](options: Sequence[T], share: float) -> T:
    """The option at this share of all weights."""
    ends = list(accumulate(each.weight for each in options))
    return options[bisect(ends, share * ends[-1])]


def _search(order: _Order, found: Sequence[Dataset], chance: Random) -> Said:
    dataset_ids = list(dict.fromkeys(each.dataset_id for each in found))
    search = {
        "tenant_id": order.buyer_id,
        "query_text": chance.choice(found[0].words),
        "dataset_ids": dataset_ids,
        "result_count": chance.randrange(40),
    }
    price = _priced(_SEARCH_PRICE * len(dataset_ids))
    return Said("search.performed", order.subject, search | price, _text(order.when))


def _access(order: _Order, dataset: Dataset, kind: str, price: Micros) -> Said:
    access = {"tenant_id": order.buyer_id, "dataset_id": dataset.dataset_id, "kind": kind}
    return Said("dataset.accessed", order.subject, access | _priced(price), _text(order.when))


def _licence(first: date) -> Said:
    when = datetime.combine(first + timedelta(days=_LICENSED_ON), time(13, 45), UTC)
    return _access(_Order(RESEARCH, "licence", when), LICENSED, "download", _LICENCE)


def _refund(charged: Said, amount: Micros, reason: str, day: date) -> Said:
    data = {
        "tenant_id": charged.data["tenant_id"],
        "charge_event": charge_event(charged),
        "amount": str(to_decimal(amount)),
        "currency": "USD",
        "reason": reason,
    }
    when = datetime.combine(day, time(22, 10), UTC)
    return Said("charge.refunded", f"{charged.type}-{charged.subject}", data, _text(when))


def _priced(amount: Micros) -> dict[str, Any]:
    return {"charged_amount": str(to_decimal(amount)), "currency": "USD"}


def _text(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
