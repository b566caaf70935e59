"""Counters against their sources: what a tenant's counters should be, what they are, and repair.

A recount looks twice: a change that is still on its way over the stream is no drift.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tally.domain.catalog import Dataset
from tally.domain.charges import EntrySide, SpendKind
from tally.domain.counting import (
    AccessTotals,
    BuyerTotals,
    DatasetTotals,
    Deltas,
    PartnerTotals,
    ProviderTotals,
    SpendTotals,
    UsageTotals,
    contribution,
    epoch_of,
    rolled_up,
    total,
)
from tally.domain.usage import Usage
from tally.store import keys
from tally.store.activity import accessed_row
from tally.store.catalog import catalog_record_from, objects_of
from tally.store.keys import Key
from tally.store.ledger import entries, periods
from tally.store.partners import organizations_of
from tally.store.table import Cancelled, Table
from tally.store.usage import counted_usage, usage_entries

_PROVIDER_FIELDS = ("datasets", "objects", "bytes", "pending_review", "approved", "rejected")
_DATASET_FIELDS = ("objects", "bytes", "pending_review", "approved", "rejected", "active")
_PARTNER_FIELDS = ("organizations", "active")
_API_KEY_FIELDS = ("api_keys", "active_api_keys")


@dataclass(frozen=True, slots=True)
class Drift:
    """A counter's field that is not what its sources add up to; None for text that is absent."""

    counter: Key
    field: str
    stored: int | str | None
    expected: int | str

    def __str__(self) -> str:
        counter = " / ".join(self.counter)
        return f"{counter}: {self.field} is {self.stored}, its sources say {self.expected}"


def recount(
    table: Table,
    tenant_id: str,
    *,
    pause_s: float = 5,
    sleep: Callable[[float], None] = time.sleep,
    looks: int = 10,
) -> list[Drift]:
    """The drift that two looks in a row agree on; RuntimeError if the tenant never rests."""
    before = set(_look(table, tenant_id))
    for _ in range(looks):
        if not before:
            return []
        sleep(pause_s)
        now = set(_look(table, tenant_id))
        if now == before:
            return sorted(now, key=lambda drift: (drift.counter, drift.field))
        before = now
    raise RuntimeError(f"{tenant_id} changes all the time; recount it when it is quieter")


def repair(table: Table, drifts: list[Drift]) -> int:
    """Set what is wrong, if the counter still is what was read; how many fields were mended."""
    mended = 0
    for drift in drifts:
        conditions = [] if drift.stored is None else ["#field = :stored"]
        if not drift.stored:  # a counter that was never written counts as 0
            conditions.append("attribute_not_exists(#field)")
        action = table.update(
            drift.counter,
            "SET #field = :expected",
            " OR ".join(conditions),
            expected=drift.expected,
            stored=drift.stored,
        )
        action["Update"]["ExpressionAttributeNames"] = {"#field": drift.field}
        try:
            table.transact([action])
        except Cancelled:
            continue  # counted on meanwhile: the next recount tells
        mended += 1
    return mended


def all_tenants(table: Table) -> Iterator[str]:
    """Every tenant, by reading the whole table: for an operator, never for a request."""
    pages = table.client.get_paginator("scan").paginate(
        TableName=table.name,
        FilterExpression="SK = :sk",
        ExpressionAttributeValues={":sk": {"S": "TENANT"}},
        ProjectionExpression="tenant_id",
    )
    for page in pages:
        for item in page["Items"]:
            yield item["tenant_id"]["S"]


def _look(table: Table, tenant_id: str) -> Iterator[Drift]:
    expected: list[Deltas] = []
    for dataset in _datasets(table, tenant_id):
        objects = _objects(table, dataset)
        present = DatasetTotals(tenant_id, dataset.dataset_id, epoch_of(dataset.deleted))
        of_dataset = {field: objects[present, field] for field in _DATASET_FIELDS}
        yield from _compare(table, keys.totals(present), of_dataset)
        expected += [contribution(dataset), objects]
    sums = rolled_up(total(expected))
    provider = ProviderTotals(tenant_id)
    of_provider = {field: sums[provider, field] for field in _PROVIDER_FIELDS}
    yield from _compare(table, keys.totals(provider), of_provider)
    yield from _compare(table, keys.api_key_totals(tenant_id), _api_keys(table, tenant_id))
    yield from _look_at_activity(table, tenant_id)
    yield from _look_at_partner(table, tenant_id)
    for period in periods(table):
        spend = SpendTotals(tenant_id, period)
        yield from _compare(table, keys.totals(spend), _spend(table, tenant_id, period))


