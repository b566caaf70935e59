"""What buyers spent and providers earned day by day, and the lines of a coming statement: read from
counters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from tally.aws.table import Table
from tally.kernel.counters import Totals
from tally.kernel.money import Micros
from tally.kernel.periods import Period
from tally.kernel.series import Span
from tally.ledger.counters import BuyerDay, DatasetDay, DatasetMonth, ProviderDay


class Revenue(NamedTuple):
    """A provider's of some days, as ProviderDay counts it."""

    search: Micros = 0
    retrieval: Micros = 0
    refunds: Micros = 0
    sales: int = 0


class Activity(NamedTuple):
    """A buyer's of some days, as BuyerDay counts it."""

    search: Micros = 0
    retrieval: Micros = 0
    searches: int = 0
    accesses: int = 0


class CreditedDataset(NamedTuple):
    """What a provider is credited for a dataset in a month: exactly, and in how many entries."""

    dataset_id: str
    amount: Micros
    entries: int


def revenue(
    table: Table, tenant_id: str, currency: str, span: Span, dataset_id: str | None = None
) -> Mapping[str, Revenue]:
    """Every period -> what was posted on its days in the span, in one Query; only of one of the
    provider's datasets, if that is named."""

    def counter(day: date) -> ProviderDay | DatasetDay:
        if dataset_id:
            return DatasetDay(dataset_id, currency, str(day))
        return ProviderDay(tenant_id, currency, str(day))

    return _series(table, counter, span, Revenue)


def activity(table: Table, tenant_id: str, span: Span) -> Mapping[str, Activity]:
    """The same of a buyer."""
    return _series(table, lambda day: BuyerDay(tenant_id, str(day)), span, Activity)


def month_lines(
    table: Table, tenant_id: str, period: Period, currency: str
) -> Iterator[CreditedDataset]:
    """What a provider is credited in a month by dataset, in dataset order, in one Query. Right once
    the table's series are backfilled."""
    first = DatasetMonth(tenant_id, period, currency, "").key
    for item in table.query(*first):
        if item.get("entries"):
            dataset_id = item["SK"].removeprefix(first.sk)
            yield CreditedDataset(dataset_id, item.get("amount", 0), item["entries"])


def summed[Amounts: (Revenue, Activity)](kind: type[Amounts], parts: Iterable[Amounts]) -> Amounts:
    return kind(*map(sum, zip(*parts, strict=True)))


def _series[Amounts: (Revenue, Activity)](
    table: Table, counter: Callable[[date], Totals], span: Span, kind: type[Amounts]
) -> Mapping[str, Amounts]:
    series = dict.fromkeys(span.periods, kind())
    first, last = counter(span.first).key, counter(span.last).key
    for item in table.query(first.pk, between=(first.sk, last.sk)):
        period = span.by.period_of(date.fromisoformat(item["SK"][-10:]))
        # A counter has no field for what was never counted on its day.
        amounts = kind(*(item.get(field, 0) for field in kind._fields))
        series[period] = summed(kind, [series[period], amounts])
    return series
