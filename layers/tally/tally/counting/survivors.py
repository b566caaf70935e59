"""Objects that outlived their dataset's deletion: brought into its present epoch.

Only a deletion that arrives after newer events leaves any. The rewritten objects come back over
the stream and are counted like all others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.catalog.counters import DatasetTotals
from tally.catalog.items import object_attributes, object_from, object_key
from tally.catalog.model.datasets import Dataset
from tally.catalog.model.objects import CatalogObject
from tally.catalog.reads import get_dataset, object_items_of
from tally.counting.changes import Change
from tally.kernel.counters import Totals
from tally.kernel.errors import Unavailable

_ATTEMPTS = 50


def rescue_survivors(table: Table, dataset_id: str) -> int:
    """Bring all of a dataset's survivors into its present epoch; how many there were."""
    dataset = get_dataset(table, dataset_id)
    return sum(_rescue(table, item, dataset) for item in object_items_of(table, dataset_id))


def rescue_stale(table: Table, changes: Sequence[Change], ended: Collection[Totals]) -> None:
    """An object written while its dataset was being deleted may carry the epoch before."""
    of_datasets = {totals for totals in ended if isinstance(totals, DatasetTotals)}
    for each in changes:
        if isinstance(each.new, CatalogObject) and any(t in of_datasets for t, _ in each.deltas):
            key = object_key(each.new.dataset_id, each.new.object_id)
            item = table.get(key, consistent=True)
            if item:
                _rescue(table, item, get_dataset(table, each.new.dataset_id))


def _rescue(table: Table, item: Mapping[str, Any], dataset: Dataset | None) -> bool:
    """Whether the object was a survivor; then it is rewritten.

    Whoever wrote it meanwhile may have left it where it was: it is looked at again.
    """
    for _ in range(_ATTEMPTS):
        put = _moved(table, item, dataset)
        if put is None:
            return False
        with suppress(Cancelled):
            table.transact([put])
            return True
        record = object_from(item)
        item = table.get(object_key(record.dataset_id, record.object_id), consistent=True) or {}
        dataset = get_dataset(table, record.dataset_id)
    raise Unavailable("Other writers keep changing the same object.")


def _moved(table: Table, item: Mapping[str, Any], dataset: Dataset | None) -> Action | None:
    """The write that brings a survivor into its dataset's present epoch; None for any other."""
    if not item or dataset is None or not dataset.alive:
        return None
    record = object_from(item)
    moved = record.moved_to(dataset.deleted)
    if moved == record or moved.state is None:
        return None
    revision = item["revision"]
    key = object_key(record.dataset_id, record.object_id)
    attributes = object_attributes(moved) | {"revision": revision + 1}
    return table.put(key, attributes, "revision = :revision", revision=revision)
