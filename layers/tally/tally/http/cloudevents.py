"""CloudEvents 1.0 in JSON -> events as Tally understands them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from tally.domain.billing import PartnerConfigured, PricingTier, arranged
from tally.domain.catalog import (
    RANKS,
    DatasetEvent,
    DatasetEventKind,
    ObjectEvent,
    ObjectEventKind,
    Version,
)
from tally.domain.charges import ChargeRefunded, DatasetAccessed, SearchPerformed
from tally.domain.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from tally.domain.events import Event, Fact, InvalidEvent
from tally.domain.instants import Instant, plus
from tally.domain.money import to_decimal
from tally.domain.organizations import (
    OrganizationEvent,
    OrganizationEventKind,
)
from tally.domain.usage import UsageRecorded
from tally.http.fields import Amount, Currency, Id, JsonObject, Name, Timestamp, message_of
from tally.http.json import dump_json, load_json, media_type

MOST_EVENTS = 100
MOST_BYTES = 1024 * 1024
_MOST_AHEAD = timedelta(minutes=5)

_ONE = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_EITHER = "application/json"

_Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


def _no_control_characters(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("must not have control characters")
    return text


_Identity = Annotated[_Text, AfterValidator(_no_control_characters)]


class _Model(BaseModel):
    # Built when the first event of its type comes: few processes see them all.
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, defer_build=True)

    @property
    def understood(self) -> Mapping[str, Any]:
        """What makes an event another one than one of the same id."""
        return self.model_dump(mode="json", exclude_none=True)


class _Envelope(_Model):
    specversion: Literal["1.0"]
    id: _Identity
    source: _Identity
    type: _Text
    time: Timestamp
    data: dict[str, Any]


class _DatasetData(_Model):
    tenant_id: Id
    dataset_id: Id


class _NamedDatasetData(_DatasetData):
    name: Name


class _ObjectData(_DatasetData):
    object_id: Id


class _UploadData(_ObjectData):
    size_bytes: int = Field(ge=0, lt=2**63)


class _Allocation(_Model):
    dataset_id: Id
    amount: Amount


class _SearchData(_Model):
    tenant_id: Id
    search_activity_id: Id | None = None
    query_text: Annotated[str, StringConstraints(max_length=10_000)]
    dataset_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    result_count: int = Field(ge=0, lt=2**31)
    charged_amount: Amount
    currency: Currency
    allocations: list[_Allocation] | None = None

    @field_validator("dataset_ids")
    @classmethod
    def _each_once(cls, dataset_ids: list[str]) -> list[str]:
        if len(set(dataset_ids)) < len(dataset_ids):
            raise ValueError("must name each dataset once")
        return dataset_ids

    @field_validator("allocations")
    @classmethod
    def _whole(
        cls, allocations: list[_Allocation] | None, info: ValidationInfo
    ) -> list[_Allocation] | None:
        if allocations is None or not {"dataset_ids", "charged_amount"} <= info.data.keys():
            return allocations  # the other fields' own errors come first
        named = [allocation.dataset_id for allocation in allocations]
        if len(set(named)) < len(named) or not set(named) <= set(info.data["dataset_ids"]):
            raise ValueError("must name datasets of dataset_ids, each at most once")
        allocated, charged = sum(a.amount for a in allocations), info.data["charged_amount"]
        if allocated != charged:
            raise ValueError(
                f"must sum exactly to charged_amount: {to_decimal(allocated)} is not "
                f"{to_decimal(charged)}"
            )
        return allocations


class _AccessData(_Model):
    tenant_id: Id
    dataset_id: Id
    object_id: Id | None = None
    kind: Literal["retrieval", "download"]
    charged_amount: Amount
    currency: Currency


class _ChargeEvent(_Model):
    source: _Identity
    id: _Identity


class _RefundData(_Model):
    tenant_id: Id
    charge_event: _ChargeEvent
    amount: Amount
    currency: Currency
    reason: Annotated[str, StringConstraints(max_length=1000)] | None = None


_MOST_COUNT = 10**12
_Count = Annotated[int, Field(ge=0, lt=_MOST_COUNT)]


def _tier(value: object) -> str | int:
    """A name or a number. A union of types would blame `tier.constrained-str` for a wrong one."""
    if isinstance(value, str) and re.fullmatch(r"[^\ud800-\udfff]{1,64}", value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_COUNT:
        return value
    raise ValueError("must be a text of 1 to 64 characters or an integer from 0 to below 10^12")


class _Said(_Model):
    """A field that is absent is left as it is; one that is null is set to what it is at first."""

    @property
    def understood(self) -> Mapping[str, Any]:
        fields = self.model_dump(mode="json")
        return {name: fields[name] for name in sorted(self.model_fields_set)}


class _PricingTierData(_Model):
    tier: Annotated[str | int, BeforeValidator(_tier)]
    price: Amount = Field(
        validation_alias=AliasChoices("price_per_identification", "pricePerIdentification")
    )
    min_usage: _Count = Field(validation_alias=AliasChoices("min_usage", "minUsage"))
    max_usage: _Count | None = Field(
        default=None, validation_alias=AliasChoices("max_usage", "maxUsage")
    )


class _PartnerData(_Said):
    partner_id: Id
    credit_pool_total: _Count
    billing_mode: Id | None = None
    billing_day_of_month: Annotated[int, Field(ge=1, le=28)] | None = None
    pricing_tiers: Annotated[list[_PricingTierData], Field(max_length=50)] | None = None
    currency: Currency | None = None

    @field_validator("pricing_tiers")
    @classmethod
    def _in_order(cls, tiers: list[_PricingTierData] | None) -> list[_PricingTierData] | None:
        if not tiers:
            return tiers
        given = [PricingTier(t.tier, t.price, t.min_usage, t.max_usage) for t in tiers]
        sent = dict(zip(given, tiers, strict=True))
        return [sent[tier] for tier in arranged(given)]


class _OrganizationId(_Said):
    partner_id: Id
    organization_id: Id


class _OrganizationData(_OrganizationId):
    name: Name
    external_id: Name | None = None
    status: Literal["active", "suspended", "canceled"] | None = None
    tier: Literal["trial", "paid"] | None = None
    credits: _Count | None = None
    metadata: JsonObject | None = None

    @property
    def understood(self) -> Mapping[str, Any]:
        """The order of an object's keys is spelling, in metadata as elsewhere."""
        if not self.metadata:
            return super().understood
        in_order = dump_json(load_json(self.metadata), sort_keys=True)
        return {**super().understood, "metadata": in_order}


