"""Exact money: integer micro-units of a currency, and how they are split."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal

type Micros = int
"""Millionths of a currency's major unit."""


MICROS_PER_UNIT = 1_000_000


_MOST = 10**12


# More digits than any sum has; the usual 28 would round a trillion times the highest price.
_EXACT = Context(prec=100)


def parse_amount(amount: Decimal) -> Micros:
    """A non-negative amount below 10^12 with at most 6 decimals; ValueError says what is wrong."""
    if not amount.is_finite():
        raise ValueError("must be a finite number")
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -6:
        raise ValueError("must have at most 6 decimals")
    if amount < 0:
        raise ValueError("must not be negative")
    if amount >= _MOST:
        raise ValueError("must be below 10^12")
    return int(amount.scaleb(6))


def to_decimal(micros: Micros) -> Decimal:
    """Exact, with at least the two decimals of a price: 450000 -> 0.45, 3100 -> 0.0031."""
    amount = Decimal(micros).scaleb(-6, _EXACT).normalize(_EXACT)
    cents = amount.quantize(Decimal("0.01"), context=_EXACT)
    return cents if cents == amount else amount


def split(whole: Micros, weights: Mapping[str, int]) -> dict[str, Micros]:
    """Split by weights, by largest remainder with ties in the order of the names.

    The parts are not negative and sum to the whole: 5 by a, b, c alike -> 2, 2, 1.
    """
    return split_again(whole, weights, dict.fromkeys(weights, 0))


def split_again(
    whole: Micros, weights: Mapping[str, int], before: Mapping[str, Micros]
) -> dict[str, Micros]:
    """Split more by the same weights: together with the parts `before`, each name gets its share.

    The new parts are not negative and sum to the whole. All parts together come as near to the
    weights as whole micro-units allow.
    """
    of_all = sum(weights.values())
    so_far = whole + sum(before.values())
    # In units of 1/of_all, so that everything stays an integer.
    due = {name: so_far * weight - before[name] * of_all for name, weight in weights.items()}
    parts = {name: max(0, amount // of_all) for name, amount in due.items()}

    def excess(name: str) -> int:
        return parts[name] * of_all - due[name]

    missing = max(0, whole - sum(parts.values()))
    for name in sorted(weights, key=lambda name: (excess(name), name))[:missing]:
        parts[name] += 1
    # Earlier rounding may have given a part more than its share: then the others get less.
    while sum(parts.values()) > whole:
        parts[max((name for name in parts if parts[name]), key=excess)] -= 1
    return parts
