"""The audit trail as items: one partition a month, with the number of its entries by day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.audit.model import Actor, ActorType, AuditEntry, Change, Day, Deed
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.kernel.periods import Period, month_of

ENTRY_PREFIX = "ENTRY#"


def entry_key(occurred_at: Instant, audit_id: str) -> Key:
    """`AUDIT#2026-04` / `ENTRY#2026-04-05T09:30:00.000000000Z#aud_k3j5...`"""
    return Key(audit_pk(month_of(occurred_at)), f"{ENTRY_PREFIX}{occurred_at}#{audit_id}")


def audit_days_key(period: Period) -> Key:
    """`AUDIT#2026-04` / `DAYS`: how many entries each day of the month has"""
    return Key(audit_pk(period), "DAYS")


def audit_pk(period: Period) -> str:
    return f"AUDIT#{period}"


def entries_since(day: Day) -> tuple[str, str]:
    """The sort keys between which the entries of a day and of later ones are."""
    return f"{ENTRY_PREFIX}{day}", f"{ENTRY_PREFIX}~"


# --------------------------------------------------------------------------- numbers


def number_name(day: Day, kept_days: int) -> str:
    """`2026-04-05/400`: the attribute that counts a day's entries that are kept for so long."""
    return f"{day}/{kept_days}"


def numbers_from(item: Mapping[str, Any]) -> Iterator[tuple[Day, int, int]]:
    """A day, for how many days its entries are kept, and how many there are."""
    for name, number in item.items():
        day, _, kept_days = name.partition("/")
        if kept_days:
            yield day, int(kept_days), number


# --------------------------------------------------------------------------- entries


def entry_attributes(entry: AuditEntry) -> dict[str, Any]:
    return {
        "audit_id": entry.audit_id,
        "occurred_at": entry.occurred_at,
        "actor": entry.actor.subject,
        "actor_type": entry.actor.type.value,
        "actor_tenant_id": entry.actor.tenant_id,
        "address": entry.actor.address,
        "deed": entry.deed.value,
        "target": entry.target,
        "tenant_id": entry.tenant_id,
        "details": {
            name: {"old": value.old, "new": value.new} if isinstance(value, Change) else value
            for name, value in entry.details.items()
        },
    }


def entry_from(item: Mapping[str, Any]) -> AuditEntry:
    return AuditEntry(
        audit_id=item["audit_id"],
        occurred_at=item["occurred_at"],
        actor=Actor(
            ActorType(item["actor_type"]),
            item["actor"],
            tenant_id=item.get("actor_tenant_id"),
            address=item.get("address"),
        ),
        deed=Deed(item["deed"]),
        target=item["target"],
        tenant_id=item.get("tenant_id"),
        details={
            name: Change(**value) if isinstance(value, Mapping) else value
            for name, value in item["details"].items()
        },
    )
