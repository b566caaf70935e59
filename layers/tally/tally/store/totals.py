"""Counters as the dashboards read them: one item, one call."""

from __future__ import annotations

from collections.abc import Mapping

from tally.domain.counting import ProviderTotals
from tally.store import keys
from tally.store.table import Table


def provider_totals(table: Table, tenant_id: str) -> Mapping[str, int]:
    """Field -> count; fields that were never counted are absent."""
    return table.get(keys.totals(ProviderTotals(tenant_id))) or {}


def api_key_totals(table: Table, tenant_id: str) -> Mapping[str, int]:
    """`api_keys` and `active_api_keys`; absent before the first key."""
    return table.get(keys.api_key_totals(tenant_id)) or {}
