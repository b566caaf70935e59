"""The keys that no API call can issue: the platform tenant's first one, and the events' sender's.

Anyone who may write to the table may issue them.
"""

from __future__ import annotations

from typing import NamedTuple

from tally.access.issuing import issue_api_key
from tally.access.model.scopes import Scope
from tally.access.tenants import ensure_tenant
from tally.aws.table import Table
from tally.kernel.instants import Instant


class FirstKeys(NamedTuple):
    """Shown once; only hashes are stored."""

    admin_key: str
    events_key: str


def issue_first_keys(table: Table, platform_tenant_id: str, now: Instant) -> FirstKeys:
    """New keys of the platform tenant, which is created if it does not exist."""
    ensure_tenant(table, platform_tenant_id, "Platform", now)
    return FirstKeys(
        admin_key=_issue(table, platform_tenant_id, "Platform administration", Scope.ADMIN, now),
        events_key=_issue(table, platform_tenant_id, "Events' sender", Scope.EVENTS_WRITE, now),
    )


def _issue(table: Table, tenant_id: str, name: str, scope: Scope, now: Instant) -> str:
    text, _ = issue_api_key(table, tenant_id, name=name, scopes=[scope], now=now)
    return text
