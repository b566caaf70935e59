"""What may be said of partners, their organizations and their usage."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints, field_validator

from tally.kernel.versions import Version
from tally.partners.deciding import (
    count_usage,
    decide_organization,
    decide_partner,
    decide_usage,
    reads_organization,
    reads_partner,
)
from tally.partners.model.billing import PartnerConfigured, PricingTier, arranged
from tally.partners.model.organizations import OrganizationEvent, OrganizationEventKind
from tally.partners.model.usage import UsageRecorded
from tally.wire.event_types import EventData, EventType, PartialData
from tally.wire.fields import Amount, Currency, Id, JsonObject, Name, no_control_characters
from tally.wire.json import dump_json, load_json

_MAX_COUNT = 999_999_999_999
Count = Annotated[int, Field(ge=0, le=_MAX_COUNT)]
_TierSent = Annotated[str, StringConstraints(min_length=1, max_length=64)] | Count


def _tier(value: object) -> str | int:
    """A name or a number. With a union of types, pydantic would name `tier.constrained-str`."""
    if isinstance(value, str) and re.fullmatch(r"[^\ud800-\udfff]{1,64}", value):
        return no_control_characters(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT:
        return value
    raise ValueError(
        f"must be a string of 1 to 64 characters or an integer from 0 to {_MAX_COUNT:,}"
    )


class PricingTierData(EventData):
    tier: Annotated[str | int, BeforeValidator(_tier, json_schema_input_type=_TierSent)]
    price: Amount = Field(
        validation_alias=AliasChoices("price_per_identification", "pricePerIdentification")
    )
    min_usage: Count = Field(validation_alias=AliasChoices("min_usage", "minUsage"))
    max_usage: Count | None = Field(
        default=None, validation_alias=AliasChoices("max_usage", "maxUsage")
    )


class PartnerData(PartialData):
    partner_id: Id
    credit_pool_total: Count
    billing_mode: Id | None = None
    billing_day_of_month: Annotated[int, Field(ge=1, le=28)] | None = None
    pricing_tiers: Annotated[list[PricingTierData], Field(max_length=50)] | None = None
    currency: Currency | None = None

    @field_validator("pricing_tiers")
    @classmethod
    def _in_order(cls, tiers: list[PricingTierData] | None) -> list[PricingTierData] | None:
        if not tiers:
            return tiers
        given = [PricingTier(t.tier, t.price, t.min_usage, t.max_usage) for t in tiers]
        sent = dict(zip(given, tiers, strict=True))
        return [sent[tier] for tier in arranged(given)]


class OrganizationIdData(PartialData):
    partner_id: Id
    organization_id: Id


class OrganizationData(OrganizationIdData):
    name: Name
    external_id: Name | None = None
    status: Literal["active", "suspended", "canceled"] | None = None
    tier: Literal["trial", "paid"] | None = None
    credits: Count | None = None
    metadata: JsonObject | None = None

    @property
    def understood(self) -> Mapping[str, Any]:
        """The order of an object's keys means nothing, in metadata as elsewhere."""
        if not self.metadata:
            return super().understood
        in_order = dump_json(load_json(self.metadata), sort_keys=True)
        return {**super().understood, "metadata": in_order}


class IdentificationData(EventData):
    partner_id: Id
    organization_id: Id
    quantity: Count = 1
    credits: Count | None = None


class UsageData(EventData):
    partner_id: Id
    organization_id: Id
    kind: Name
    quantity: Count


def _partner_fact(data: PartnerData, version: Version) -> PartnerConfigured:
    said = {name: getattr(data, name) for name in data.model_fields_set - {"partner_id"}}
    if data.pricing_tiers:
        tiers = data.pricing_tiers
        said["pricing_tiers"] = [[t.tier, t.price, t.min_usage, t.max_usage] for t in tiers]
    return PartnerConfigured(data.partner_id, version, said)


def _organization_fact(
    kind: OrganizationEventKind,
) -> Callable[[OrganizationIdData, Version], OrganizationEvent]:
    def fact(data: OrganizationIdData, version: Version) -> OrganizationEvent:
        fields = data.model_fields_set - {"partner_id", "organization_id"}
        said = {name: getattr(data, name) for name in fields}
        return OrganizationEvent(kind, data.partner_id, data.organization_id, version, said)

    return fact


def _identification_fact(data: IdentificationData, version: Version) -> UsageRecorded:
    return UsageRecorded(
        partner_id=data.partner_id,
        organization_id=data.organization_id,
        kind=None,
        quantity=data.quantity,
        credits=data.quantity if data.credits is None else data.credits,
        version=version,
    )


def _usage_fact(data: UsageData, version: Version) -> UsageRecorded:
    return UsageRecorded(
        partner_id=data.partner_id,
        organization_id=data.organization_id,
        kind=data.kind,
        quantity=data.quantity,
        credits=0,
        version=version,
    )


def _usage_type[D: EventData](
    name: str, data: type[D], fact: Callable[[D, Version], UsageRecorded]
) -> EventType[D, UsageRecorded]:
    return EventType(
        name,
        data,
        fact,
        reads_organization,
        decide_usage,
        count_alone=count_usage,
        tenant_field="partner_id",
        from_tenants=True,
    )


EVENT_TYPES: tuple[EventType[Any, Any], ...] = (
    EventType(
        "partner.configured",
        PartnerData,
        _partner_fact,
        reads_partner,
        decide_partner,
        tenant_field="partner_id",
    ),
    *(
        EventType(
            f"organization.{kind}",
            OrganizationIdData if kind is OrganizationEventKind.DELETED else OrganizationData,
            _organization_fact(kind),
            reads_organization,
            decide_organization,
            tenant_field="partner_id",
            from_tenants=True,
        )
        for kind in OrganizationEventKind
    ),
    _usage_type("identification.recorded", IdentificationData, _identification_fact),
    _usage_type("usage.recorded", UsageData, _usage_fact),
)
