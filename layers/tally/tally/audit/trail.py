"""The audit trail: written in the transaction of what it tells of, so that neither lacks."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple

from tally.audit.items import (
    audit_days_key,
    audit_pk,
    entries_since,
    entry_attributes,
    entry_from,
    entry_key,
    number_name,
    numbers_from,
)
from tally.audit.model import (
    Actor,
    AuditEntry,
    Change,
    Day,
    Deed,
    Value,
    day_of,
    first_day_shown,
    months_shown,
)
from tally.aws.pages import Page, cut
from tally.aws.table import Table
from tally.aws.transactions import Action
from tally.kernel.instants import Instant, plus, to_datetime
from tally.kernel.periods import month_of


def retention_days() -> int:
    """For how many whole days entries are shown."""
    return int(os.environ.get("AUDIT_RETENTION_DAYS", "400"))


# ---------------------------------------------------------------------------- writing


def audited(
    table: Table,
    actor: Actor,
    deed: Deed,
    *,
    target: str,
    tenant_id: str | None,
    at: Instant,
    **details: Value | Change,
) -> list[Action]:
    """What a transaction must also write for the audit trail to tell of the deed.

    A transaction tells of one deed at most: the day's number can be written once in it.
    """
    audit_id = f"aud_{secrets.token_hex(12)}"
    entry = AuditEntry(audit_id, at, actor, deed, target, tenant_id, details)
    kept_days = retention_days()
    gone_at = plus(at, timedelta(days=kept_days + 1))
    attributes = {
        **entry_attributes(entry),
        "kept_days": kept_days,
        "ttl": int(to_datetime(gone_at).timestamp()),
    }
    return [
        table.put_new(entry_key(at, audit_id), attributes),
        table.add(audit_days_key(month_of(at)), {number_name(day_of(at), kept_days): 1}),
    ]


# ---------------------------------------------------------------------------- reading


class AuditPosition(NamedTuple):
    """A place in the audit trail. No entry needs to be there."""

    occurred_at: Instant
    audit_id: str


class _Shown:
    """Which entries are shown at `now`.

    An entry is shown as long as was promised when it was written, and no longer than is promised
    now: if it is to be kept for longer meanwhile, it may be gone already.
    """

    def __init__(self, now: Instant) -> None:
        self._now = now
        self._kept_days = retention_days()
        self.since = first_day_shown(now, self._kept_days)
        self.months = months_shown(now, self._kept_days)

    def includes(self, day: Day, kept_days: int) -> bool:
        return day >= first_day_shown(self._now, min(kept_days, self._kept_days))

    def count(self, numbers: Mapping[str, Any]) -> int:
        return sum(n for day, kept, n in numbers_from(numbers) if self.includes(day, kept))


def list_audit(
    table: Table, now: Instant, *, limit: int, after: AuditPosition | None = None
) -> Page[AuditEntry, AuditPosition]:
    """A page of the audit trail, newest first. `total` is the sum of the days' numbers."""
    shown = _Shown(now)
    numbers = table.get_many([audit_days_key(month) for month in shown.months])
    counts = {month: shown.count(numbers.get(audit_days_key(month), {})) for month in shown.months}
    entries = (
        entry
        for month in shown.months
        if counts[month] and (after is None or month <= month_of(after.occurred_at))
        for entry in _entries_of(table, month, shown, after, limit + 1)
    )
    rows, more = cut(list(islice(entries, limit + 1)), limit)
    return Page(
        rows, sum(counts.values()), more, lambda row: AuditPosition(row.occurred_at, row.audit_id)
    )


def _entries_of(
    table: Table, month: str, shown: _Shown, after: AuditPosition | None, page: int
) -> Iterator[AuditEntry]:
    """The month's entries after a place in the trail, newest first."""
    since, until = entries_since(shown.since)
    start = None
    if after and month_of(after.occurred_at) == month:
        start = entry_key(*after).sk
        if start < since:  # too old by now, as all that follows; DynamoDB would not start there
            return
    items = table.query(
        audit_pk(month),
        between=(since, until),
        after=start,
        page=page,
        newest_first=True,
        consistent=True,
    )
    for item in items:
        if shown.includes(day_of(item["occurred_at"]), item["kept_days"]):
            yield entry_from(item)
