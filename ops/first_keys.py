"""The keys that no API call can issue: the platform tenant's first one, and the events' sender's.

Whoever may write the table may issue them, and nobody else.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from ops.stack import LocalStack
from tally.domain.errors import AlreadyExists
from tally.domain.instants import to_instant
from tally.domain.scopes import Scope
from tally.domain.tenants import Tenant
from tally.http.issuing import issue_api_key
from tally.http.models import ApiKeyRequest
from tally.store.table import Table
from tally.store.tenants import create_tenant


class FirstKeys(NamedTuple):
    """Shown once; only hashes are kept."""

    admin_key: str
    events_key: str


def issue(stack: LocalStack) -> FirstKeys:
    """The keys of a local stack."""
    table = Table(stack.client("dynamodb"), stack.table_name)
    return issue_first_keys(table, stack.outputs["PlatformTenantId"])


def issue_first_keys(table: Table, platform_tenant_id: str) -> FirstKeys:
    """New keys of the platform tenant, which is made if it is not there."""
    now = to_instant(datetime.now(UTC))
    platform = Tenant(
        tenant_id=platform_tenant_id,
        display_name="Platform",
        billing_currency="USD",
        fee_rate=Decimal("0.30"),
        reserve_rate=Decimal("0.10"),
        created_at=now,
    )
    with suppress(AlreadyExists):  # somebody issued keys before
        create_tenant(table, platform)

    def key(name: str, scope: Scope) -> str:
        wanted = ApiKeyRequest(name=name, scopes=[scope])
        return issue_api_key(table, platform_tenant_id, wanted, now).key

    return FirstKeys(
        key("Platform administration", Scope.ADMIN), key("Events' sender", Scope.EVENTS_WRITE)
    )
