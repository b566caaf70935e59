"""A partner's terms and its present billing period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tally.access.tenants import get_tenant
from tally.aws.table import Table
from tally.partners.items import PARTNER_SK, partner_key
from tally.partners.model.billing import BillingPeriod, Terms, billing_period
from tally.partners.model.usage import Usage
from tally.partners.terms import partner_from
from tally.partners.usage import DayRange, usage_in


@dataclass(frozen=True, slots=True)
class Billing:
    """What a partner agreed to, its present billing period, and what it used in it by now."""

    terms: Terms
    period: BillingPeriod
    used: Usage
    currency: str


def terms_and_totals(table: Table, partner_id: str) -> tuple[Terms, Mapping[str, int]]:
    """What was configured, and the counters of organizations, in one Query."""
    terms, totals = Terms(), {}
    for item in table.query(partner_key(partner_id).pk, PARTNER_SK, consistent=True):
        if item["SK"] == PARTNER_SK:
            terms = partner_from(item).terms
        else:
            totals = item
    return terms, totals


def present_billing(table: Table, partner_id: str, today: date) -> Billing:
    """Three reads; the currency is the tenant's unless another was agreed on."""
    terms, _ = terms_and_totals(table, partner_id)
    period = billing_period(today, terms.billing_day)
    (used,) = usage_in(table, partner_id, DayRange(period.first, period.last))
    currency = terms.currency or _billing_currency(table, partner_id)
    return Billing(terms, period, used, currency)


def _billing_currency(table: Table, partner_id: str) -> str:
    tenant = get_tenant(table, partner_id)
    if tenant is None:
        raise ValueError(f"a caller of tenant {partner_id}, which does not exist")
    return tenant.billing_currency
