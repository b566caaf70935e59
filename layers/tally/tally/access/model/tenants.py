"""Tenants: each may be a provider, a buyer and a partner at once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from decimal import Decimal

from tally.kernel.instants import Instant


@dataclass(frozen=True, slots=True)
class Tenant:
    """Rates are fractions of gross revenue, from 0 to 1, and together at most 1."""

    tenant_id: str
    display_name: str
    billing_currency: str
    fee_rate: Decimal
    reserve_rate: Decimal
    created_at: Instant


def new_tenant_id() -> str:
    return f"tnt_{secrets.token_hex(8)}"
