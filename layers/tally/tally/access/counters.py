"""What a tenant's API keys count. Written with the keys, so a list and its total always agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tally.access.model.api_keys import ApiKey
from tally.kernel.counters import Deltas, Totals, adds
from tally.kernel.keys import Key


@dataclass(frozen=True, slots=True)
class ApiKeyTotals(Totals):
    """A tenant's API keys, and those of them that are not revoked."""

    FIELDS: ClassVar = ("api_keys", "active_api_keys")
    tenant_id: str

    @property
    def key(self) -> Key:
        """`TENANT#acme` / `TOTALS#APIKEYS`"""
        return Key(f"TENANT#{self.tenant_id}", "TOTALS#APIKEYS")


def api_key_contribution(key: ApiKey) -> Deltas:
    totals = ApiKeyTotals(key.tenant_id)
    return adds(totals, api_keys=1, active_api_keys=int(key.revoked_at is None))
