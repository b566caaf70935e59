"""GET /partner/analytics/series: what the caller's tenant used, by day or by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.http.arguments import Choice, Query
from tally.http.days import today
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.partner import (
    Day,
    PartnerEndpoint,
    day_range,
)
from tally.kernel.errors import InvalidRequest
from tally.kernel.series import Granularity
from tally.partners.model.usage import Usage, usage_sum
from tally.partners.usage import usage_series

endpoint = PartnerEndpoint(Scope.USAGE_READ, errors=[InvalidRequest], rows="periods")

Periods = Annotated[Granularity, Query(Choice(Granularity))]


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """Identifications are in `quantity` and `events`, too."""

    identifications: int
    credits_used: int
    quantity: int
    events: int


@dataclass(frozen=True, slots=True)
class UsagePeriod:
    """A day such as `2026-04-05`, or a month such as `2026-04`."""

    period: str
    identifications: int
    credits_used: int
    quantity: int
    events: int


@dataclass(frozen=True, slots=True)
class PartnerSeries:
    """Every period of the range is there. Of a month, only the days in the range are counted."""

    partner_id: str
    start_date: date
    end_date: date
    granularity: Granularity
    periods: list[UsagePeriod]
    totals: UsageTotal


@endpoint.get("/partner/analytics/series")
def partner_series(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    *,
    start_date: Day = None,
    end_date: Day = None,
    granularity: Periods = Granularity.DAY,
) -> PartnerSeries:
    start, end = start_date or today(now) - timedelta(days=30), end_date or today(now)
    range_ = day_range(start, end, granularity)
    used = usage_series(table, caller.tenant_id, range_, granularity)
    return PartnerSeries(
        partner_id=caller.tenant_id,
        start_date=range_.first,
        end_date=range_.last,
        granularity=granularity,
        periods=[UsagePeriod(period, *_amounts(usage)) for period, usage in used.items()],
        totals=UsageTotal(*_amounts(usage_sum(used.values()))),
    )


def _amounts(usage: Usage) -> tuple[int, int, int, int]:
    return usage.identifications, usage.credits, usage.quantity, usage.events


handler = endpoint.handler
