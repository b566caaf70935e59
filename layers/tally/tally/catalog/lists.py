"""The list of a provider's datasets, newest first, and the places of those from before it.

A place is written in the transaction that changes its dataset; what a dataset holds is read from
the counters of its present epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tally.aws.pages import Page, cut
from tally.aws.retries import pauses
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.catalog.counters import DatasetTotals, present_epoch
from tally.catalog.items import (
    dataset_from,
    dataset_key,
    key_of_place,
    listed_dataset_key,
    listed_datasets_pk,
    listing_attributes,
)
from tally.catalog.reads import datasets_of, provider_totals
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant
from tally.kernel.keys import Key


class DatasetPosition(NamedTuple):
    """A place in a provider's list of datasets. No dataset needs to be there."""

    created_at: Instant
    dataset_id: str


@dataclass(frozen=True, slots=True)
class ListedDataset:
    """A dataset that is not deleted, with what it holds."""

    dataset_id: str
    name: str
    created_at: Instant
    objects: int
    active: int
    storage_bytes: int


def list_datasets(
    table: Table, tenant_id: str, *, limit: int, after: DatasetPosition | None = None
) -> Page[ListedDataset, DatasetPosition]:
    """A page of a provider's datasets that are not deleted, newest first, in three calls."""
    places = table.query(
        listed_datasets_pk(tenant_id),
        after=after and listed_dataset_key(tenant_id, *after).sk,
        limit=limit + 1,
        newest_first=True,
        consistent=True,
    )
    shown, more = cut(list(places), limit)
    counters = [_counter(tenant_id, place) for place in shown]
    counted = table.get_many(counters)
    rows = [
        _listed(place, counted.get(counter, {}))
        for place, counter in zip(shown, counters, strict=True)
    ]
    total = provider_totals(table, tenant_id).get("datasets", 0)
    return Page(rows, total, more, lambda row: DatasetPosition(row.created_at, row.dataset_id))


def _counter(tenant_id: str, place: Mapping[str, Any]) -> Key:
    return DatasetTotals(tenant_id, place["dataset_id"], place["epoch"]).key


def _listed(place: Mapping[str, Any], totals: Mapping[str, int]) -> ListedDataset:
    return ListedDataset(
        dataset_id=place["dataset_id"],
        name=place["name"],
        created_at=place["created_at"],
        objects=totals.get("objects", 0),
        active=totals.get("active", 0),
        storage_bytes=totals.get("bytes", 0),
    )


# ------------------------------------------------------------------ from before the list


def list_existing(table: Table, tenant_id: str) -> int:
    """Give each dataset of a tenant its place in the list, and no other. How many places were
    missing or wrong. May be repeated at any time, also while datasets change."""
    missing = sum(_place(table, item["dataset_id"]) for item in datasets_of(table, tenant_id))
    places = table.query(listed_datasets_pk(tenant_id), consistent=True)
    return missing + sum(_leave_if_stale(table, place) for place in places)


def _place(table: Table, dataset_id: str) -> bool:
    """Put a dataset into its place. Whether it was not there as it should be."""

    def correct(item: Mapping[str, Any]) -> Action | None:
        dataset = dataset_from(item)
        if not dataset.alive:
            return None
        place = listing_attributes(dataset, present_epoch(dataset).epoch)
        stored = table.get(key_of_place(dataset), consistent=True)
        if stored and place.items() <= stored.items():
            return None
        return table.put(key_of_place(dataset), place)

    return _unless_it_changes(table, dataset_id, correct)


def _leave_if_stale(table: Table, place: Mapping[str, Any]) -> bool:
    """Delete a place that its dataset does not have any more. Whether it was one."""
    key = Key(place["PK"], place["SK"])

    def correct(item: Mapping[str, Any]) -> Action | None:
        dataset = dataset_from(item)
        return None if dataset.alive and key_of_place(dataset) == key else table.delete(key)

    return _unless_it_changes(table, place["dataset_id"], correct)


def _unless_it_changes(
    table: Table, dataset_id: str, correct: Callable[[Mapping[str, Any]], Action | None]
) -> bool:
    """Write what `correct` makes of a dataset's item, on condition that this stays as it is.
    Whether there was anything to write."""
    key = dataset_key(dataset_id)
    for pause in pauses():
        item = table.get(key, consistent=True)
        action = correct(item) if item else None
        if action is None or item is None:
            return False
        unchanged = table.check(key, "revision = :revision", revision=item["revision"])
        try:
            table.transact([unchanged, action])
        except Cancelled:
            table.sleep(pause)
        else:
            return True
    raise Unavailable("Other writers keep changing this dataset; run the command again.")
