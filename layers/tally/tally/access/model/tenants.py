"""Tenants: each may be a provider, a buyer and a partner at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from tally.kernel.errors import InvalidRequest
from tally.kernel.instants import Instant

NEVER_CHANGE = ("tenant_id", "billing_currency")


@dataclass(frozen=True, slots=True)
class Tenant:
    """Rates are fractions of gross revenue, from 0 to 1, and together at most 1.

    `requests_per_minute` (0: no limit) and `query_text_retention_days` are None where the stack's
    own defaults hold.
    """

    tenant_id: str
    display_name: str
    billing_currency: str
    fee_rate: Decimal
    reserve_rate: Decimal
    created_at: Instant
    requests_per_minute: int | None = None
    query_text_retention_days: int | None = None

    def differences(self, other: Tenant) -> dict[str, Any]:
        """What is not the same in the other: field -> the other's value."""
        others = {field.name: getattr(other, field.name) for field in fields(other)}
        return {name: value for name, value in others.items() if value != getattr(self, name)}


def check_unchanged(tenant: Tenant, wanted: Mapping[str, Any]) -> None:
    """InvalidRequest if something else is wanted of what never changes."""
    for field in NEVER_CHANGE:
        if field in wanted and wanted[field] != getattr(tenant, field):
            raise InvalidRequest(f"{field} never changes; leave it out.", field=field)


def check_rates(tenant: Tenant, *, field: str) -> None:
    """InvalidRequest, naming `field`, if fee and reserve are more than the whole."""
    if tenant.fee_rate + tenant.reserve_rate > 1:
        raise InvalidRequest(
            f"fee_rate ({tenant.fee_rate:f}) plus reserve_rate ({tenant.reserve_rate:f}) must be "
            "at most 1; send both to change them together.",
            field=field,
        )


def new_tenant_id() -> str:
    return f"tnt_{secrets.token_hex(8)}"
