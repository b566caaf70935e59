"""Moments that the table keeps: since when something holds, for whoever asks and whenever.

The first process of a release sets such a moment ahead, by which functions of the earlier release
have long ended. It is set once and never moves: it decides the same for every delivery.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.kernel.counters import series_key
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant, to_datetime, to_instant
from tally.kernel.keys import Key
from tally.kernel.memory import Memory

# Functions of an earlier release may run on for 100 minutes, if the deployment is gradual.
AHEAD = timedelta(hours=2)
SETTLED_AFTER = timedelta(minutes=15)
"""Whoever was under way at a moment has ended by then: no function runs longer. It also makes up
for clocks that differ."""
_known = Memory[tuple[str, Key], int](100)


def moment(table: Table, key: Key, now: Instant) -> int:
    """Unix seconds; set if it was not."""
    known = _known.get((table.name, key))
    if known is None:
        known = stored_moment(table, key)
    if known is None:
        known = _set(table, key, int((to_datetime(now) + AHEAD).timestamp()))
    _known.put((table.name, key), known)
    return known


def stored_moment(table: Table, key: Key) -> int | None:
    item = table.get(key, consistent=True)
    return item["since"] if item else None


def set_moment(table: Table, key: Key, since: int) -> None:
    """Cancelled if it is set."""
    table.transact([table.put_new(key, {"since": since})])


def forget_moment(table: Table, key: Key, now: Instant) -> bool:
    """After going back to the release before: the next one sets a new moment. False, and nothing
    is changed, if the moment has passed."""
    if stored_moment(table, key) is None:
        return True
    ahead = int(to_datetime(now).timestamp())
    with suppress(Cancelled):
        table.transact([table.delete(key, "since > :ahead", ahead=ahead)])
        return True
    return False


def series_since(table: Table, now: Instant) -> Instant:
    """What was accepted before it is put into the counters of series by a command, and by nobody
    else."""
    return to_instant(datetime.fromtimestamp(moment(table, series_key(), now), UTC))


def series_settled(table: Table, clock: Callable[[], float] | None = None) -> bool:
    """Whether all that was accepted before the moment of series is stored. Until then nobody can
    tell what their counters should be. `clock`: Unix seconds, the database's own."""
    since = stored_moment(table, series_key())
    if not since:
        return since == 0
    now = clock() if clock else database_clock(table)
    return now >= since + SETTLED_AFTER.total_seconds()


def database_clock(table: Table) -> float:
    """The seconds of the database's own clock, which stamps the changes on the stream."""
    answer: Any = table.client.get_item(
        TableName=table.name, Key={"PK": {"S": "CLOCK"}, "SK": {"S": "CLOCK"}}
    )
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date).timestamp() if date else time.time()


def start_series(table: Table) -> None:
    """Of a new table: nothing was accepted before. Cancelled if the moment is set."""
    set_moment(table, series_key(), 0)


def _set(table: Table, key: Key, since: int) -> int:
    try:
        set_moment(table, key, since)
    except Cancelled:  # somebody else was first
        stored = stored_moment(table, key)
        if stored is None:
            raise Unavailable("Other writers keep changing the same data.") from None
        return stored
    return since
