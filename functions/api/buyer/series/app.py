"""GET /v1/buyer/series: what the caller's tenant spent and did, by day or by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tally.access.model.scopes import Scope
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.http.series import By, Currency, From, To, billing_currency, span_of
from tally.kernel.errors import InvalidRequest
from tally.kernel.money import to_decimal
from tally.kernel.series import Granularity
from tally.ledger.series import Activity, activity, summed

endpoint = Endpoint(Scope.BILLING_READ, errors=[InvalidRequest], rows="periods")


@dataclass(frozen=True, slots=True)
class SpendTotal:
    """The two kinds sum to `total_spend`, net of refunds. Only amounts are of one currency."""

    total_spend: Decimal
    search_spend: Decimal
    retrieval_spend: Decimal
    searches: int
    accesses: int


@dataclass(frozen=True, slots=True)
class SpendPeriod:
    """A day such as `2026-04-05`, or a month such as `2026-04`."""

    period: str
    total_spend: Decimal
    search_spend: Decimal
    retrieval_spend: Decimal
    searches: int
    accesses: int


@dataclass(frozen=True, slots=True)
class BuyerSeries:
    """Every period of the range is there. Of a month, only the days in the range are summed."""

    from_: date
    to: date
    granularity: Granularity
    currency: str
    periods: list[SpendPeriod]
    totals: SpendTotal


@endpoint.get("/v1/buyer/series")
def buyer_series(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    *,
    from_: From = None,
    to: To = None,
    granularity: By = Granularity.DAY,
    currency: Currency = None,
) -> BuyerSeries:
    span = span_of(from_, to, granularity, now)
    billed = billing_currency(table, caller.tenant_id)
    series = activity(table, caller.tenant_id, span)
    if currency not in (None, billed):  # a buyer is charged in one currency for ever
        series = {period: each._replace(search=0, retrieval=0) for period, each in series.items()}
    return BuyerSeries(
        from_=span.first,
        to=span.last,
        granularity=span.by,
        currency=currency or billed,
        periods=[SpendPeriod(period, *_amounts(each)) for period, each in series.items()],
        totals=SpendTotal(*_amounts(summed(Activity, series.values()))),
    )


def _amounts(of: Activity) -> tuple[Decimal, Decimal, Decimal, int, int]:
    return (
        to_decimal(of.search + of.retrieval),
        to_decimal(of.search),
        to_decimal(of.retrieval),
        of.searches,
        of.accesses,
    )


handler = endpoint.handler
