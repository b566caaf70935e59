"""GET /partner/organizations: the organizations of the caller's tenant, newest first."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Interval
from aws_lambda_powertools.event_handler.openapi.params import Query

from tally.access.model.scopes import Scope
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.partner import PartnerEndpoint, PartnerModel
from tally.kernel.errors import InvalidRequest
from tally.kernel.instants import for_display
from tally.partners.model.organizations import OrganizationStatus, OrganizationTier, Profile
from tally.partners.organizations import Wanted
from tally.partners.organizations import list_organizations as stored_organizations
from tally.wire.fields import WholeNumber
from tally.wire.json import load_json

endpoint = PartnerEndpoint(Scope.USAGE_READ, errors=[InvalidRequest])

PageNumber = Annotated[WholeNumber, Interval(ge=1, le=1_000_000_000)]
PageSize = Annotated[WholeNumber, Interval(ge=1, le=100), Query(alias="pageSize")]
ExternalId = Annotated[str | None, Query(alias="externalId")]


class OrganizationAnswer(PartnerModel):
    """An organization as the partner described it."""

    id: str
    name: str
    external_id: str | None
    status: OrganizationStatus
    tier: OrganizationTier
    credits: int
    metadata: dict[str, Any]
    created_at: str


class OrganizationList(PartnerModel):
    """`total` counts all that match the filters. A page after the last one is empty."""

    organizations: list[OrganizationAnswer]
    total: int
    page: int
    page_size: int


@endpoint.get("/partner/organizations")
def list_organizations(
    caller: CurrentCaller,
    table: TheTable,
    *,
    page: PageNumber = 1,
    page_size: PageSize = 20,
    status: OrganizationStatus | None = None,
    search: str | None = None,
    external_id: ExternalId = None,
) -> OrganizationList:
    wanted = Wanted(status=status, search=search, external_id=external_id)
    found = stored_organizations(table, caller.tenant_id, wanted, page=page, page_size=page_size)
    return OrganizationList(
        organizations=[_answer(profile) for profile in found.organizations],
        total=found.total,
        page=page,
        page_size=page_size,
    )


def _answer(profile: Profile) -> OrganizationAnswer:
    return OrganizationAnswer(
        id=profile.organization_id,
        name=profile.name,
        external_id=profile.external_id,
        status=profile.status,
        tier=profile.tier,
        credits=profile.credits,
        metadata=load_json(profile.metadata),
        created_at=for_display(profile.created_at),
    )


handler = endpoint.handler
