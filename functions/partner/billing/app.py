"""GET /partner/billing: what the caller's tenant agreed to, and what is left of its credits."""

from __future__ import annotations

from decimal import Decimal

from tally.domain.billing import MONTHLY, available, billing_period
from tally.domain.money import to_decimal
from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Now, TheTable
from tally.http.partner import Day, PartnerEndpoint, PartnerModel, today
from tally.store.partners import currency_of, terms_and_totals
from tally.store.usage import DayRange, usage_in

endpoint = PartnerEndpoint(Scope.BILLING_READ)


class PricingTierAnswer(PartnerModel):
    """`maxUsage` is null where the tier has no end."""

    tier: str | int
    price_per_identification: Decimal
    min_usage: int
    max_usage: int | None


class PartnerBilling(PartnerModel):
    partner_id: str
    billing_mode: str
    billing_period: str
    billing_day_of_month: int
    billing_period_start: Day
    next_billing_date: Day
    currency: str
    pricing_tiers: list[PricingTierAnswer]
    credit_pool_total: int
    credit_pool_used: int
    credit_pool_available: int


@endpoint.get("/partner/billing")
def partner_billing(caller: CurrentCaller, table: TheTable, now: Now) -> PartnerBilling:
    terms, _ = terms_and_totals(table, caller.tenant_id)
    period = billing_period(today(now), terms.billing_day)
    (used,) = usage_in(table, caller.tenant_id, DayRange(period.first, period.last))
    return PartnerBilling(
        partner_id=caller.tenant_id,
        billing_mode=terms.billing_mode,
        billing_period=MONTHLY,
        billing_day_of_month=terms.billing_day,
        billing_period_start=period.first,
        next_billing_date=period.next_date,
        currency=currency_of(table, caller.tenant_id, terms),
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
        credit_pool_used=used.credits,
        credit_pool_available=available(terms.credit_pool_total, used.credits),
    )


handler = endpoint.handler
