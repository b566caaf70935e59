"""What buyers may be said to have done: a search or an access, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from tally.access.items import tenant_key
from tally.activity.items import (
    access_attributes,
    key_of_access,
    key_of_search,
    key_of_text,
    rules_of,
    search_attributes,
    search_id_key,
    text_attributes,
)
from tally.activity.model import (
    AccessActivity,
    DatasetAccessed,
    SearchActivity,
    SearchPerformed,
    charge_for,
)
from tally.aws.draft import Draft, Item
from tally.catalog.items import dataset_from, dataset_key
from tally.kernel.events import AlreadyUsed, Door, Event, UnknownDataset
from tally.kernel.keys import Key
from tally.kernel.money import to_decimal
from tally.kernel.versions import Version
from tally.ledger.items import charge_attributes
from tally.ledger.model.entries import charged
from tally.ledger.posting import check_currency, months_to_import, post
from tally.wire.event_types import EventData, EventType
from tally.wire.fields import Amount, Currency, Id

type Charging = SearchPerformed | DatasetAccessed


class Allocation(EventData):
    dataset_id: Id
    amount: Amount


class SearchData(EventData):
    tenant_id: Id
    search_activity_id: Id | None = None
    query_text: Annotated[str, StringConstraints(max_length=10_000)]
    dataset_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    result_count: int = Field(ge=0, lt=2**31)
    charged_amount: Amount
    currency: Currency
    allocations: list[Allocation] | None = None

    @field_validator("search_activity_id")
    @classmethod
    def _not_one_that_tally_makes(cls, search_id: str | None) -> str | None:
        if search_id and re.fullmatch(r"sa_[0-9a-f]{24}", search_id):
            raise ValueError("must not be sa_ and 24 hex digits: Tally makes such ids itself")
        return search_id

    @field_validator("dataset_ids")
    @classmethod
    def _each_once(cls, dataset_ids: list[str]) -> list[str]:
        if len(set(dataset_ids)) < len(dataset_ids):
            raise ValueError("must name each dataset once")
        return dataset_ids

    @field_validator("allocations")
    @classmethod
    def _whole(
        cls, allocations: list[Allocation] | None, info: ValidationInfo
    ) -> list[Allocation] | None:
        if allocations is None or not {"dataset_ids", "charged_amount"} <= info.data.keys():
            return allocations  # the other fields' own errors come first
        named = [allocation.dataset_id for allocation in allocations]
        if len(set(named)) < len(named) or not set(named) <= set(info.data["dataset_ids"]):
            raise ValueError("must name datasets of dataset_ids, each at most once")
        allocated, charge = sum(a.amount for a in allocations), info.data["charged_amount"]
        if allocated != charge:
            raise ValueError(
                f"must sum exactly to charged_amount: {to_decimal(allocated)} is not "
                f"{to_decimal(charge)}"
            )
        return allocations


class AccessData(EventData):
    tenant_id: Id
    dataset_id: Id
    object_id: Id | None = None
    kind: Literal["retrieval", "download"]
    charged_amount: Amount
    currency: Currency


def _search_fact(data: SearchData, version: Version) -> SearchPerformed:
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


def _access_fact(data: AccessData, version: Version) -> DatasetAccessed:
    return DatasetAccessed(
        tenant_id=data.tenant_id,
        dataset_id=data.dataset_id,
        object_id=data.object_id,
        kind=data.kind,
        amount=data.charged_amount,
        currency=data.currency,
        time=version.time,
    )


def _datasets(fact: Charging) -> Sequence[str]:
    return fact.dataset_ids if isinstance(fact, SearchPerformed) else (fact.dataset_id,)


def _reads(fact: Charging) -> Iterable[Key]:
    yield from map(dataset_key, _datasets(fact))
    if isinstance(fact, SearchPerformed) and fact.search_activity_id:
        yield search_id_key(fact.tenant_id, fact.search_activity_id)


def _reads_history(event: Event[Charging], items: Mapping[Key, Item]) -> Iterable[Key]:
    datasets = [items.get(dataset_key(each)) for each in _datasets(event.fact)]
    providers = [dataset["tenant_id"] for dataset in datasets if dataset]
    return months_to_import(event, providers, event.fact.currency)


def _decide_search(event: Event[SearchPerformed], draft: Draft, door: Door) -> Mapping[str, Any]:
    fact = event.fact
    search_id = fact.search_activity_id
    if search_id:
        _use_id(event, search_id, draft)
    mark = _charge(event, "data.dataset_ids", draft, door)
    search = SearchActivity(
        tenant_id=fact.tenant_id,
        search_activity_id=search_id or f"sa_{event.digest[:24]}",
        query_text=fact.query_text,
        dataset_ids=fact.dataset_ids,
        result_count=fact.result_count,
        amount=fact.amount,
        currency=fact.currency,
        occurred_at=fact.time,
        entry_id=event.digest,
        accepted_at=door.now,
    )
    draft.create(key_of_search(search), search_attributes(search))
    tenant: Any = draft.read(tenant_key(fact.tenant_id))
    rules = rules_of(tenant)
    if rules.keeps(fact.time, door.now):
        text = text_attributes(fact.query_text, rules.expires_at(fact.time))
        draft.create(key_of_text(search), text)
    return mark


def _use_id(event: Event[SearchPerformed], search_id: str, draft: Draft) -> None:
    """AlreadyUsed if another event of the buyer gave this id to another search."""
    key = search_id_key(event.fact.tenant_id, search_id)
    used_by = draft.read(key)
    if used_by and used_by["entry_id"] != event.digest:
        field = "data.search_activity_id"
        raise AlreadyUsed(
            f"{field}: another search of this tenant has the id {search_id}; "
            "give each search an id of its own.",
            field=field,
        )
    draft.create(key, {"entry_id": event.digest})


def _decide_access(event: Event[DatasetAccessed], draft: Draft, door: Door) -> Mapping[str, Any]:
    fact = event.fact
    mark = _charge(event, "data.dataset_id", draft, door)
    access = AccessActivity(
        tenant_id=fact.tenant_id,
        dataset_id=fact.dataset_id,
        object_id=fact.object_id,
        kind=fact.kind,
        accessed_at=fact.time,
        entry_id=event.digest,
        accepted_at=door.now,
    )
    draft.create(key_of_access(access), access_attributes(access))
    return mark


def _charge(event: Event[Charging], field: str, draft: Draft, door: Door) -> Mapping[str, Any]:
    """Post what the event charges; the mark remembers the charge for refunds."""
    fact = event.fact
    check_currency(fact.tenant_id, fact.currency, draft)
    charge = charge_for(fact, _owners(event, field, draft))
    post(event, charge, lambda posting, months: charged(charge, posting, months), draft, door)
    return charge_attributes(charge)


def _owners(event: Event[Charging], field: str, draft: Draft) -> dict[str, str]:
    """Dataset -> whose it is; UnknownDataset if one did not exist at the time of the event."""
    owners = {}
    for dataset_id in _datasets(event.fact):
        item = draft.read(dataset_key(dataset_id))
        dataset = dataset_from(item) if item else None
        if dataset is None or not dataset.existed_at(event.time):
            raise UnknownDataset(f"{field}: dataset {dataset_id} does not exist.", field=field)
        owners[dataset_id] = dataset.tenant_id
    return owners


EVENT_TYPES = (
    EventType("search.performed", SearchData, _search_fact, _reads, _decide_search, _reads_history),
    EventType("dataset.accessed", AccessData, _access_fact, _reads, _decide_access, _reads_history),
)
