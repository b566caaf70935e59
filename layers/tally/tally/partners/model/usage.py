"""Identifications and other usage of a partner's organizations, and what they are counted by.

Events are entered in sums: one entry for all that a transaction accepts of a partner's day. Entries
are counted into the partner's day and into their organizations' months. An event that comes alone
is counted at once, if nobody else is counting for the partner just then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple

from tally.kernel.periods import Day, Period, month_of
from tally.kernel.versions import Version

# An entry is counted in one transaction: it has room for a counter for each organization, the
# day's, and markers.
MAX_ORGANIZATIONS_AN_ENTRY = 80


@dataclass(frozen=True, slots=True)
class UsageRecorded:
    """`kind` is None for an identification; only those use credits."""

    partner_id: str
    organization_id: str
    kind: str | None
    quantity: int
    credits: int
    version: Version

    @property
    def tenant_id(self) -> str:
        return self.partner_id

    @property
    def day(self) -> Day:
        return self.version.time[:10]

    @property
    def month(self) -> Period:
        return month_of(self.version.time)

    @property
    def usage(self) -> Usage:
        identifications = self.quantity if self.kind is None else 0
        return Usage(identifications, self.quantity, 1, self.credits)


class Usage(NamedTuple):
    """Sums over usage events; identifications are in `quantity` and `events` too."""

    identifications: int = 0
    quantity: int = 0
    events: int = 0
    credits: int = 0


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """What was accepted at once of a partner's day; `entry_id` names the first event of it.

    `organizations`: whose usage it is, organization -> sums. Empty if it was accepted before these
    were counted.
    """

    partner_id: str
    day: Day
    entry_id: str
    usage: Usage
    organizations: Mapping[str, Usage] = field(default_factory=dict)

    @property
    def tenant_id(self) -> str:
        return self.partner_id

    @property
    def month(self) -> Period:
        return month_of(self.day)

    def with_more(self, recorded: UsageRecorded, *, by_organization: bool) -> UsageEntry:
        """With one more event of the day, entered for its organization too if that is counted."""
        entry = replace(self, usage=usage_sum([self.usage, recorded.usage]))
        if not by_organization:
            return entry
        of, known = recorded.organization_id, self.organizations
        used = usage_sum([known.get(of, Usage()), recorded.usage])
        return replace(entry, organizations={**known, of: used})

    def is_full_for(self, organization_id: str) -> bool:
        return (
            len(self.organizations) >= MAX_ORGANIZATIONS_AN_ENTRY
            and organization_id not in self.organizations
        )


@dataclass(frozen=True, slots=True)
class LoneUsage:
    """What was accepted of a partner's day event by event, each counted when it was accepted."""

    partner_id: str
    day: Day
    usage: Usage

    @property
    def tenant_id(self) -> str:
        return self.partner_id


@dataclass(frozen=True, slots=True)
class LoneOrganizationUsage:
    """What is counted of an organization's month and is in no entry: what was accepted event by
    event, and what was accepted before entries had organizations."""

    partner_id: str
    month: Period
    organization_id: str
    usage: Usage

    @property
    def tenant_id(self) -> str:
        return self.partner_id


def usage_sum(parts: Iterable[Usage]) -> Usage:
    return Usage(*map(sum, zip(*parts, strict=True))) if (parts := tuple(parts)) else Usage()


def month_after(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
