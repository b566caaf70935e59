"""What a buyer spent in a month."""

from __future__ import annotations

from dataclasses import dataclass

from tally.access.items import tenant_key
from tally.aws.table import Table
from tally.kernel.money import Micros
from tally.kernel.periods import Period
from tally.ledger.counters import SpendTotals


@dataclass(frozen=True, slots=True)
class Spend:
    """A buyer's spend in a month, net of refunds."""

    currency: str
    search: Micros
    retrieval: Micros


def spend_of(table: Table, tenant_id: str, period: Period) -> Spend:
    """In one call."""
    tenant, totals = tenant_key(tenant_id), SpendTotals(tenant_id, period).key
    found = table.get_many([tenant, totals])
    stored = found.get(totals, {})
    return Spend(
        currency=found[tenant]["billing_currency"],
        search=stored.get("search", 0),
        retrieval=stored.get("retrieval", 0),
    )
