"""Partners and their organizations as items, and the list of organizations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tally.domain.billing import BillingPeriod, Partner, Terms, billing_period
from tally.domain.catalog import Version
from tally.domain.organizations import (
    Organization,
    OrganizationStatus,
    Profile,
    folded,
)
from tally.domain.registers import Register, Registers
from tally.domain.usage import Usage
from tally.store import keys
from tally.store.items import version_from
from tally.store.table import Table
from tally.store.tenants import get_tenant
from tally.store.usage import DayRange, usage_in


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which organizations to list; None for any. `search` is a part of the name, in any case."""

    status: OrganizationStatus | None = None
    search: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """What a partner agreed to, its present billing period, and what it used in it by now."""

    terms: Terms
    period: BillingPeriod
    used: Usage
    currency: str


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    """`total` counts all that are wanted."""

    organizations: Sequence[Profile]
    total: int


def partner_attributes(partner: Partner) -> dict[str, Any]:
    return {"partner_id": partner.partner_id, "registers": _stored(partner.registers)}


def partner_from(item: Mapping[str, Any]) -> Partner:
    return Partner(item["partner_id"], _registers_from(item["registers"]))


def organization_attributes(organization: Organization) -> dict[str, Any]:
    return {
        "partner_id": organization.partner_id,
        "organization_id": organization.organization_id,
        "created": organization.created,
        "stated": organization.stated,
        "deleted": organization.deleted,
        "registers": _stored(organization.registers),
    }


def organization_from(item: Mapping[str, Any]) -> Organization:
    """KeyError, TypeError or ValueError for an item that is none."""
    return Organization(
        partner_id=item["partner_id"],
        organization_id=item["organization_id"],
        created=Version(*item["created"]),
        stated=Version(*item["stated"]),
        deleted=version_from(item.get("deleted")),
        registers=_registers_from(item["registers"]),
    )


def listing_attributes(profile: Profile) -> dict[str, Any]:
    """What the list filters and sorts by, and no more: all of a partner's are read for a page."""
    return {
        "organization_id": profile.organization_id,
        "name": profile.name,
        "external_id": profile.external_id,
        "status": profile.status.value,
        "created_at": profile.created_at,
    }


def terms_and_totals(table: Table, partner_id: str) -> tuple[Terms, Mapping[str, int]]:
    """What was configured, and the counters of organizations, in one Query."""
    terms, totals = Terms(), {}
    for item in table.query(keys.partner(partner_id).pk, keys.PARTNER_SK, consistent=True):
        if item["SK"] == keys.PARTNER_SK:
            terms = partner_from(item).terms
        else:
            totals = item
    return terms, totals


def organizations_of(table: Table, partner_id: str) -> Iterator[Organization]:
    """All that a partner ever had, read consistently."""
    pk = keys.partner(partner_id).pk
    for item in table.query(pk, keys.ORGANIZATION_PREFIX, consistent=True):
        yield organization_from(item)


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


def list_organizations(
    table: Table, partner_id: str, wanted: Wanted, *, page: int, page_size: int
) -> OrganizationPage:
    """A page of those that are not deleted, newest first; pages count from 1."""
    part = folded(wanted.search or "")
    listed = [
        item
        for item in table.query(keys.organizations_pk(partner_id), consistent=True)
        if wanted.status in (None, item["status"])
        and wanted.external_id in (None, item.get("external_id"))
        and (not part or part in folded(item["name"]))
    ]
    listed.sort(key=lambda item: (item["created_at"], item["organization_id"]), reverse=True)
    start = (page - 1) * page_size
    shown = [item["organization_id"] for item in listed[start : start + page_size]]
    found = table.get_many([keys.organization(partner_id, each) for each in shown])
    records = [organization_from(found[keys.organization(partner_id, each)]) for each in shown]
    # One may have been deleted since the list was read.
    return OrganizationPage([each.profile for each in records if each.alive], len(listed))


def _stored(registers: Registers) -> dict[str, Any]:
    return {name: [value, *version] for name, (value, version) in registers.items()}


def _registers_from(stored: Mapping[str, Any]) -> Registers:
    return {name: Register(value, Version(*version)) for name, (value, *version) in stored.items()}
