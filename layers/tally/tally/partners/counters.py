"""What a partner's organizations and its usage count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from tally.kernel.counters import Deltas, Totals, adds, total
from tally.kernel.keys import Key
from tally.kernel.periods import Day, Period
from tally.partners.model.organizations import Organization, OrganizationStatus
from tally.partners.model.usage import (
    LoneOrganizationUsage,
    LoneUsage,
    Usage,
    UsageEntry,
    UsageRecorded,
)

MONTH_PREFIX = "MONTH#"


@dataclass(frozen=True, slots=True)
class PartnerTotals(Totals):
    """A partner's organizations, and those of them that are active."""

    FIELDS: ClassVar = ("organizations", "active")
    partner_id: str

    @property
    def key(self) -> Key:
        """`PARTNER#acme` / `PARTNER#TOTALS`: one Query reads it with the configuration"""
        return Key(f"PARTNER#{self.partner_id}", "PARTNER#TOTALS")


@dataclass(frozen=True, slots=True)
class UsageTotals(Totals):
    """A partner's usage on a day; the item also says how much of it has no entries."""

    FIELDS: ClassVar = Usage._fields
    partner_id: str
    day: Day

    @property
    def key(self) -> Key:
        """`PARTNER#acme` / `USED#DAY#2026-04-05`"""
        return Key(f"PARTNER#{self.partner_id}", f"USED#DAY#{self.day}")


@dataclass(frozen=True, slots=True)
class OrganizationMonth(Totals):
    """An organization's usage in a month; the item also says how much of it has no entries.

    Among that is what was accepted before the table's moment of series: a backfill adds it.
    """

    FIELDS: ClassVar = Usage._fields
    partner_id: str
    month: Period
    organization_id: str

    @property
    def key(self) -> Key:
        """`USED#acme` / `MONTH#2026-04#org_1`: one Query reads a month"""
        return Key(f"USED#{self.partner_id}", f"{MONTH_PREFIX}{self.month}#{self.organization_id}")

    @classmethod
    def at(cls, pk: str, sk: str) -> OrganizationMonth:
        """The counter whose key it is."""
        _, partner_id = pk.split("#")
        _, month, organization_id = sk.split("#")
        return cls(partner_id, month, organization_id)

    @classmethod
    def of(cls, recorded: UsageRecorded) -> OrganizationMonth:
        """What the event is counted in."""
        return cls(recorded.partner_id, recorded.month, recorded.organization_id)


def organization_contribution(organization: Organization) -> Deltas:
    if not organization.alive:
        return Counter()
    is_active = organization.status is OrganizationStatus.ACTIVE
    return adds(PartnerTotals(organization.partner_id), organizations=1, active=int(is_active))


def usage_contribution(entry: UsageEntry) -> Deltas:
    of_organizations = (
        adds(OrganizationMonth(entry.partner_id, entry.month, organization_id), **used._asdict())
        for organization_id, used in entry.organizations.items()
    )
    day = adds(UsageTotals(entry.partner_id, entry.day), **entry.usage._asdict())
    return total([day, *of_organizations])


def lone_contribution(lone: LoneUsage) -> Deltas:
    return adds(UsageTotals(lone.partner_id, lone.day), **lone.usage._asdict())


def lone_organization_contribution(lone: LoneOrganizationUsage) -> Deltas:
    month = OrganizationMonth(lone.partner_id, lone.month, lone.organization_id)
    return adds(month, **lone.usage._asdict())