class _IdentificationData(_Model):
    partner_id: Id
    organization_id: Id
    quantity: _Count = 1
    credits: _Count | None = None


class _UsageData(_Model):
    partner_id: Id
    organization_id: Id
    kind: Name
    quantity: _Count


def _partner_fact(data: Any, version: Version) -> Fact:
    said = {name: getattr(data, name) for name in data.model_fields_set - {"partner_id"}}
    if data.pricing_tiers:
        tiers = data.pricing_tiers
        said["pricing_tiers"] = [[t.tier, t.price, t.min_usage, t.max_usage] for t in tiers]
    return PartnerConfigured(data.partner_id, version, said)


def _organization_fact(kind: OrganizationEventKind) -> Callable[[Any, Version], Fact]:
    def fact(data: Any, version: Version) -> Fact:
        fields = data.model_fields_set - {"partner_id", "organization_id"}
        said = {name: getattr(data, name) for name in fields}
        return OrganizationEvent(kind, data.partner_id, data.organization_id, version, said)

    return fact


def _identification_fact(data: Any, version: Version) -> Fact:
    return UsageRecorded(
        partner_id=data.partner_id,
        organization_id=data.organization_id,
        kind=None,
        quantity=data.quantity,
        credits=data.quantity if data.credits is None else data.credits,
        version=version,
    )


def _usage_fact(data: Any, version: Version) -> Fact:
    return UsageRecorded(
        partner_id=data.partner_id,
        organization_id=data.organization_id,
        kind=data.kind,
        quantity=data.quantity,
        credits=0,
        version=version,
    )


def _search_fact(data: Any, version: Version) -> Fact:
    return SearchPerformed(
        tenant_id=data.tenant_id,
        search_activity_id=data.search_activity_id,
        query_text=data.query_text,
        dataset_ids=tuple(data.dataset_ids),
        result_count=data.result_count,
        amount=data.charged_amount,
        currency=data.currency,
        allocations={a.dataset_id: a.amount for a in data.allocations or ()},
        time=version.time,
    )


def _access_fact(data: Any, version: Version) -> Fact:
    return DatasetAccessed(
        tenant_id=data.tenant_id,
        dataset_id=data.dataset_id,
        object_id=data.object_id,
        kind=data.kind,
        amount=data.charged_amount,
        currency=data.currency,
        time=version.time,
    )


def _refund_fact(data: Any, version: Version) -> Fact:
    return ChargeRefunded(
        tenant_id=data.tenant_id,
        charge_source=data.charge_event.source,
        charge_id=data.charge_event.id,
        amount=data.amount,
        currency=data.currency,
        time=version.time,
    )


