"""The keys of markers, of parked changes and of rescues; what counters say beside their counts."""

from __future__ import annotations

from tally.catalog.items import dataset_key
from tally.kernel.instants import Instant
from tally.kernel.keys import Key

PARKED_PK = "PARKED"
RESCUE_PREFIX = "RESCUE#"

AS_OF = "as_of"
"""When a counter was repaired: it has every change made before, in Unix seconds."""
FILLED = "filled"
"""That a counter has what its backfill adds."""
ENDED = "ended"
"""That the epoch of a dataset's counter is over."""


def marker_key(record_id: str) -> Key:
    """`MARKER#{stream record id}` / `MARKER`: that a change was counted"""
    return Key(f"MARKER#{record_id}", "MARKER")


def marker_page_key(window: int, partition: str, page: int) -> Key:
    """`MARKERS#177538320#5e884898` / `PAGE#0000`: changes of ten seconds and a partition that were
    counted"""
    return Key(f"MARKERS#{window}#{partition}", f"PAGE#{page:04}")


def shared_markers_key() -> Key:
    """`MARKERS` / `SHARED`: since when changes share their markers"""
    return Key("MARKERS", "SHARED")


def parked_key(parked_at: Instant, record_id: str) -> Key:
    """`PARKED` / `2026-04-05T09:30:00.000000000Z#{stream record id}`"""
    return Key(PARKED_PK, f"{parked_at}#{record_id}")


def parked_at_of(parked_id: str) -> Instant:
    """When a record was parked, by the sort key that it has."""
    return parked_id.partition("#")[0]


def kind_of(reason: str) -> str:
    """Why a record was parked, without what the record says: `unreadable image`."""
    return reason.partition(":")[0]


def rescue_key(dataset_id: str, epoch: str, run: str) -> Key:
    """`DATASET#dset_1` / `RESCUE#2026-04-05T09:30:00.000000000Z-5e88489871e2#`: how far objects
    were moved into this epoch of their dataset; behind the last `#`, when it was asked for again"""
    return Key(dataset_key(dataset_id).pk, f"{RESCUE_PREFIX}{epoch}#{run}")
