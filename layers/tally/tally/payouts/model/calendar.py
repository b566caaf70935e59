"""When a month may be stated: after it has closed and the last requests to it have finished."""

from __future__ import annotations

from datetime import timedelta

from tally.kernel.errors import PeriodOpen
from tally.kernel.instants import Instant, plus
from tally.kernel.periods import Period, closes_at, month_before, month_of

# Requests that began before the close may still be writing; none takes this long.
_SETTLES_IN = timedelta(minutes=5)


# Of the template's schedule, which starts a run at 06:00 UTC on the 1st.
_STATED_AFTER_CLOSE = timedelta(hours=1)


def stated_at(period: Period) -> Instant:
    """When the schedule has the statements of a month made."""
    return plus(closes_at(period), _STATED_AFTER_CLOSE)


def check_ended(period: Period, now: Instant) -> None:
    """PeriodOpen while a charge may still be posted to the month."""
    if period >= month_of(now) or now < plus(closes_at(period), _SETTLES_IN):
        raise PeriodOpen(
            f"Month {period} stays open until 05:05 UTC on the 1st of the next month; "
            "start the run after that.",
            field="period",
        )


def newest_ended(now: Instant) -> Period:
    """The latest month that passes `check_ended`."""
    month = month_before(month_of(now))
    return month if now >= plus(closes_at(month), _SETTLES_IN) else month_before(month)
