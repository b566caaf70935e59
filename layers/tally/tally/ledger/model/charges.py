"""Charges: what a buyer owes, and to which providers it is owed, to the micro-unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tally.kernel.money import Micros


class SpendKind(StrEnum):
    SEARCH = "search"
    RETRIEVAL = "retrieval"


class Part(NamedTuple):
    """A dataset's share of a charge, what of it was refunded, and to whom it is owed."""

    dataset_id: str
    provider_id: str
    amount: Micros
    refunded: Micros = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as it stands after its refunds; its parts sum to it."""

    tenant_id: str
    kind: SpendKind
    currency: str
    parts: tuple[Part, ...]

    @property
    def left(self) -> Micros:
        """What can still be refunded."""
        return sum(part.amount - part.refunded for part in self.parts)
