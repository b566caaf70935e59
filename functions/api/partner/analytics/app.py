"""GET /partner/analytics: organizations, identifications and credits of the caller's tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from tally.access.model.scopes import Scope
from tally.http.days import today
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.partner import (
    Day,
    PartnerEndpoint,
    day_range,
)
from tally.kernel.errors import InvalidRequest
from tally.partners.billing import terms_and_totals
from tally.partners.model.billing import available, billing_period
from tally.partners.usage import DayRange, usage_in

endpoint = PartnerEndpoint(Scope.USAGE_READ, errors=[InvalidRequest])


@dataclass(frozen=True, slots=True)
class PartnerAnalytics:
    """`creditsUsed` is for the range, `creditsRemaining` for the current billing period."""

    partner_id: str
    start_date: date
    end_date: date
    total_organizations: int
    active_organizations: int
    total_identifications: int
    credits_remaining: int
    credits_used: int


@endpoint.get("/partner/analytics")
def partner_analytics(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    start_date: Day = None,
    end_date: Day = None,
) -> PartnerAnalytics:
    range_ = day_range(start_date or today(now) - timedelta(days=30), end_date or today(now))
    terms, totals = terms_and_totals(table, caller.tenant_id)
    period = billing_period(today(now), terms.billing_day)
    in_period = DayRange(period.first, period.last)
    used, used_now = usage_in(table, caller.tenant_id, range_, in_period)
    return PartnerAnalytics(
        partner_id=caller.tenant_id,
        start_date=range_.first,
        end_date=range_.last,
        total_organizations=totals.get("organizations", 0),
        active_organizations=totals.get("active", 0),
        total_identifications=used.identifications,
        credits_remaining=available(terms.credit_pool_total, used_now.credits),
        credits_used=used.credits,
    )


handler = endpoint.handler
