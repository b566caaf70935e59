"""GET /partner/usage: the quantity and the number of all usage events of the caller's tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tally.access.model.scopes import Scope
from tally.http.days import today
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.partner import (
    Day,
    PartnerEndpoint,
    day_range,
)
from tally.kernel.errors import InvalidRequest
from tally.partners.usage import usage_in

endpoint = PartnerEndpoint(Scope.USAGE_READ, errors=[InvalidRequest])


@dataclass(frozen=True, slots=True)
class PartnerUsage:
    """Both days are included, and so are identifications."""

    start_date: date
    end_date: date
    total_quantity: int
    total_events: int


@endpoint.get("/partner/usage")
def partner_usage(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    start_date: Day = None,
    end_date: Day = None,
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
