"""What a provider carries from one statement to the next, and what is settled from a reserve.

Statements and releases of reserves take the balance one after the other, and are numbered in this
order: a statement deducts what is owed from what it pays, and so does a release.
"""

from __future__ import annotations

from dataclasses import dataclass

from tally.kernel.instants import Instant
from tally.kernel.money import Micros


@dataclass(frozen=True, slots=True)
class Carried:
    """A provider's balance in one currency: 0, or negative as long as the provider owes.

    `moves`: how many statements and releases took it, as far as they are numbered.
    """

    amount: Micros = 0
    moves: int = 0


@dataclass(frozen=True, slots=True)
class Release:
    """The end of a statement's reserve: what the provider owes is settled first, the rest paid.

    settled + paid_out = amount, and carried_over = carried_in + settled

    `number` is None for releases from before they were numbered, which settled nothing.
    """

    amount: Micros
    released_at: Instant
    carried_in: Micros = 0
    number: int | None = None

    @property
    def settled(self) -> Micros:
        return settled_by(self.amount, self.carried_in)

    @property
    def paid_out(self) -> Micros:
        return self.amount - self.settled

    @property
    def carried_over(self) -> Micros:
        return self.carried_in + self.settled


def settled_by(amount: Micros, carried_in: Micros) -> Micros:
    """How much of a released reserve the provider does not get, because it owes that much."""
    return min(amount, -carried_in)
