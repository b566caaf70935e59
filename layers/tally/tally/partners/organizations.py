"""The list of a partner's organizations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tally.aws.table import Table
from tally.partners.items import (
    ORGANIZATION_PREFIX,
    organization_from,
    organization_key,
    organizations_pk,
    partner_key,
)
from tally.partners.model.organizations import Organization, OrganizationStatus, Profile, folded


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which organizations to list; None for any. `search` is a part of the name, in any case."""

    status: OrganizationStatus | None = None
    search: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrganizationPage:
    """`total` counts all that are wanted."""

    organizations: Sequence[Profile]
    total: int


def organizations_of(table: Table, partner_id: str) -> Iterator[Organization]:
    """All that a partner ever had, read consistently."""
    pk = partner_key(partner_id).pk
    for item in table.query(pk, ORGANIZATION_PREFIX, consistent=True):
        yield organization_from(item)


def list_organizations(
    table: Table, partner_id: str, wanted: Wanted, *, page: int, page_size: int
) -> OrganizationPage:
    """A page of those that are not deleted, newest first; pages count from 1."""
    part = folded(wanted.search or "")
    listed = [
        item
        for item in table.query(organizations_pk(partner_id), consistent=True)
        if wanted.status in (None, item["status"])
        and wanted.external_id in (None, item.get("external_id"))
        and (not part or part in folded(item["name"]))
    ]
    listed.sort(key=lambda item: (item["created_at"], item["organization_id"]), reverse=True)
    start = (page - 1) * page_size
    shown = [item["organization_id"] for item in listed[start : start + page_size]]
    found = table.get_many([organization_key(partner_id, each) for each in shown])
    records = [organization_from(found[organization_key(partner_id, each)]) for each in shown]
    # One may have been deleted since the list was read.
    return OrganizationPage([each.profile for each in records if each.alive], len(listed))
