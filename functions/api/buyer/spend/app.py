"""GET /v1/buyer/spend: what the caller's tenant spent in the current month, net of refunds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tally.access.model.scopes import Scope
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.endpoint import Endpoint
from tally.kernel.instants import for_display
from tally.kernel.money import to_decimal
from tally.kernel.periods import bounds, month_of
from tally.ledger.spend import spend_of

endpoint = Endpoint(Scope.BILLING_READ)


@dataclass(frozen=True, slots=True)
class SpendSummary:
    """The two kinds sum to the total. An amount is negative if more was refunded than spent."""

    total_spend: Decimal
    currency: str
    period_start: str
    period_end: str
    search_spend: Decimal
    retrieval_spend: Decimal


@endpoint.get("/v1/buyer/spend")
def spend_summary(caller: CurrentCaller, table: TheTable, now: Now) -> SpendSummary:
    period = month_of(now)
    first, last = bounds(period)
    spend = spend_of(table, caller.tenant_id, period)
    return SpendSummary(
        total_spend=to_decimal(spend.search + spend.retrieval),
        currency=spend.currency,
        period_start=for_display(first),
        period_end=for_display(last),
        search_spend=to_decimal(spend.search),
        retrieval_spend=to_decimal(spend.retrieval),
    )


handler = endpoint.handler
