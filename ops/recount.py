"""Counters against their sources: what a tenant's counters should be, what they are, and repair.

A recount looks twice: a change that is still on its way over the stream is no drift.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tally.domain.catalog import Dataset
from tally.domain.counting import (
    DatasetTotals,
    Deltas,
    ProviderTotals,
    contribution,
    epoch_of,
    rolled_up,
    total,
)
from tally.store import keys
from tally.store.catalog import catalog_record_from, objects_of
from tally.store.keys import Key
from tally.store.table import Cancelled, Table

_PROVIDER_FIELDS = ("datasets", "objects", "bytes", "pending_review", "approved", "rejected")
_DATASET_FIELDS = ("objects", "bytes", "pending_review", "approved", "rejected", "active")
_API_KEY_FIELDS = ("api_keys", "active_api_keys")


@dataclass(frozen=True, slots=True)
class Drift:
    """A counter's field that is not what its sources add up to."""

    counter: Key
    field: str
    stored: int
    expected: int

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
    """Add what is missing, if the counter still is what was read; how many fields were mended."""
    mended = 0
    for drift in drifts:
        action = table.add(drift.counter, {drift.field: drift.expected - drift.stored})
        update = action["Update"]
        update["ConditionExpression"] = (
            "#0 = :stored" if drift.stored else "attribute_not_exists(#0) OR #0 = :stored"
        )
        update["ExpressionAttributeValues"][":stored"] = {"N": str(drift.stored)}
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


def _compare(table: Table, counter: Key, expected: Mapping[str, int]) -> Iterator[Drift]:
    stored: Mapping[str, Any] = table.get(counter, consistent=True) or {}
    for field, amount in expected.items():
        if stored.get(field, 0) != amount:
            yield Drift(counter, field, stored.get(field, 0), amount)
