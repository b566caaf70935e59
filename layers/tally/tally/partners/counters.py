"""What a partner's organizations and its usage count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from tally.kernel.counters import Deltas, Totals, adds, total
from tally.kernel.keys import Key
from tally.kernel.periods import Period
from tally.partners.model.organizations import Organization, OrganizationStatus
from tally.partners.model.usage import Bucket, Day, LoneUsage, Usage, UsageEntry


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
    """A partner's usage on a day or in a month; `date` is `2026-04-05` or `2026-04`.

    A day's item also says how much of it came event by event: those have no entries.
    """

    FIELDS: ClassVar = Usage._fields
    partner_id: str
    bucket: Bucket
    date: Day | Period

    @property
    def key(self) -> Key:
        """`PARTNER#acme` / `USED#DAY#2026-04-05`, `USED#MONTH#2026-04`"""
        return Key(f"PARTNER#{self.partner_id}", f"USED#{self.bucket}#{self.date}")


def organization_contribution(organization: Organization) -> Deltas:
    if not organization.alive:
        return Counter()
    is_active = organization.status is OrganizationStatus.ACTIVE
    return adds(PartnerTotals(organization.partner_id), organizations=1, active=int(is_active))


def usage_contribution(entry: UsageEntry | LoneUsage) -> Deltas:
    used = entry.usage._asdict()
    day = UsageTotals(entry.partner_id, Bucket.DAY, entry.day)
    month = UsageTotals(entry.partner_id, Bucket.MONTH, entry.day[:7])
    return total([adds(day, **used), adds(month, **used)])
