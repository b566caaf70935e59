"""GET /partner/billing: the billing terms of the caller's tenant, and its credits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tally.access.model.scopes import Scope
from tally.http.days import today
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.partner import PartnerEndpoint, first_second
from tally.kernel.money import to_decimal
from tally.partners.billing import present_billing
from tally.partners.model.billing import MONTHLY, available

endpoint = PartnerEndpoint(Scope.BILLING_READ)


@dataclass(frozen=True, slots=True)
class PricingTierAnswer:
    """`maxUsage` is null if the tier has no upper limit."""

    tier: str | int
    price_per_identification: Decimal
    min_usage: int
    max_usage: int | None


@dataclass(frozen=True, slots=True)
class PartnerBilling:
    """Credits are those of the current billing period."""

    partner_id: str
    billing_mode: str
    billing_period: str
    billing_day_of_month: int
    billing_period_start: datetime
    next_billing_date: datetime
    currency: str
    pricing_tiers: list[PricingTierAnswer]
    credit_pool_total: int
    credit_pool_used: int
    credit_pool_available: int


@endpoint.get("/partner/billing")
def partner_billing(caller: CurrentCaller, table: TheTable, now: Now) -> PartnerBilling:
    billing = present_billing(table, caller.tenant_id, today(now))
    terms, period = billing.terms, billing.period
    return PartnerBilling(
        partner_id=caller.tenant_id,
        billing_mode=terms.billing_mode,
        billing_period=MONTHLY,
        billing_day_of_month=terms.billing_day,
        billing_period_start=first_second(period.first),
        next_billing_date=first_second(period.next_date),
        currency=billing.currency,
        pricing_tiers=[
            PricingTierAnswer(
                tier=tier.tier,
                price_per_identification=to_decimal(tier.price),
                min_usage=tier.min_usage,
                max_usage=tier.max_usage,
            )
            for tier in terms.tiers
        ],
        credit_pool_total=terms.credit_pool_total,
        credit_pool_used=billing.used.credits,
        credit_pool_available=available(terms.credit_pool_total, billing.used.credits),
    )


handler = endpoint.handler
