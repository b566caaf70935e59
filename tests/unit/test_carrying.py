"""What a provider owes is deducted from statements and from released reserves, each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tally.kernel.money import Micros
from tally.payouts.model.carrying import Carried, Release
from tally.payouts.model.statements import Statement, make_statement

NOW = "2026-04-01T06:00:00.000000000Z"
CENT = 10_000


@pytest.mark.parametrize(
    ("amount", "carried_in", "settled", "paid_out", "carried_over"),
    [
        (100, 0, 0, 100, 0),
        (100, -40, 40, 60, 0),
        (100, -100, 100, 0, 0),
        (100, -101, 100, 0, -1),
        (100, -700, 100, 0, -600),
    ],
)
def test_what_is_owed_is_settled_before_a_reserve_is_paid(
    amount: Micros, carried_in: Micros, settled: Micros, paid_out: Micros, carried_over: Micros
) -> None:
    released = Release(amount, NOW, carried_in, number=2)
    assert (released.settled, released.paid_out) == (settled, paid_out)
    assert released.carried_over == carried_over


# ------------------------------------------------------------------- any provider's life


@dataclass
class Provider:
    """Statements and releases one after the other, and what was paid and earned by then."""

    carried: Carried = field(default_factory=Carried)
    made: list[Statement] = field(default_factory=list)
    released: list[Release] = field(default_factory=list)
    reserves: list[Micros] = field(default_factory=list)

    @property
    def earned(self) -> Micros:
        return sum(each.earnings for each in self.made)

    @property
    def paid(self) -> Micros:
        paid_out = sum(each.paid_out for each in self.released)
        return paid_out + sum(each.released for each in self.made)

    def take(self, step: Step) -> None:
        if isinstance(step, int):
            self.release(step)
        else:
            gross, (fee_rate, reserve_rate) = step
            self.state(gross, fee_rate, reserve_rate)

    def state(self, gross: Micros, fee_rate: Decimal, reserve_rate: Decimal) -> None:
        made = make_statement(
            tenant_id="acme",
            period="2026-03",
            currency="USD",
            fee_rate=fee_rate,
            reserve_rate=reserve_rate,
            carried_in=self.carried.amount,
            number=self.carried.moves + 1,
            created_at=NOW,
            exact=gross,
        )
        self.made.append(made)
        self.carried = Carried(made.carried_over, self.carried.moves + 1)
        if made.held:
            self.reserves.append(made.held)

    def release(self, reserve: int) -> None:
        """Any of those that are held: statements made late release theirs late."""
        if self.reserves:
            amount = self.reserves.pop(reserve % len(self.reserves))
            released = Release(amount, NOW, self.carried.amount, self.carried.moves + 1)
            self.released.append(released)
            self.carried = Carried(released.carried_over, self.carried.moves + 1)


rates = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(
    lambda drawn: (Decimal(drawn[0]) / 100, Decimal(min(drawn[1], 100 - drawn[0])) / 100)
)
amounts = st.one_of(st.integers(-20, 20), st.integers(-(10**6), 10**6)).map(lambda n: n * CENT // 2)
# A month's gross with its rates, or the number of a reserve that is due.
type Step = tuple[Micros, tuple[Decimal, Decimal]] | int
steps: st.SearchStrategy[Step] = st.one_of(st.tuples(amounts, rates), st.integers(0, 9))

DEFAULT_RATES = (Decimal("0.3"), Decimal("0.1"))
# All of what was earned is refunded before the reserve is due.
REFUNDED: list[Step] = [(1000 * 10**6, DEFAULT_RATES), (-1000 * 10**6, DEFAULT_RATES), 0]


@given(st.lists(steps, max_size=12))
@example(REFUNDED)
def test_nothing_is_paid_that_was_not_earned(life: list[Step]) -> None:
    provider = Provider()
    for step in life:
        paid_before = provider.paid
        provider.take(step)
        # Paid or owed, held, or carried: at every moment all that was earned is one of these.
        still_held = sum(provider.reserves)
        assert provider.paid + still_held + provider.carried.amount == provider.earned
        assert provider.carried.amount <= 0
        # A payment never brings what was paid above what is earned by then, and takes nothing back.
        paid_now = provider.paid - paid_before
        assert paid_now >= 0
        assert paid_now == 0 or provider.paid <= provider.earned
        assert paid_now == 0 or provider.carried.amount == 0
    while provider.reserves:
        provider.release(0)
    assert provider.paid + provider.carried.amount == provider.earned
    assert provider.carried.amount or provider.paid == provider.earned
    assert provider.carried.moves == len(provider.made) + len(provider.released)


def test_a_reserve_of_a_provider_that_owes_is_not_paid() -> None:
    """Otherwise 700 would have been paid to one who earned nothing in all."""
    provider = Provider()
    for step in REFUNDED:
        provider.take(step)
    assert (provider.earned, provider.paid, provider.reserves) == (0, 600 * 10**6, [])
    assert provider.carried == Carried(-600 * 10**6, moves=3)
