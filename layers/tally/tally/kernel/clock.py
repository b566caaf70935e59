"""The time of day, which everything else is given."""

from __future__ import annotations

from datetime import UTC, datetime

from tally.kernel.instants import Instant, to_instant


def current_instant() -> Instant:
    return to_instant(datetime.now(UTC))
