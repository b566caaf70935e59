"""Keys for one use: a probe, a check. They leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from tally.access.api_keys import discard_api_key
from tally.access.issuing import issue_api_key
from tally.access.model.scopes import Scope
from tally.aws.table import Table
from tally.kernel.instants import Instant, plus


@contextmanager
def temporary_api_key(
    table: Table,
    tenant_id: str,
    *,
    name: str,
    scopes: Iterable[Scope],
    now: Instant,
    lifetime: timedelta,
) -> Iterator[str]:
    """A key's text. The key is removed afterwards; if that fails, it still expires by itself.

    The audit trail does not tell of it.
    """
    text, key = issue_api_key(
        table,
        tenant_id,
        name=name,
        scopes=scopes,
        now=now,
        expires_at=plus(now, lifetime),
        actor=None,
    )
    try:
        yield text
    finally:
        discard_api_key(table, key)
