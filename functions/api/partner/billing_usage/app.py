"""GET /partner/billing/usage: usage and cost of the caller's current billing period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tally.access.model.scopes import Scope
from tally.http.days import today
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.partner import (
    PartnerEndpoint,
    first_second,
    last_second,
)
from tally.kernel.money import to_decimal
from tally.partners.billing import present_billing
from tally.partners.model.billing import cost

endpoint = PartnerEndpoint(Scope.BILLING_READ)


@dataclass(frozen=True, slots=True)
class PartnerBillingUsage:
    """`periodEnd` is the last second of the period. The cost covers all identifications so far."""

    partner_id: str
    period_start: datetime
    period_end: datetime
    total_identifications: int
    total_quantity: int
    total_events: int
    credits_used: int
    estimated_cost: Decimal
    currency: str


@endpoint.get("/partner/billing/usage")
def partner_billing_usage(caller: CurrentCaller, table: TheTable, now: Now) -> PartnerBillingUsage:
    billing = present_billing(table, caller.tenant_id, today(now))
    used = billing.used
    return PartnerBillingUsage(
        partner_id=caller.tenant_id,
        period_start=first_second(billing.period.first),
        period_end=last_second(billing.period.last),
        total_identifications=used.identifications,
        total_quantity=used.quantity,
        total_events=used.events,
        credits_used=used.credits,
        estimated_cost=to_decimal(cost(billing.terms.tiers, used.identifications)),
        currency=billing.currency,
    )


handler = endpoint.handler
