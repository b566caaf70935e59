"""Amounts are exact, and what is split is neither lost nor made."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.kernel.money import Micros, parse_amount, split, split_again, to_decimal
from tally.ledger.model.charges import Charge, Part, SpendKind
from tally.ledger.model.refunds import refund

MOST = 10**18 - 1

amounts = st.one_of(st.integers(0, 50), st.integers(0, MOST))
weights = st.dictionaries(
    st.text("abc", min_size=1, max_size=3), st.one_of(st.integers(1, 9), st.integers(1, MOST))
).filter(bool)


# ---------------------------------------------------------------- amounts as text


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0", 0),
        ("-0", 0),
        ("0.000001", 1),
        ("0.45", 450_000),
        ("0.450000", 450_000),
        ("1250.00", 1_250_000_000),
        ("1E+11", 10**17),
        ("1.5E-5", 15),
        ("0E+999999", 0),
        ("999999999999.999999", MOST),
    ],
)
def test_an_amount_is_read_to_the_micro_unit(text: str, micros: Micros) -> None:
    assert parse_amount(Decimal(text)) == micros


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "finite"),
        ("sNaN", "finite"),
        ("Infinity", "finite"),
        ("-Infinity", "finite"),
        ("0.0000001", "6 decimals"),
        ("1.0000000", "6 decimals"),
        ("1E-999999", "6 decimals"),
        ("-0.000001", "negative"),
        ("1000000000000", "below"),
        ("1E+999999", "below"),
    ],
)
def test_what_is_no_amount(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_amount(Decimal(text))


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0.00"),
        (1, "0.000001"),
        (10, "0.00001"),
        (3_100, "0.0031"),
        (450_000, "0.45"),
        (500_000, "0.50"),
        (1_250_000_000, "1250.00"),
        (100_000_000, "100.00"),
        (-450_000, "-0.45"),
        (-1, "-0.000001"),
        (MOST, "999999999999.999999"),
        (10**24, "1000000000000000000.00"),
        (10**30 + 1, "1000000000000000000000000.000001"),
        (10**38 - 10**4, "99999999999999999999999999999999.99"),
    ],
)
def test_an_amount_is_printed_exactly_with_two_decimals_or_more(micros: Micros, text: str) -> None:
    assert str(to_decimal(micros)) == text


@given(amounts)
def test_what_is_printed_is_read_again(micros: Micros) -> None:
    assert parse_amount(to_decimal(micros)) == micros
    assert to_decimal(-micros) == -to_decimal(micros)


# ----------------------------------------------------------------------- one split


def largest_remainder(whole: int, by: dict[str, int]) -> dict[str, int]:
    """As the textbook has it, in fractions: everyone's whole units, then one more for those who
    lost most by that, until none is left."""
    exact = {name: Fraction(whole * weight, sum(by.values())) for name, weight in by.items()}
    parts = {name: floor(share) for name, share in exact.items()}
    while sum(parts.values()) < whole:
        loss = {name: exact[name] - parts[name] for name in by}
        parts[min(name for name in by if loss[name] == max(loss.values()))] += 1
    return parts


@given(amounts, weights)
def test_a_split_is_by_largest_remainder(whole: Micros, by: dict[str, int]) -> None:
    parts = split(whole, by)
    assert parts == largest_remainder(whole, by)
    assert sum(parts.values()) == whole
    for name, part in parts.items():
        assert part >= 0
        assert abs(part - Fraction(whole * by[name], sum(by.values()))) < 1


def test_ties_go_in_the_order_of_the_names_not_of_the_request() -> None:
    assert split(5, {"c": 1, "b": 1, "a": 1}) == {"a": 2, "b": 2, "c": 1}


def test_an_equal_split_of_less_than_a_micro_unit_each() -> None:
    assert split(1, {"b": 1, "a": 1}) == {"a": 1, "b": 0}
    assert split(0, {"b": 1, "a": 1}) == {"a": 0, "b": 0}


# ------------------------------------------------------------- a sequence of refunds


@st.composite
def refunded_charges(draw: st.DrawFn) -> tuple[dict[str, Micros], list[Micros]]:
    """Parts of a charge, and refunds that leave something of it or nothing."""
    small = draw(st.booleans())  # where each micro-unit shows
    most = 6 if small else 10**9
    parts = draw(
        st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, most), min_size=1).filter(
            lambda drawn: any(drawn.values())
        )
    )
    left, refunds = sum(parts.values()), []
    for _ in range(draw(st.integers(1, 12))):
        refunds.append(draw(st.integers(0, min(left, 3) if small else left)))
        left -= refunds[-1]
    if draw(st.booleans()):
        refunds.append(left)
    return parts, refunds


@given(refunded_charges())
def test_refunds_take_pro_rata_and_never_more_than_was_charged(
    case: tuple[dict[str, Micros], list[Micros]],
) -> None:
    charged, refunds = case
    charge = Charge(
        "buyer", SpendKind.SEARCH, "USD", tuple(Part(d, "p", charged[d]) for d in sorted(charged))
    )
    for amount in refunds:
        before = charge
        charge, reversed_parts = refund(charge, amount)
        assert sum(part.amount for part in reversed_parts) == amount
        assert all(part.amount >= 0 for part in reversed_parts)
        assert charge.left == before.left - amount
        whole = sum(charged.values())
        for part in charge.parts:
            assert 0 <= part.refunded <= part.amount == charged[part.dataset_id]
            pro_rata = Fraction((whole - charge.left) * part.amount, whole)
            assert abs(part.refunded - pro_rata) <= 2
    if sum(refunds) == sum(charged.values()):
        assert all(part.refunded == part.amount for part in charge.parts)


@given(refunded_charges())
def test_a_first_refund_is_split_as_a_charge_is(
    case: tuple[dict[str, Micros], list[Micros]],
) -> None:
    charged, (refund, *_) = case
    assert split_again(refund, charged, dict.fromkeys(charged, 0)) == largest_remainder(
        refund, charged
    )


def test_what_an_earlier_rounding_gave_too_much_is_made_good() -> None:
    # Of 1 micro-unit "a" got all, though only a third was due; of the next "b" gets one, ...
    thirds = {"a": 10, "b": 10, "c": 10}
    assert split(1, thirds) == {"a": 1, "b": 0, "c": 0}
    assert split_again(1, thirds, {"a": 1, "b": 0, "c": 0}) == {"a": 0, "b": 1, "c": 0}
    assert split_again(1, thirds, {"a": 1, "b": 1, "c": 0}) == {"a": 0, "b": 0, "c": 1}


def test_who_got_too_much_gets_nothing_and_the_others_less() -> None:
    # Due by now: 1, 1.5 and 4.5 of 7; "a" and "b" have 3 and 2 already. Nobody pays back.
    assert split_again(2, {"a": 2, "b": 3, "c": 9}, {"a": 3, "b": 2, "c": 0}) == {
        "a": 0,
        "b": 0,
        "c": 2,
    }
