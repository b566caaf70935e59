"""What makes a change count once: something that is written with the counters, and only once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

from tally.aws.table import Table
from tally.aws.transactions import Action, FailedCondition
from tally.kernel.keys import Key

type Raw = Mapping[str, Any]
"""A stream record, as Lambda hands it over."""
type Reasons = Sequence[FailedCondition | None]


class Marking(Protocol):
    """The actions that mark some changes as counted, in one transaction with the counters."""

    @property
    def actions(self) -> Sequence[Action]: ...

    def written(self) -> None:
        """The transaction was committed."""

    def failed(self, reasons: Reasons) -> None:
        """It was cancelled. One reason for each action, None where its condition held."""


class Guard(Protocol):
    """Remembers which changes were counted."""

    def unmarked(self, raws: Sequence[Raw]) -> Sequence[Raw]:
        """Those that are not marked, as far as is known. Marking them fails if one is."""

    def marking(self, raws: Sequence[Raw]) -> Marking: ...

    def place_of(self, raw: Raw) -> Hashable:
        """What a change shares with those that are marked together with it."""


class Leaving:
    """Guards a change that is parked: it leaves the parking, which it can do only once."""

    def __init__(self, table: Table, parked: Key) -> None:
        self.actions = [table.delete(parked, "attribute_exists(PK)")]
        self._gone = False

    def unmarked(self, raws: Sequence[Raw]) -> Sequence[Raw]:
        return () if self._gone else raws

    def marking(self, raws: Sequence[Raw]) -> Marking:  # noqa: ARG002  there is one
        return self

    def place_of(self, raw: Raw) -> Hashable:
        return str(raw["eventID"])

    def written(self) -> None:
        self._gone = True

    def failed(self, reasons: Reasons) -> None:
        self._gone = any(reasons)