def _look_at_activity(table: Table, tenant_id: str) -> Iterator[Drift]:
    pk = keys.searches_pk(tenant_id)
    searches = sum(1 for _ in table.query(pk, consistent=True, attributes=("entry_id",)))
    accesses: Counter[str] = Counter()
    latest: dict[str, str] = {}
    for item in table.query(
        keys.accesses_pk(tenant_id), consistent=True, attributes=("dataset_id", "accessed_at")
    ):
        dataset_id = item["dataset_id"]
        accesses[dataset_id] += 1
        latest[dataset_id] = max(latest.get(dataset_id, ""), item["accessed_at"])
    of_buyer = {"searches": searches, "accessed_datasets": len(accesses)}
    yield from _compare(table, keys.totals(BuyerTotals(tenant_id)), of_buyer)
    tenant_pk = keys.tenant(tenant_id).pk
    for item in table.query(tenant_pk, keys.ACCESSED_PREFIX, consistent=True):
        accesses.setdefault(item["dataset_id"], 0)
    for dataset_id, count in sorted(accesses.items()):
        totals = AccessTotals(tenant_id, dataset_id)
        expected: dict[str, int | str] = {"accesses": count}
        if count:
            expected |= accessed_row(totals, latest[dataset_id])
        yield from _compare(table, keys.totals(totals), expected)


def _look_at_partner(table: Table, partner_id: str) -> Iterator[Drift]:
    organizations = total(contribution(each) for each in organizations_of(table, partner_id))
    usage = total(contribution(entry) for entry in usage_entries(table, partner_id))
    partner = PartnerTotals(partner_id)
    of_partner = {field: organizations[partner, field] for field in _PARTNER_FIELDS}
    yield from _compare(table, keys.totals(partner), of_partner)
    used = {totals for totals, _ in usage if isinstance(totals, UsageTotals)}
    used |= set(counted_usage(table, partner_id))
    for totals in sorted(used, key=keys.totals):
        of_bucket = {field: usage[totals, field] for field in Usage._fields}
        yield from _compare(table, keys.totals(totals), of_bucket)


def _spend(table: Table, tenant_id: str, period: str) -> Mapping[str, int]:
    spend: Counter[str] = Counter({kind.value: 0 for kind in SpendKind})
    for entry in entries(table, tenant_id, period, EntrySide.DEBIT):
        spend[entry.posting.kind.value] += entry.amount
    return spend


def _datasets(table: Table, tenant_id: str) -> Iterator[Dataset]:
    pk = keys.tenant(tenant_id).pk
    for item in table.query(pk, keys.TENANT_DATASET_PREFIX, consistent=True):
        stored = table.get(keys.dataset(item["dataset_id"]), consistent=True)
        record = stored and catalog_record_from(stored)
        if isinstance(record, Dataset):
            yield record


def _objects(table: Table, dataset: Dataset) -> Deltas:
    """What the objects of a dataset amount to by the rule itself, not by the epoch they carry."""
    if not dataset.alive:
        return total([])
    return total(
        contribution(record.moved_to(dataset.deleted))
        for record, _ in objects_of(table, dataset.dataset_id)
    )


def _api_keys(table: Table, tenant_id: str) -> Mapping[str, int]:
    listed = list(table.query(keys.tenant(tenant_id).pk, keys.API_KEY_PREFIX, consistent=True))
    active = sum("revoked_at" not in item for item in listed)
    return dict(zip(_API_KEY_FIELDS, (len(listed), active), strict=True))


def _compare(table: Table, counter: Key, expected: Mapping[str, int | str]) -> Iterator[Drift]:
    stored: Mapping[str, Any] = table.get(counter, consistent=True) or {}
    for field, right in expected.items():
        found = stored.get(field, 0 if isinstance(right, int) else None)
        if found != right:
            yield Drift(counter, field, found, right)
