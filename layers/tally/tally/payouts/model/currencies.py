"""How many decimals each currency has: the minor units of ISO 4217."""

from __future__ import annotations

from collections.abc import Mapping

_USUAL = 2

# All others, among the codes that have a minor unit. A test compares them with the standard.
MINOR_DIGITS: Mapping[str, int] = {
    "BHD": 3,
    "BIF": 0,
    "CLF": 4,
    "CLP": 0,
    "DJF": 0,
    "GNF": 0,
    "IQD": 3,
    "ISK": 0,
    "JOD": 3,
    "JPY": 0,
    "KMF": 0,
    "KRW": 0,
    "KWD": 3,
    "LYD": 3,
    "OMR": 3,
    "PYG": 0,
    "RWF": 0,
    "TND": 3,
    "UGX": 0,
    "UYI": 0,
    "UYW": 4,
    "VND": 0,
    "VUV": 0,
    "XAF": 0,
    "XOF": 0,
    "XPF": 0,
}


def minor_digits(currency: str) -> int:
    """JPY 0, USD 2, KWD 3; 2 for a code without a minor unit and for an unknown code."""
    return MINOR_DIGITS.get(currency, _USUAL)
