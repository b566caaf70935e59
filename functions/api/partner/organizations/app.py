"""GET /partner/organizations: the organizations of the caller's tenant, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from tally.access.model.scopes import Scope
from tally.http.arguments import Choice, Query, plain_text
from tally.http.dependencies import CurrentCaller, TheTable
from tally.http.partner import PageNumber, PageSize, PartnerEndpoint
from tally.kernel.errors import InvalidRequest
from tally.kernel.instants import for_display
from tally.partners.model.organizations import OrganizationStatus, OrganizationTier, Profile
from tally.partners.organizations import Wanted
from tally.partners.organizations import list_organizations as stored_organizations
from tally.wire.json import load_json

endpoint = PartnerEndpoint(Scope.USAGE_READ, errors=[InvalidRequest], rows="organizations")

Status = Annotated[OrganizationStatus | None, Query(Choice(OrganizationStatus))]
Filter = Annotated[str | None, Query(plain_text)]


@dataclass(frozen=True, slots=True)
class OrganizationAnswer:
    """An organization as the partner described it."""

    id: str
    name: str
    external_id: str | None
    status: OrganizationStatus
    tier: OrganizationTier
    credits: int
    metadata: dict[str, Any]
    created_at: str


@dataclass(frozen=True, slots=True)
class OrganizationList:
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
    status: Status = None,
    search: Filter = None,
    external_id: Filter = None,
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
