"""Any counted record from its item, by its sort key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.domain.counting import Record
from tally.store import keys
from tally.store.catalog import catalog_record_from
from tally.store.ledger import access_from, entry_from, search_from
from tally.store.partners import organization_from
from tally.store.usage import usage_entry_from


def record_from(item: Mapping[str, Any]) -> Record:
    """KeyError, TypeError or ValueError for an item that is none."""
    sort_key = item["SK"]
    if sort_key.startswith(keys.SEARCH_PREFIX):
        return search_from(item)
    if sort_key.startswith(keys.ACCESS_PREFIX):
        return access_from(item)
    if sort_key.startswith(keys.DEBIT_PREFIX):
        return entry_from(item)
    if sort_key.startswith(keys.USAGE_PREFIX):
        return usage_entry_from(item)
    if sort_key.startswith(keys.ORGANIZATION_PREFIX):
        return organization_from(item)
    return catalog_record_from(item)
