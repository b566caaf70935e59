"""GET /partner/organizations/usage: what each of the tenant's organizations used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tally.access.model.scopes import Scope
from tally.http.arguments import Query
from tally.http.arguments import month as a_month
from tally.http.dependencies import CurrentCaller, Now, TheTable
from tally.http.partner import PageNumber, PageSize, PartnerEndpoint
from tally.kernel.errors import InvalidRequest
from tally.kernel.periods import Period, month_of
from tally.partners.usage import OrganizationUsage
from tally.partners.usage import organizations_usage as stored_usage

endpoint = PartnerEndpoint(Scope.USAGE_READ, errors=[InvalidRequest], rows="organizations")

Month = Annotated[Period | None, Query(a_month)]


@dataclass(frozen=True, slots=True)
class OrganizationUsageAnswer:
    """Identifications are in `quantity` and `events`, too. `name` is the last one if it is
    deleted."""

    id: str
    name: str
    identifications: int
    credits_used: int
    quantity: int
    events: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class OrganizationUsageList:
    """`total` counts all organizations with usage in the month. A page after the last one is
    empty."""

    month: str
    organizations: list[OrganizationUsageAnswer]
    total: int
    page: int
    page_size: int


@endpoint.get("/partner/organizations/usage")
def organizations_usage(
    caller: CurrentCaller,
    table: TheTable,
    now: Now,
    *,
    month: Month = None,
    page: PageNumber = 1,
    page_size: PageSize = 20,
) -> OrganizationUsageList:
    period = month or month_of(now)
    found = stored_usage(table, caller.tenant_id, period, page=page, page_size=page_size)
    return OrganizationUsageList(
        month=period,
        organizations=[_answer(each) for each in found.organizations],
        total=found.total,
        page=page,
        page_size=page_size,
    )


def _answer(used: OrganizationUsage) -> OrganizationUsageAnswer:
    return OrganizationUsageAnswer(
        id=used.organization_id,
        name=used.name,
        identifications=used.usage.identifications,
        credits_used=used.usage.credits,
        quantity=used.usage.quantity,
        events=used.usage.events,
        deleted=used.deleted,
    )


handler = endpoint.handler
