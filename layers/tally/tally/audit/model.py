"""Entries of the audit trail, who makes them, and how long they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from tally.kernel.instants import Instant
from tally.kernel.periods import Period, month_before, month_of


class Deed(StrEnum):
    """What the audit trail knows of: `thing.deed`."""

    API_KEY_ISSUED = "api_key.issued"
    API_KEY_ROTATED = "api_key.rotated"
    API_KEY_REVOKED = "api_key.revoked"
    SESSION_OPENED = "session.opened"
    OIDC_CLIENT_LINKED = "oidc_client.linked"
    OIDC_CLIENT_UNLINKED = "oidc_client.unlinked"
    TENANT_CREATED = "tenant.created"
    TENANT_CHANGED = "tenant.changed"
    QUERY_TEXTS_ERASED = "query_texts.erased"
    PAYOUT_RUN_STARTED = "payout_run.started"
    PAYOUT_STATUS_CHANGED = "payout.status_changed"


class ActorType(StrEnum):
    """What an actor acts with. The first three are a caller's credentials."""

    API_KEY = "api_key"
    SESSION = "session"
    ACCESS_TOKEN = "access_token"  # noqa: S105  a kind of credential, not one
    SCHEDULE = "schedule"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where.

    `subject`: `key_k3j5...`, `client_...`, `schedule`, or whoever runs the `tally` command.
    `tenant_id` is that of the credential, `address` the IP address of its caller; None if there is
    none.
    """

    type: ActorType
    subject: str
    tenant_id: str | None = None
    address: str | None = None


SCHEDULE = Actor(ActorType.SCHEDULE, "schedule")

type Value = str | int | None


@dataclass(frozen=True, slots=True)
class Change:
    """What a deed changed something from and to; None is nothing, or the default."""

    old: Value
    new: Value


type Details = Mapping[str, Value | Change]
"""What else there is to know of a deed, by name."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed. `target` is what it was done to, `tenant_id` whose that is."""

    audit_id: str
    occurred_at: Instant
    actor: Actor
    deed: Deed
    target: str
    tenant_id: str | None
    details: Details = field(default_factory=dict)


# ---------------------------------------------------------------------- retention

type Day = str
"""`2026-04-05`."""


def day_of(instant: Instant) -> Day:
    return instant[:10]


def first_day_shown(now: Instant, kept_days: int) -> Day:
    """The first of the last `kept_days` whole days; today is none yet."""
    return (date.fromisoformat(day_of(now)) - timedelta(days=kept_days)).isoformat()


def months_shown(now: Instant, kept_days: int) -> list[Period]:
    """The months with days that are shown, newest first."""
    first = month_of(first_day_shown(now, kept_days))
    months = [month_of(now)]
    while months[-1] > first:
        months.append(month_before(months[-1]))
    return months