def _dataset_fact(kind: DatasetEventKind) -> Callable[[Any, Version], Fact]:
    return lambda data, version: DatasetEvent(kind=kind, version=version, **data.model_dump())


def _object_fact(kind: ObjectEventKind) -> Callable[[Any, Version], Fact]:
    return lambda data, version: ObjectEvent(kind=kind, version=version, **data.model_dump())


type _Reader = tuple[type[_Model], Callable[[Any, Version], Fact]]

# Event type -> what its data must be, and the fact that it tells.
_TYPES: Mapping[str, _Reader] = {
    "dataset.created": (_NamedDatasetData, _dataset_fact(DatasetEventKind.CREATED)),
    "dataset.updated": (_NamedDatasetData, _dataset_fact(DatasetEventKind.UPDATED)),
    "dataset.deleted": (_DatasetData, _dataset_fact(DatasetEventKind.DELETED)),
    "object.uploaded": (_UploadData, _object_fact(ObjectEventKind.UPLOADED)),
    "object.approved": (_ObjectData, _object_fact(ObjectEventKind.APPROVED)),
    "object.rejected": (_ObjectData, _object_fact(ObjectEventKind.REJECTED)),
    "object.indexed": (_ObjectData, _object_fact(ObjectEventKind.INDEXED)),
    "object.deleted": (_ObjectData, _object_fact(ObjectEventKind.DELETED)),
    "search.performed": (_SearchData, _search_fact),
    "dataset.accessed": (_AccessData, _access_fact),
    "charge.refunded": (_RefundData, _refund_fact),
    "partner.configured": (_PartnerData, _partner_fact),
    "organization.created": (_OrganizationData, _organization_fact(OrganizationEventKind.CREATED)),
    "organization.updated": (_OrganizationData, _organization_fact(OrganizationEventKind.UPDATED)),
    "organization.deleted": (_OrganizationId, _organization_fact(OrganizationEventKind.DELETED)),
    "identification.recorded": (_IdentificationData, _identification_fact),
    "usage.recorded": (_UsageData, _usage_fact),
}

EVENT_TYPES = tuple(_TYPES)


def read_events(content_type: str, body: bytes) -> list[Any]:
    """A request's events, not yet looked into. Errors speak of the request as a whole."""
    if len(body) > MOST_BYTES:
        raise PayloadTooLarge("A request may hold at most 1 MiB; send fewer events at a time.")
    form = media_type(content_type)
    if form not in ("", _ONE, _BATCH, _EITHER):
        raise UnsupportedMediaType(f"Send events as {_ONE}, {_BATCH} or {_EITHER}.")
    document = load_json(body)
    if isinstance(document, dict) and form != _BATCH:
        return [document]
    if not isinstance(document, list) or form == _ONE:
        expected = {_ONE: "one event", _BATCH: "an array of events"}.get(
            form, "an event or an array of events"
        )
        raise InvalidRequest(f"The body must be {expected}.", field="body")
    if len(document) > MOST_EVENTS:
        raise PayloadTooLarge(
            f"A request may hold at most {MOST_EVENTS} events; this one has {len(document)}."
        )
    return document


def read_event(document: Any, now: Instant) -> Event:
    """One event of a request. InvalidEvent names the first field that is wrong, and how."""
    if not isinstance(document, dict):
        raise InvalidEvent("An event must be a JSON object.")
    envelope = _validate(_Envelope, document, "")
    if envelope.time > plus(now, _MOST_AHEAD):
        raise InvalidEvent("time: lies more than 5 minutes in the future", field="time")
    if envelope.type not in _TYPES:
        raise InvalidEvent(
            f"type: {envelope.type} is none of {', '.join(EVENT_TYPES)}", field="type"
        )
    model, fact = _TYPES[envelope.type]
    data = _validate(model, envelope.data, "data.")
    rank = RANKS.get(envelope.type.partition(".")[2], 0)
    version = Version(envelope.time, rank, envelope.id, envelope.source)
    understood = [envelope.type, envelope.time, data.understood]
    return Event(
        source=envelope.source,
        event_id=envelope.id,
        type=envelope.type,
        time=envelope.time,
        content=sha256(json.dumps(understood, sort_keys=True).encode()).hexdigest(),
        fact=fact(data, version),
    )


def _validate[M: _Model](model: type[M], document: Mapping[str, Any], path: str) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = path + ".".join(map(str, first["loc"]))
        raise InvalidEvent(f"{field}: {message_of(first)}", field=field) from error
