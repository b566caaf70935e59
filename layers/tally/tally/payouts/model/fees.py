"""What the platform keeps of a statement and what it holds back, and how amounts are rounded.

All arithmetic is exact, on integers and fractions. An amount is rounded once, half to even, to the
minor unit of its currency.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from tally.kernel.money import MICROS_PER_UNIT, Micros
from tally.payouts.model.currencies import minor_digits


def platform_fee(gross: Micros, fee_rate: Decimal, currency: str) -> Micros:
    """The platform's part of the gross. Negative for a negative gross: the fee is returned."""
    return round_to_minor(Fraction(fee_rate) * gross, currency)


def reserve(gross: Micros, reserve_rate: Decimal, currency: str) -> Micros:
    """The rate's part of the gross; 0 for a negative gross."""
    return max(0, round_to_minor(Fraction(reserve_rate) * gross, currency))


def held_back(gross: Micros, earnings: Micros, reserve_rate: Decimal, currency: str) -> Micros:
    """What is held back for later refunds: the reserve, but never more than was earned.

    Fee and reserve are each rounded, so that together they may exceed the gross by a minor unit.
    """
    return min(reserve(gross, reserve_rate, currency), max(0, earnings))


def round_to_minor(amount: Fraction, currency: str) -> Micros:
    """Micro-units, rounded half to even to the minor unit of the currency."""
    minor: int = MICROS_PER_UNIT // 10 ** minor_digits(currency)
    return round(amount / minor) * minor
