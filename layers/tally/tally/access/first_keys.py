"""The keys that no API call can issue: the platform tenant's first one, and the events' sender's.

Anyone who may write to the table may issue them.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from tally.access.issuing import issue_api_key
from tally.access.model.scopes import Scope
from tally.access.tenants import ensure_tenant
from tally.audit.model import Actor
from tally.aws.table import Table
from tally.kernel.instants import Instant


class FirstKeys(NamedTuple):
    """Shown once; only hashes are stored."""

    admin_key: str
    events_key: str


def issue_first_keys(
    table: Table, platform_tenant_id: str, now: Instant, actor: Actor
) -> FirstKeys:
    """New keys of the platform tenant, which is created if it does not exist."""
    ensure_tenant(table, platform_tenant_id, "Platform", now, actor)
    issue = partial(issue_api_key, table, platform_tenant_id, now=now, actor=actor)
    admin_key, _ = issue(name="Platform administration", scopes=[Scope.ADMIN])
    events_key, _ = issue(name="Events' sender", scopes=[Scope.EVENTS_WRITE])
    return FirstKeys(admin_key, events_key)
