"""The key of an item: what every subject's keys are made of."""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """Partition and sort key."""

    pk: str
    sk: str
