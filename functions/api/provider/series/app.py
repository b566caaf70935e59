"""GET /v1/provider/series: the revenue of the caller's tenant, by day or by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.aws.table import Table
from tally.catalog.reads import get_dataset
from tally.http.arguments import Query, an_id
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.series import By, Currency, From, To, billing_currency, span_of
from tally.kernel.errors import InvalidRequest, NotFound
from tally.kernel.money import to_decimal
from tally.kernel.series import Granularity
from tally.ledger.series import Revenue, revenue, summed

endpoint = Endpoint(Scope.BILLING_READ, errors=[InvalidRequest, NotFound], rows="periods")

DatasetId = Annotated[str | None, Query(an_id)]


@dataclass(frozen=True, slots=True)
class RevenueTotals:
    """`revenue` is the sum of the two kinds, net of `refunds`; `sales` counts charges."""

    revenue: Decimal
    search_revenue: Decimal
    retrieval_revenue: Decimal
    refunds: Decimal
    sales: int


@dataclass(frozen=True, slots=True)
class RevenuePeriod:
    """A day such as `2026-04-05`, or a month such as `2026-04`."""

    period: str
    revenue: Decimal
    search_revenue: Decimal
    retrieval_revenue: Decimal
    refunds: Decimal
    sales: int


@dataclass(frozen=True, slots=True)
class ProviderSeries:
    """Every period of the range is there. Of a month, only the days in the range are summed."""

    from_: date
    to: date
    granularity: Granularity
    currency: str
    periods: list[RevenuePeriod]
    totals: RevenueTotals


@endpoint.get("/v1/provider/series")
def provider_series(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    *,
    from_: From = None,
    to: To = None,
    granularity: By = Granularity.DAY,
    dataset_id: DatasetId = None,
    currency: Currency = None,
) -> ProviderSeries:
    span = span_of(from_, to, granularity, now)
    if dataset_id is not None:
        _check_own(table, dataset_id, caller.tenant_id)
    currency = currency or billing_currency(table, caller.tenant_id)
    series = revenue(table, caller.tenant_id, currency, span, dataset_id)
    return ProviderSeries(
        from_=span.first,
        to=span.last,
        granularity=span.by,
        currency=currency,
        periods=[RevenuePeriod(period, *_amounts(each)) for period, each in series.items()],
        totals=RevenueTotals(*_amounts(summed(Revenue, series.values()))),
    )


def _check_own(table: Table, dataset_id: str, tenant_id: str) -> None:
    """Deleted ones are the tenant's, too. NotFound for all others."""
    dataset = get_dataset(table, dataset_id)
    if dataset is None or dataset.tenant_id != tenant_id:
        raise NotFound(f"Dataset {dataset_id} does not exist.", field="dataset_id")


def _amounts(of: Revenue) -> tuple[Decimal, Decimal, Decimal, Decimal, int]:
    return (
        to_decimal(of.search + of.retrieval),
        to_decimal(of.search),
        to_decimal(of.retrieval),
        to_decimal(of.refunds),
        of.sales,
    )


handler = endpoint.handler
