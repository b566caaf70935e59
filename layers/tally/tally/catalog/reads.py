"""What the dashboards, the counting and recounts read of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tally.aws.table import Table
from tally.catalog.counters import DatasetTotals, ProviderTotals, epoch_of, present_epoch
from tally.catalog.items import (
    OBJECT_PREFIX,
    dataset_from,
    dataset_key,
    owned_dataset_key,
)
from tally.catalog.model.datasets import Dataset
from tally.kernel.counters import sum_of_parts
from tally.kernel.keys import Key


def provider_totals(table: Table, tenant_id: str) -> Mapping[str, int]:
    """Field -> count, in one call; fields that were never counted are absent."""
    totals = ProviderTotals(tenant_id)
    return sum_of_parts(totals, table.query(*totals.key))


def get_dataset(table: Table, dataset_id: str) -> Dataset | None:
    """Read consistently."""
    item = table.get(dataset_key(dataset_id), consistent=True)
    return dataset_from(item) if item else None


def dataset_with_totals(table: Table, dataset_id: str) -> tuple[Dataset, Mapping[str, int]] | None:
    """A dataset and the counters of its present epoch; None if there is no such dataset.

    In one Query if it was never deleted, else in one call more, however often it was.
    """
    key, first_epoch = dataset_key(dataset_id), DatasetTotals("", dataset_id, epoch_of(None)).key
    both = key.sk, first_epoch.sk  # nothing is stored between them
    found = {item["SK"]: item for item in table.query(key.pk, between=both)}
    if key.sk not in found:
        return None
    dataset = dataset_from(found[key.sk])
    present = present_epoch(dataset).key
    totals = found.get(present.sk) if present == first_epoch else table.get(present)
    return dataset, totals or {}


def dataset_names(table: Table, dataset_ids: Sequence[str]) -> dict[str, str]:
    """Dataset -> its present name; each must exist."""
    found = table.get_many([dataset_key(dataset_id) for dataset_id in dataset_ids])
    return {dataset_id: found[dataset_key(dataset_id)]["name"] for dataset_id in dataset_ids}


def datasets_of(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    """The items of all datasets that a tenant ever owned, read consistently."""
    first = owned_dataset_key(tenant_id, "")
    for owned in table.query(*first, consistent=True):
        item = table.get(dataset_key(owned["dataset_id"]), consistent=True)
        if item:
            yield item


def unended_epochs(
    table: Table, tenant_id: str
) -> Iterator[tuple[DatasetTotals, Mapping[str, Any]]]:
    """The counters of former epochs that a deletion, still on its way, has yet to end."""
    for item in datasets_of(table, tenant_id):
        present = present_epoch(dataset_from(item))
        first = replace(present, epoch="").key
        for stored in table.query(first.pk, first.sk, consistent=True):
            if stored["SK"] != present.key.sk and "ended" not in stored:
                yield replace(present, epoch=stored["SK"].removeprefix(first.sk)), stored


def ended_epochs(table: Table, dataset_id: str) -> Iterator[Key]:
    """The keys of the counters that deletions of a dataset have ended; nothing reads them again."""
    first = DatasetTotals("", dataset_id, "").key
    for stored in table.query(*first, consistent=True):
        if "ended" in stored:
            yield Key(stored["PK"], stored["SK"])


def object_items_of(table: Table, dataset_id: str) -> Iterator[Mapping[str, Any]]:
    """The items of all objects ever named in a dataset, read consistently."""
    yield from table.query(dataset_key(dataset_id).pk, OBJECT_PREFIX, consistent=True)
