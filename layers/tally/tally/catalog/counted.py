"""The catalogue's counted records and its counters, as counting and recounts find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tally.aws.table import Table
from tally.catalog.counters import (
    DatasetTotals,
    ProviderTotals,
    dataset_contribution,
    object_contribution,
    present_epoch,
)
from tally.catalog.items import (
    DATASET_SK,
    OBJECT_PREFIX,
    dataset_from,
    object_attributes,
    object_from,
)
from tally.catalog.model.datasets import Dataset
from tally.catalog.model.objects import CatalogObject
from tally.catalog.reads import datasets_of, object_items_of
from tally.kernel.counted import UNSETTLED, CountedRecord, CounterKind


def _objects(table: Table, tenant_id: str) -> Iterator[Mapping[str, Any]]:
    """All that count, in the present epoch of their dataset, whichever they carry."""
    for item in datasets_of(table, tenant_id):
        dataset = dataset_from(item)
        if dataset.alive:
            for each in object_items_of(table, dataset.dataset_id):
                try:
                    stored = object_from(each)
                    moved = stored.moved_to(dataset.deleted)
                except (KeyError, TypeError, ValueError):
                    yield each  # who reads it will find out
                else:
                    yield {**each, **object_attributes(moved), UNSETTLED: moved != stored}


def _present_epochs(table: Table, tenant_id: str) -> Iterator[DatasetTotals]:
    for item in datasets_of(table, tenant_id):
        yield present_epoch(dataset_from(item))


COUNTED = (
    CountedRecord(
        Dataset,
        DATASET_SK,
        dataset_from,
        dataset_contribution,
        (ProviderTotals,),
        datasets_of,
        changes=True,
    ),
    CountedRecord(
        CatalogObject,
        OBJECT_PREFIX,
        object_from,
        object_contribution,
        (DatasetTotals, ProviderTotals),
        _objects,
        changes=True,
    ),
)
COUNTERS = (
    CounterKind(ProviderTotals, lambda _, tenant_id: [ProviderTotals(tenant_id)]),
    CounterKind(DatasetTotals, _present_epochs),
)
