"""The statements of all providers of a month, in the order of the month's register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import batched
from typing import NamedTuple

from tally.access.items import tenant_key
from tally.aws.table import Table
from tally.kernel.periods import Period
from tally.ledger.provider_months import Closed, ProviderMonth, closed_months
from tally.payouts.items import Payout, payout_from, payout_key
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.runs import runs_of

# Statements of other statuses are read, too: a page looks at so many at most.
_MOST_LOOKED_AT = 1_000
_LOOKED_AT_ONCE = 100


class ProviderPosition(NamedTuple):
    """A place in the register of a month; `part` is the number of its partition."""

    period: Period
    part: str
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
    behind = after and Closed(
        ProviderMonth(after.tenant_id, period, after.currency), int(after.part)
    )
    at_once = _LOOKED_AT_ONCE if status else limit + 1
    months = closed_months(table, period, behind, page=at_once)
    found, last = _wanted(table, batched(months, at_once, strict=False), status, limit)
    tenants = table.get_many([tenant_key(each.statement.tenant_id) for each in found])
    rows = [
        ProvidersPayout(each, tenants[tenant_key(each.statement.tenant_id)]["display_name"])
        for each in found
    ]
    # Each statement was made by one run, which counted it in the same transaction.
    return MonthPage(rows, sum(run.generated for run in runs_of(table, period)), last)


def _wanted(
    table: Table,
    batches: Iterable[Sequence[Closed]],
    status: PayoutStatus | None,
    limit: int,
) -> tuple[Sequence[Payout], ProviderPosition | None]:
    """The first statements of these months, and where to go on if there may be more."""
    rows: list[Payout] = []
    last: Closed | None = None
    looked_at = 0
    for some in batches:
        items = table.get_many([payout_key(*closed.month) for closed in some])
        for closed in some:
            payout = payout_from(items[payout_key(*closed.month)])
            if status in (None, payout.status):
                if last and len(rows) == limit:
                    return rows, _position(last)
                rows.append(payout)
                last = closed
        looked_at += len(some)
        if looked_at >= _MOST_LOOKED_AT:
            return rows, _position(some[-1])
    return rows, None


def _position(closed: Closed) -> ProviderPosition:
    month = closed.month
    return ProviderPosition(month.period, str(closed.part), month.tenant_id, month.currency)
