"""Objects that outlived their dataset's deletion: brought into its present epoch.

Only a deletion that arrives after newer events leaves any. The objects that are moved come back
over the stream and are counted like all others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.catalog.counters import DatasetTotals
from tally.catalog.items import OBJECT_PREFIX, dataset_key, object_key
from tally.catalog.model.datasets import Dataset
from tally.catalog.model.objects import CatalogObject, outlives
from tally.catalog.reads import get_dataset
from tally.counting.changes import Change
from tally.kernel.counters import Totals
from tally.kernel.errors import Unavailable
from tally.kernel.keys import Key
from tally.kernel.versions import version_from

OBJECTS_A_PAGE = 1_000
_ATTEMPTS = 50
_DECISIVE = ("PK", "SK", "uploaded", "deleted", "floor", "revision")

type Move = Callable[[Mapping[str, Any]], bool]
type Each = Callable[[Move, Iterable[Mapping[str, Any]]], Iterable[bool]]
"""`map`, or that of a pool of threads."""


class Looked(NamedTuple):
    """What became of a page of objects. `last` is the sort key of its last one; None at the end."""

    seen: int
    moved: int
    last: str | None


def look_through(
    table: Table, dataset: Dataset, *, after: str | None = None, each: Each = map
) -> Looked:
    """Move the survivors of a page of objects, behind the sort key `after`."""
    pk = dataset_key(dataset.dataset_id).pk
    page = list(
        table.query(
            pk,
            OBJECT_PREFIX,
            after=after,
            limit=OBJECTS_A_PAGE,
            consistent=True,
            attributes=_DECISIVE,
        )
    )
    survivors = [item for item in page if _outlives(item, dataset)]
    moved = sum(each(lambda item: _rescue(table, item, dataset), survivors))
    return Looked(len(page), moved, page[-1]["SK"] if len(page) == OBJECTS_A_PAGE else None)


def rescue_stale(table: Table, changes: Sequence[Change], ended: Collection[Totals]) -> None:
    """An object written while its dataset was being deleted may carry the epoch before."""
    of_datasets = {totals for totals in ended if isinstance(totals, DatasetTotals)}
    for each in changes:
        if isinstance(each.new, CatalogObject) and any(t in of_datasets for t, _ in each.deltas):
            key = object_key(each.new.dataset_id, each.new.object_id)
            item = table.get(key, consistent=True)
            dataset = get_dataset(table, each.new.dataset_id)
            if item and dataset:
                _rescue(table, item, dataset)


def _rescue(table: Table, item: Mapping[str, Any], dataset: Dataset | None) -> bool:
    """Whether the object was a survivor; then it is moved.

    Whoever wrote it meanwhile may have left it where it was: it is looked at again.
    """
    key = Key(item["PK"], item["SK"])
    for _ in range(_ATTEMPTS):
        if dataset is None or not _outlives(item, dataset):
            return False
        with suppress(Cancelled):
            table.write(_move(table, key, item, dataset))
            return True
        item = table.get(key, consistent=True) or {}
        dataset = get_dataset(table, dataset.dataset_id)
    raise Unavailable("Other writers keep changing the same object.")


def _outlives(item: Mapping[str, Any], dataset: Dataset) -> bool:
    """False for an item that makes no sense, too: it counts nowhere, and a recount names it."""
    try:
        of_item = {name: version_from(item.get(name)) for name in ("uploaded", "deleted", "floor")}
        return dataset.alive and "revision" in item and outlives(dataset.deleted, **of_item)
    except (TypeError, ValueError):
        return False


def _move(table: Table, key: Key, item: Mapping[str, Any], dataset: Dataset) -> Action:
    """All that changes is the deletion that the object knows of."""
    revision = item["revision"]
    return table.update(
        key,
        "SET #floor = :floor, #revision = :next",
        "#revision = :revision",
        names=("floor", "revision"),
        floor=dataset.deleted,
        next=revision + 1,
        revision=revision,
    )
