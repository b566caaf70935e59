"""Since when a table's changes share markers: a moment that the table keeps, the same for all.

Releases before shared markers give each change a marker of its own, and look at no other. So that
none of their changes is counted again, and none of ours by them, the first process of a release
that shares markers sets a moment ahead, by which the earlier release has long ended. Changes made
before it have markers of their own in both releases; changes made after it are counted by this one
alone. The moment is set once and never moves: it decides the same for every delivery of a change.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from tally.access.items import tenant_key
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.counting.items import shared_markers_key
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant, to_datetime
from tally.kernel.memory import Memory

# Functions of an earlier release may run on for 100 minutes, if the deployment is gradual.
SHARED_AFTER = timedelta(hours=2)
_moments = Memory[str, int](100)


def shared_since(table: Table, now: Instant) -> int:
    """Unix seconds of DynamoDB's clock; set if it was not."""
    known = _moments.get(table.name)
    if known is None:
        known = _stored(table)
    if known is None:
        known = _set(table, int((to_datetime(now) + SHARED_AFTER).timestamp()))
    _moments.put(table.name, known)
    return known


def share_from_the_start(table: Table, platform_tenant_id: str) -> None:
    """Of a new table, before its first tenant: no earlier release has counted its changes."""
    if table.get(tenant_key(platform_tenant_id), consistent=True) is None:
        with suppress(Cancelled):
            share_markers(table, 0)


def forget_moment(table: Table, now: Instant) -> bool:
    """After going back to a release from before shared markers: the next one sets a new moment.
    False, and nothing is changed, if the moment has passed."""
    stored = _stored(table)
    if stored is None:
        return True
    ahead = int(to_datetime(now).timestamp())
    with suppress(Cancelled):
        table.transact([table.delete(shared_markers_key(), "since > :ahead", ahead=ahead)])
        return True
    return False


def share_markers(table: Table, since: int) -> None:
    """Set the moment. Cancelled if it is set."""
    table.transact([table.put_new(shared_markers_key(), {"since": since})])


def _stored(table: Table) -> int | None:
    item = table.get(shared_markers_key(), consistent=True)
    return item["since"] if item else None


def _set(table: Table, since: int) -> int:
    try:
        share_markers(table, since)
    except Cancelled:  # somebody else was first
        stored = _stored(table)
        if stored is None:
            raise Unavailable("Other writers keep changing the same data.") from None
        return stored
    return since
