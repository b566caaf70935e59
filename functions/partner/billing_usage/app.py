"""GET /partner/billing/usage: the present billing period of the caller's tenant, and its cost."""

from __future__ import annotations

from decimal import Decimal

from tally.domain.billing import billing_period, cost
from tally.domain.money import to_decimal
from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Now, TheTable
from tally.http.partner import Day, PartnerEndpoint, PartnerModel, today
from tally.store.partners import currency_of, terms_and_totals
from tally.store.usage import DayRange, usage_in

endpoint = PartnerEndpoint(Scope.BILLING_READ)


class PartnerBillingUsage(PartnerModel):
    """`periodEnd` is the last day of the period; the cost is of what was identified by now."""

    partner_id: str
    period_start: Day
    period_end: Day
    total_identifications: int
    total_quantity: int
    total_events: int
    credits_used: int
    estimated_cost: Decimal
    currency: str


@endpoint.get("/partner/billing/usage")
def partner_billing_usage(caller: CurrentCaller, table: TheTable, now: Now) -> PartnerBillingUsage:
    terms, _ = terms_and_totals(table, caller.tenant_id)
    period = billing_period(today(now), terms.billing_day)
    (used,) = usage_in(table, caller.tenant_id, DayRange(period.first, period.last))
    return PartnerBillingUsage(
        partner_id=caller.tenant_id,
        period_start=period.first,
        period_end=period.last,
        total_identifications=used.identifications,
        total_quantity=used.quantity,
        total_events=used.events,
        credits_used=used.credits,
        estimated_cost=to_decimal(cost(terms.tiers, used.identifications)),
        currency=currency_of(table, caller.tenant_id, terms),
    )


handler = endpoint.handler
