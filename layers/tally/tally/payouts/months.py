"""The statements of all providers of a month, in the order of the month's register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import batched
from typing import NamedTuple

from tally.access.items import tenant_key
from tally.aws.table import Table
from tally.kernel.periods import Period
from tally.ledger.provider_months import ProviderMonth, closed_months, statements_of
from tally.payouts.items import Payout, payout_from, payout_key
from tally.payouts.model.statements import Statement
from tally.payouts.model.statuses import PayoutStatus

# Statements of other statuses are read, too: a page looks at so many at most.
_MOST_LOOKED_AT = 1_000
_LOOKED_AT_ONCE = 100


class ProviderPosition(NamedTuple):
    """A place in the register of a month."""

    tenant_id: str
    currency: str


class ProvidersPayout(NamedTuple):
    """A statement, and what its provider is called."""

    payout: Payout
    provider_name: str


class MonthPage(NamedTuple):
    """`total` counts all statements of the month, whatever their status. The next page starts after
    `last`; None on the last page. A page may have less rows than were wanted, or none."""

    rows: Sequence[ProvidersPayout]
    total: int
    last: ProviderPosition | None


def list_month(
    table: Table,
    period: Period,
    *,
    status: PayoutStatus | None,
    limit: int,
    after: ProviderPosition | None = None,
) -> MonthPage:
    """A page of a month's statements, of those with this status if one is given."""
    behind = after and ProviderMonth(after.tenant_id, period, after.currency)
    found, last = _wanted(table, closed_months(table, period, behind), status, limit)
    tenants = table.get_many([tenant_key(each.statement.tenant_id) for each in found])
    rows = [
        ProvidersPayout(each, tenants[tenant_key(each.statement.tenant_id)]["display_name"])
        for each in found
    ]
    return MonthPage(rows, sum(1 for _ in statements_of(table, period)), last)


def _wanted(
    table: Table, months: Iterable[ProviderMonth], status: PayoutStatus | None, limit: int
) -> tuple[Sequence[Payout], ProviderPosition | None]:
    """The first statements of these months, and where to go on if there may be more."""
    rows: list[Payout] = []
    looked_at = 0
    for some in batched(months, _LOOKED_AT_ONCE if status else limit + 1, strict=False):
        items = table.get_many([payout_key(*month) for month in some])
        for month in some:
            payout = payout_from(items[payout_key(*month)])
            if status in (None, payout.status):
                if len(rows) == limit:
                    return rows, _position(rows[-1].statement)
                rows.append(payout)
        looked_at += len(some)
        if looked_at >= _MOST_LOOKED_AT:
            return rows, ProviderPosition(some[-1].tenant_id, some[-1].currency)
    return rows, None


def _position(statement: Statement) -> ProviderPosition:
    return ProviderPosition(statement.tenant_id, statement.currency)
