"""Every type of event that Tally takes, as the subjects declare them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.activity.events import EVENT_TYPES as ACTIVITY
from tally.catalog.events import EVENT_TYPES as CATALOG
from tally.ledger.events import EVENT_TYPES as LEDGER
from tally.partners.events import EVENT_TYPES as PARTNERS
from tally.wire.event_types import EventType

_DECLARED: tuple[EventType[Any, Any], ...] = (*CATALOG, *ACTIVITY, *LEDGER, *PARTNERS)
EVENT_TYPES: Mapping[str, EventType[Any, Any]] = {declared.name: declared for declared in _DECLARED}
"""Name -> declaration."""
