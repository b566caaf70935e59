"""The counted records and the counters of API keys, as recounts find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.access.api_keys import api_key_from
from tally.access.counters import ApiKeyTotals, api_key_contribution
from tally.access.items import API_KEY_PREFIX, tenant_key
from tally.access.model.api_keys import ApiKey
from tally.aws.table import Table
from tally.kernel.counted import CountedRecord, CounterKind


def _api_keys(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    return table.query(tenant_key(tenant_id).pk, API_KEY_PREFIX, consistent=True)


COUNTED = (
    CountedRecord(
        ApiKey,
        API_KEY_PREFIX,
        api_key_from,
        api_key_contribution,
        (ApiKeyTotals,),
        _api_keys,
        streamed=False,
    ),
)
COUNTERS = (CounterKind(ApiKeyTotals, lambda _, tenant_id: [ApiKeyTotals(tenant_id)]),)
