"""Datasets and objects, each the outcome of its events in any order of arrival.

Every field is a maximum over versions, so applying events commutes: that is what makes late and
re-ordered events harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tally.kernel.instants import Instant


class Version(NamedTuple):
    """Decides which of two events is the newer: time, then rank of the kind, then event id.

    `source` tells events of the same id apart; it names the sender too, if that is a tenant.
    """

    time: Instant
    rank: int
    event_id: str
    source: str


# At equal times the later in the life of a thing wins; a deletion wins over all.
RANKS: dict[str, int] = {
    "created": 0,
    "uploaded": 0,
    "approved": 1,
    "updated": 1,
    "rejected": 2,
    "indexed": 3,
    "deleted": 4,
}


def is_newer(version: Version | None, than: Version | None) -> bool:
    return version is not None and (than is None or version > than)


def newest(first: Version | None, second: Version | None) -> Version | None:
    return first if second is None or is_newer(first, second) else second


class VersionedField(NamedTuple):
    """`value` is None where it was said that there is none."""

    value: Any
    version: Version


type VersionedFields = Mapping[str, VersionedField]


def merged(
    registers: VersionedFields, said: Mapping[str, Any], version: Version
) -> VersionedFields:
    """What was said in this version, where nothing newer was; what it does not name stays."""
    newer = {
        name: VersionedField(value, version)
        for name, value in said.items()
        if name not in registers or version > registers[name].version
    }
    return {**registers, **newer}


def version_from(stored: list[Any] | None) -> Version | None:
    return None if stored is None else Version(*stored)
