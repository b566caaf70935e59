"""GET /partner/usage: quantity and number of all usage events of the caller's portfolio."""

from __future__ import annotations

from tally.domain.scopes import Scope
from tally.http.endpoint import CurrentCaller, Now, TheTable
from tally.http.partner import (
    Day,
    EndDate,
    PartnerEndpoint,
    PartnerModel,
    StartDate,
    day_range,
    today,
)
from tally.store.usage import usage_in

endpoint = PartnerEndpoint(Scope.USAGE_READ)


class PartnerUsage(PartnerModel):
    start_date: Day
    end_date: Day
    total_quantity: int
    total_events: int


@endpoint.get("/partner/usage")
def partner_usage(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    start_date: StartDate = None,
    end_date: EndDate = None,
) -> PartnerUsage:
    range_ = day_range(start_date or today(now).replace(day=1), end_date or today(now))
    (used,) = usage_in(table, caller.tenant_id, range_)
    return PartnerUsage(
        start_date=range_.first,
        end_date=range_.last,
        total_quantity=used.quantity,
        total_events=used.events,
    )


handler = endpoint.handler
