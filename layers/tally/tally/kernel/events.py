"""An event as Tally understood it, the door it came through, and why it may be rejected."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from tally.kernel.errors import TallyError
from tally.kernel.instants import Instant
from tally.kernel.keys import Key

MARK_SK = "EVENT"


class Fact(Protocol):
    """What an event says, as its subject's model defines it."""

    @property
    def tenant_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Event[F: Fact]:
    """(`source`, `event_id`) is its identity within its sender: a tenant, or None for the platform.

    `content` is a hash of all that Tally understood.
    """

    source: str
    event_id: str
    type: str
    time: Instant
    content: str
    fact: F
    sender: str | None = None

    @property
    def digest(self) -> str:
        """Names the event in the keys of what it writes."""
        return event_digest(self.source, self.event_id, self.sender)

    @property
    def mark(self) -> Key:
        return event_key(self.source, self.event_id, self.sender)


@dataclass(frozen=True, slots=True)
class Door:
    """How events came in: when, and whether as history. `in_series`: whether that is late enough
    for counters that are backfilled to count what comes in (`aws/moments.py`)."""

    now: Instant
    backfill: bool = False
    in_series: bool = False


def event_digest(source: str, event_id: str, sender: str | None = None) -> str:
    of_sender = [] if sender is None else [sender]
    return sha256("\0".join([*of_sender, source, event_id]).encode()).hexdigest()


def event_key(source: str, event_id: str, sender: str | None = None) -> Key:
    """`EVENT#{digest}` / `EVENT`: the mark of an accepted event, kept for ever"""
    return Key(f"EVENT#{event_digest(source, event_id, sender)}", MARK_SK)


class Rejected(TallyError):
    """The event cannot be accepted as things are; it may be sent again under the same id."""


class InvalidEvent(Rejected):
    code = "invalid_event"


class UnknownTenant(Rejected):
    code = "unknown_tenant"


class UnknownDataset(Rejected):
    code = "unknown_dataset"


class UnknownOrganization(Rejected):
    code = "unknown_organization"


class EventConflict(Rejected):
    code = "event_conflict"


class AlreadyUsed(Rejected):
    """Another event gave this id to another thing."""

    code = "already_used"


class UnknownCharge(Rejected):
    code = "unknown_charge"


class CurrencyMismatch(Rejected):
    code = "currency_mismatch"


class RefundExceedsCharge(Rejected):
    code = "refund_exceeds_charge"


class NotPermitted(Rejected):
    """The sender may not send events of this type, whatever they name."""

    code = "not_permitted"
