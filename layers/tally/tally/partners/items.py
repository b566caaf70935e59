"""Organizations and usage of partners as items, with their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.kernel.keys import Key
from tally.kernel.periods import Day
from tally.kernel.versions import Version, VersionedField, VersionedFields, version_from
from tally.partners.counters import OrganizationMonth
from tally.partners.model.organizations import Organization, Profile
from tally.partners.model.usage import (
    LoneOrganizationUsage,
    LoneUsage,
    Usage,
    UsageEntry,
    UsageRecorded,
)

PARTNER_SK = "PARTNER"
ORGANIZATION_PREFIX = "ORGANIZATION#"
USAGE_PREFIX = "USAGE#"


def partner_key(partner_id: str) -> Key:
    """`PARTNER#acme` / `PARTNER`: what was configured"""
    return Key(f"PARTNER#{partner_id}", PARTNER_SK)


def organization_key(partner_id: str, organization_id: str) -> Key:
    """`PARTNER#acme` / `ORGANIZATION#org_1`"""
    return Key(f"PARTNER#{partner_id}", f"{ORGANIZATION_PREFIX}{organization_id}")


def listed_organization_key(partner_id: str, organization_id: str) -> Key:
    """`ORGANIZATIONS#acme` / `LISTED#org_1`: what the list looks for, of those not deleted"""
    return Key(organizations_pk(partner_id), f"LISTED#{organization_id}")


def organizations_pk(partner_id: str) -> str:
    return f"ORGANIZATIONS#{partner_id}"


def usage_key(partner_id: str, day: Day, entry_id: str) -> Key:
    """`USAGES#acme` / `USAGE#2026-04-05#{digest of the first event}`"""
    return Key(usages_pk(partner_id), f"{USAGE_PREFIX}{day}#{entry_id}")


def usages_pk(partner_id: str) -> str:
    return f"USAGES#{partner_id}"


def organization_attributes(organization: Organization) -> dict[str, Any]:
    return {
        "partner_id": organization.partner_id,
        "organization_id": organization.organization_id,
        "created": organization.created,
        "stated": organization.stated,
        "deleted": organization.deleted,
        "registers": stored_registers(organization.registers),
    }


def organization_from(item: Mapping[str, Any]) -> Organization:
    """KeyError, TypeError or ValueError for an item that is none."""
    return Organization(
        partner_id=item["partner_id"],
        organization_id=item["organization_id"],
        created=Version(*item["created"]),
        stated=Version(*item["stated"]),
        deleted=version_from(item.get("deleted")),
        registers=registers_from(item["registers"]),
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


def stored_registers(registers: VersionedFields) -> dict[str, Any]:
    return {name: [value, *version] for name, (value, version) in registers.items()}


def registers_from(stored: Mapping[str, Any]) -> VersionedFields:
    return {
        name: VersionedField(value, Version(*version)) for name, (value, *version) in stored.items()
    }


def recorded_attributes(usage: UsageRecorded) -> dict[str, Any]:
    """What the mark of a usage event says beside the event's identity."""
    return {
        "partner_id": usage.partner_id,
        "organization_id": usage.organization_id,
        "kind": usage.kind,
        "quantity": usage.quantity,
        "credits": usage.credits,
    }


# What it takes to read the mark of a usage event.
RECORDED = (
    "partner_id",
    "organization_id",
    "kind",
    "quantity",
    "credits",
    "time",
    "event_id",
    "source",
)


def recorded_from(mark: Mapping[str, Any]) -> UsageRecorded:
    """From the mark of a usage event. KeyError for another mark."""
    return UsageRecorded(
        partner_id=mark["partner_id"],
        organization_id=mark["organization_id"],
        kind=mark.get("kind"),
        quantity=mark["quantity"],
        credits=mark["credits"],
        version=Version(mark["time"], 0, mark["event_id"], mark["source"]),
    )


# Short: there is one of each on every counter of usage.
LONE_FIELDS = {field: f"lone_{field[0]}" for field in Usage._fields}


def lone_amounts(usage: Usage) -> dict[str, int]:
    """What usage without an entry adds to its counters: the counts, and their own record."""
    used = usage._asdict()
    return used | {LONE_FIELDS[field]: amount for field, amount in used.items()}


def lone_usage_from(item: Mapping[str, Any]) -> LoneUsage:
    """From the counter of a day. KeyError for an item that is none."""
    partner_id, day = (item[name].rpartition("#")[2] for name in ("PK", "SK"))
    return LoneUsage(partner_id, day, _lone_usage(item))


def lone_organization_usage_from(item: Mapping[str, Any]) -> LoneOrganizationUsage:
    """From the counter of an organization's month. KeyError for an item that is none."""
    month = OrganizationMonth.at(item["PK"], item["SK"])
    return LoneOrganizationUsage(
        month.partner_id, month.month, month.organization_id, _lone_usage(item)
    )


def _lone_usage(item: Mapping[str, Any]) -> Usage:
    return Usage(*(item[name] for name in LONE_FIELDS.values()))


def key_of_usage(entry: UsageEntry) -> Key:
    return usage_key(entry.partner_id, entry.day, entry.entry_id)


def usage_attributes(entry: UsageEntry) -> dict[str, Any]:
    return {
        "partner_id": entry.partner_id,
        "day": entry.day,
        "entry_id": entry.entry_id,
        **entry.usage._asdict(),
        "organizations": {of: list(used) for of, used in entry.organizations.items()} or None,
    }


def usage_entry_from(item: Mapping[str, Any]) -> UsageEntry:
    """KeyError, TypeError or AttributeError for an item that is none."""
    usage = Usage(*(item[field] for field in Usage._fields))
    stored = item.get("organizations") or {}
    organizations = {of: Usage(*used) for of, used in stored.items()}
    return UsageEntry(item["partner_id"], item["day"], item["entry_id"], usage, organizations)
