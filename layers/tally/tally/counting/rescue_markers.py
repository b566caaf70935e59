"""What the markers of rescues say: for recounts, which need nothing else of rescues or counting."""

from __future__ import annotations

from collections.abc import Iterator

from tally.aws.table import Table
from tally.catalog.counters import epoch_of
from tally.catalog.items import dataset_from, dataset_key
from tally.catalog.reads import datasets_of
from tally.counting.items import RESCUE_PREFIX, rescue_key
from tally.kernel.keys import Key

DONE = "done"
"""The attribute of a rescue's marker that says it has come to its end."""


def under_way(table: Table, tenant_id: str) -> Iterator[str]:
    """The datasets of a tenant whose objects are being rescued, or wait for that. A rescue that is
    not due any more has nothing left to do, whatever its marker says."""
    for item in datasets_of(table, tenant_id):
        dataset = dataset_from(item)
        due = rescue_key(dataset.dataset_id, epoch_of(dataset.deleted), "").sk
        if dataset.alive and any(
            marker.sk.startswith(due) for marker in markers_of(table, dataset.dataset_id)
        ):
            yield dataset.dataset_id


def markers_of(table: Table, dataset_id: str) -> Iterator[Key]:
    """Of what is not done."""
    pk = dataset_key(dataset_id).pk
    for item in table.query(pk, RESCUE_PREFIX, consistent=True):
        if DONE not in item:
            yield Key(item["PK"], item["SK"])
