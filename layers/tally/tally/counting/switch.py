"""Since when a table's changes share markers: a moment that the table keeps, the same for all.

Releases before shared markers give each change a marker of its own, and look at no other. So that
none of their changes is counted again, and none of ours by them, the first process of a release
that shares markers sets a moment ahead, by which the earlier release has long ended. Changes made
before it have markers of their own in both releases; changes made after it are counted by this one
alone.
"""

from __future__ import annotations

from contextlib import suppress

from tally.access.items import tenant_key
from tally.aws import moments
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.counting.items import shared_markers_key
from tally.kernel.instants import Instant


def shared_since(table: Table, now: Instant) -> int:
    """Unix seconds of DynamoDB's clock; set if it was not."""
    return moments.moment(table, shared_markers_key(), now)


def share_markers(table: Table, since: int) -> None:
    """Set the moment. Cancelled if it is set."""
    moments.set_moment(table, shared_markers_key(), since)


def forget_moment(table: Table, now: Instant) -> bool:
    """After going back to a release from before shared markers: the next one sets a new moment.
    False, and nothing is changed, if the moment has passed."""
    return moments.forget_moment(table, shared_markers_key(), now)


def share_from_the_start(table: Table, platform_tenant_id: str) -> None:
    """Of a new table, before its first tenant: no earlier release has counted its changes, nor
    accepted what series count."""
    if table.get(tenant_key(platform_tenant_id), consistent=True) is None:
        with suppress(Cancelled):
            share_markers(table, 0)
        with suppress(Cancelled):
            moments.start_series(table)
