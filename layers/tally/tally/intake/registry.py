"""Every type of event that Tally takes, as the subjects declare them."""

from __future__ import annotations

from tally.wire.event_types import EventTypes

EVENT_TYPES = EventTypes(
    "tally.catalog.events",
    "tally.activity.events",
    "tally.ledger.events",
    "tally.partners.events",
)
