"""A partner's sub-organizations, each the outcome of its events in any order of arrival."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tally.kernel.instants import Instant
from tally.kernel.versions import Version, VersionedFields, merged

NO_METADATA = "{}"


class OrganizationStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELED = "canceled"


class OrganizationTier(StrEnum):
    TRIAL = "trial"
    PAID = "paid"


class OrganizationEventKind(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class OrganizationEvent:
    """`said` is what it says of the organization's fields; None says that there is none."""

    kind: OrganizationEventKind
    partner_id: str
    organization_id: str
    version: Version
    said: Mapping[str, Any]

    @property
    def tenant_id(self) -> str:
        return self.partner_id


@dataclass(frozen=True, slots=True)
class Profile:
    """An organization as it is now. `metadata` is the text of a JSON object."""

    organization_id: str
    name: str
    external_id: str | None
    status: OrganizationStatus
    tier: OrganizationTier
    credits: int
    metadata: str
    created_at: Instant


@dataclass(frozen=True, slots=True)
class Organization:
    """`created` is its newest creation, `stated` the newest that said that it is there."""

    partner_id: str
    organization_id: str
    created: Version
    stated: Version
    deleted: Version | None
    registers: VersionedFields

    @property
    def tenant_id(self) -> str:
        return self.partner_id

    @property
    def alive(self) -> bool:
        return self.deleted is None or self.stated > self.deleted

    @property
    def status(self) -> OrganizationStatus:
        return OrganizationStatus(self._now("status") or OrganizationStatus.ACTIVE)

    @property
    def profile(self) -> Profile:
        return Profile(
            organization_id=self.organization_id,
            name=self._now("name") or "",
            external_id=self._now("external_id"),
            status=self.status,
            tier=OrganizationTier(self._now("tier") or OrganizationTier.TRIAL),
            credits=self._now("credits") or 0,
            metadata=self._now("metadata") or NO_METADATA,
            created_at=self.created.time,
        )

    @property
    def last_name(self) -> str:
        """Also of one that is deleted."""
        return self.registers["name"].value if "name" in self.registers else ""

    def exists_for(self, event: OrganizationEvent) -> bool:
        """A late event from before a deletion is still in order; an update after it is not."""
        return event.kind is not OrganizationEventKind.UPDATED or self.existed_at(event.version)

    def existed_at(self, version: Version) -> bool:
        return self.alive or (self.deleted is not None and version < self.deleted)

    def apply(self, event: OrganizationEvent) -> Organization:
        version = event.version
        if event.kind is OrganizationEventKind.DELETED:
            return replace(self, deleted=max(self.deleted or version, version))
        is_created = event.kind is OrganizationEventKind.CREATED
        return replace(
            self,
            created=max(self.created, version) if is_created else self.created,
            stated=max(self.stated, version),
            registers=merged(self.registers, event.said, version),
        )

    def _now(self, name: str) -> Any:
        """A field's value; what was said before a deletion says nothing of what came after it."""
        register = self.registers.get(name)
        if register is None or (self.deleted is not None and register.version < self.deleted):
            return None
        return register.value


def new_organization(event: OrganizationEvent) -> Organization:
    version = event.version
    return Organization(
        partner_id=event.partner_id,
        organization_id=event.organization_id,
        created=version,
        stated=version,
        deleted=None,
        registers=merged({}, event.said, version),
    )


def folded(text: str) -> str:
    """Text for comparisons that ignore case and the ways to write one character."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
