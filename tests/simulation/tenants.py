"""Tenants of a market: their rates change while months are paid, and the trail tells how."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from tally.access.tenants import change_tenant, get_tenant, list_tenants
from tally.audit.model import AuditEntry, Deed
from tally.audit.trail import AuditPosition, list_audit
from tally.aws.table import Table
from tally.kernel.errors import InvalidRequest
from tests.operators import OPERATOR
from tests.simulation.histories import TENANTS
from tests.simulation.market import Market

_RATES = [Decimal(rate) for rate in ("0", "0.1", "0.3", "0.45", "0.6", "1")]


def change_rates(market: Market, changes: int) -> None:
    """One or both rates of a tenant; what would be more than the whole is refused."""
    for _ in range(changes):
        market.timeline.sleep(market.random.uniform(0, 2))
        fields = market.random.choice(
            [("fee_rate",), ("reserve_rate",), ("fee_rate", "reserve_rate")]
        )
        wanted = {field: market.random.choice(_RATES) for field in fields}
        tenant = market.random.choice(TENANTS[:2])
        market.persist("ChangeTenant", partial(_change, market, tenant, wanted))


def _change(market: Market, tenant: str, wanted: dict[str, Decimal], table: Table) -> None:
    try:
        changed = change_tenant(table, tenant, wanted, market.now, OPERATOR)
    except InvalidRequest:
        return
    assert changed.fee_rate + changed.reserve_rate <= 1
    market.did["changes of rates"] += 1


def check_tenants(market: Market) -> None:
    """The list is exact, and the trail tells how each tenant came to the rates that it has."""
    page = list_tenants(market.table, limit=100)
    assert [tenant.tenant_id for tenant in page.rows] == sorted(TENANTS), "the list is wrong"
    assert page.total == len(TENANTS), "the list's total is wrong"
    trail = _trail(market)
    for tenant in TENANTS:
        told = [each for each in trail if each.target == tenant]
        _check_rates(market.table, tenant, [each.details for each in told])
        assert [each.deed for each in told].count(Deed.TENANT_CREATED) == 1


def _trail(market: Market) -> list[AuditEntry]:
    """Oldest first, as the cursors find it."""
    found: list[AuditEntry] = []
    after: AuditPosition | None = None
    while True:
        page = list_audit(market.table, market.now, limit=7, after=after)
        found += page.rows
        after = page.last
        if after is None:
            assert page.total == len(found), "the trail's total is wrong"
            return found[::-1]


def _check_rates(table: Table, tenant: str, details: list[Any]) -> None:
    """Each change begins with what another left: they can be put into one row, however their
    clocks differed. That is so if every value was left as often as it was found."""
    stored = get_tenant(table, tenant)
    assert stored
    created, *changes = sorted(details, key=lambda each: "billing_currency" not in each)
    for field in ("fee_rate", "reserve_rate"):
        changed = [each[field] for each in changes if field in each]
        left = sorted([created[field], *(each.new for each in changed)])
        found = sorted([*(each.old for each in changed), str(getattr(stored, field))])
        assert left == found, f"the trail does not lead to the {field} of {tenant}"
