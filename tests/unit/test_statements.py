"""Statements: rounded once, and equal to the minor unit."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from iso4217 import Currency

from tally.kernel.money import Micros, parse_amount
from tally.payouts.model.currencies import MINOR_DIGITS, minor_digits
from tally.payouts.model.fees import round_to_minor
from tally.payouts.model.statements import Line, Statement, lines_of, make_statement, statement_id

NOW = "2026-04-01T06:00:00.000000000Z"
MINOR = {"JPY": 10**6, "USD": 10**4, "KWD": 10**3}  # micro-units in a minor unit
MOST = 10**18


def micros(text: str) -> Micros:
    sign = -1 if text.startswith("-") else 1
    return sign * parse_amount(Decimal(text.lstrip("-")))


def statement(
    *amounts: Micros,
    currency: str = "USD",
    fee_rate: str = "0.30",
    reserve_rate: str = "0.10",
    carried_in: Micros = 0,
) -> Statement:
    """A statement with one dataset for each amount."""
    return make_statement(
        tenant_id="acme",
        period="2026-03",
        currency=currency,
        fee_rate=Decimal(fee_rate),
        reserve_rate=Decimal(reserve_rate),
        carried_in=carried_in,
        created_at=NOW,
        exact=sum(amounts),
    )


# --------------------------------------------------------------------- the amounts


@pytest.mark.parametrize(
    ("gross", "fee", "earnings", "held", "released"),
    [
        ("1250.00", "375.00", "875.00", "125.00", "750.00"),
        ("980.50", "294.15", "686.35", "98.05", "588.30"),
        ("0", "0", "0", "0", "0"),
        ("0.01", "0", "0.01", "0", "0.01"),
        # Half a cent of fee or reserve is rounded to the even cent: 0.005, 0.015, 0.025.
        ("0.05", "0.02", "0.03", "0", "0.03"),
        ("0.15", "0.04", "0.11", "0.02", "0.09"),
        ("0.25", "0.08", "0.17", "0.02", "0.15"),
        # A gross of a fraction of a cent is rounded before the rates apply.
        ("0.005", "0", "0", "0", "0"),
        ("0.005001", "0", "0.01", "0", "0.01"),
        ("0.015", "0.01", "0.01", "0", "0.01"),
    ],
)
def test_amounts_at_the_default_rates(
    gross: str, fee: str, earnings: str, held: str, released: str
) -> None:
    made = statement(micros(gross))
    assert (made.fee, made.earnings) == (micros(fee), micros(earnings))
    assert (made.held, made.released, made.carried_over) == (micros(held), micros(released), 0)


@pytest.mark.parametrize(
    ("currency", "exact", "rounded"),
    [
        ("JPY", "0.5", "0"),
        ("JPY", "0.500001", "1"),
        ("JPY", "1.5", "2"),
        ("JPY", "2.5", "2"),
        ("JPY", "2.499999", "2"),
        ("JPY", "-0.5", "0"),
        ("JPY", "-1.5", "-2"),
        ("JPY", "-2.5", "-2"),
        ("USD", "0.005", "0"),
        ("USD", "0.015", "0.02"),
        ("USD", "0.024999", "0.02"),
        ("USD", "0.025", "0.02"),
        ("USD", "0.025001", "0.03"),
        ("USD", "-0.015", "-0.02"),
        ("USD", "-0.025", "-0.02"),
        ("KWD", "0.0005", "0"),
        ("KWD", "0.0015", "0.002"),
        ("KWD", "0.0025", "0.002"),
        ("KWD", "0.002501", "0.003"),
        ("KWD", "-0.0025", "-0.002"),
    ],
)
def test_gross_is_rounded_half_to_even(currency: str, exact: str, rounded: str) -> None:
    assert statement(micros(exact), currency=currency).gross == micros(rounded)
    halves = [micros(exact) // 2, micros(exact) - micros(exact) // 2]
    assert statement(*halves, currency=currency).gross == micros(rounded)


@pytest.mark.parametrize(
    ("currency", "gross", "fee", "held"),
    [
        # Exactly half a unit of fee: 1.5, 4.5, and of reserve: 0.5, 1.5.
        ("JPY", "5", "2", "0"),
        ("JPY", "15", "4", "2"),
        ("USD", "0.05", "0.02", "0"),
        ("USD", "0.15", "0.04", "0.02"),
        ("KWD", "0.005", "0.002", "0"),
        ("KWD", "0.015", "0.004", "0.002"),
    ],
)
def test_fee_and_reserve_are_rounded_half_to_even(
    currency: str, gross: str, fee: str, held: str
) -> None:
    made = statement(micros(gross), currency=currency)
    assert (made.fee, made.held) == (micros(fee), micros(held))


@pytest.mark.parametrize(
    ("gross", "fee_rate", "reserve_rate", "fee", "held"),
    [
        # Both are rounded up, and together exceed the gross: 1.5 and 1.5 cents of 3.
        ("0.03", "0.5", "0.5", "0.02", "0.01"),
        ("0.07", "0.5", "0.5", "0.04", "0.03"),
        ("0.01", "0.4", "0.6", "0", "0.01"),
        ("0.01", "1", "0", "0.01", "0"),
        # Rounded down, they leave a cent to pay.
        ("0.01", "0.5", "0.5", "0", "0"),
        ("0.05", "0.5", "0.5", "0.02", "0.02"),
        # A month of more refunds than charges holds nothing.
        ("-0.03", "0.5", "0.5", "-0.02", "0"),
    ],
)
def test_no_more_is_held_than_was_earned(
    gross: str, fee_rate: str, reserve_rate: str, fee: str, held: str
) -> None:
    made = statement(micros(gross), fee_rate=fee_rate, reserve_rate=reserve_rate)
    assert (made.fee, made.held) == (micros(fee), micros(held))
    assert made.carried_over == min(0, made.earnings)


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("BHD", 3), ("XYZ", 2)],
)
def test_decimals_of_a_currency(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


def test_decimals_are_those_of_iso_4217() -> None:
    standard = {str(currency.code): currency.exponent for currency in Currency}
    unusual = {code: digits for code, digits in standard.items() if digits not in (2, None)}
    assert unusual == MINOR_DIGITS
    for code, digits in standard.items():
        assert minor_digits(code) == (2 if digits is None else digits)


rates = st.decimals(0, 1, places=4).map(str)
exact_amounts = st.one_of(st.integers(-20, 20), st.integers(-(10**8), 10**8), st.integers(0, MOST))


@given(
    st.lists(exact_amounts, min_size=1, max_size=5),
    st.sampled_from(sorted(MINOR)),
    rates,
    rates,
    st.integers(-(10**6), 0),
)
@example([5 * 10**4], "USD", "0.30", "0.10", 0)
@example([-5 * 10**4], "USD", "1", "1", -1)
@example([3 * 10**4], "USD", "0.5", "0.5", 0)
def test_a_statement_adds_up_in_whole_minor_units(
    amounts: list[Micros], currency: str, fee_rate: str, reserve_rate: str, carried: int
) -> None:
    minor = MINOR[currency]
    made = statement(
        *amounts,
        currency=currency,
        fee_rate=fee_rate,
        reserve_rate=reserve_rate,
        carried_in=carried * minor,
    )
    assert made.released + made.held + made.carried_over == made.earnings + made.carried_in
    assert made.earnings + made.fee == made.gross
    assert made.released >= 0 >= made.carried_over
    assert made.released == 0 or made.carried_over == 0
    assert 0 <= made.held <= max(0, made.earnings)
    assert abs(made.gross - sum(amounts)) * 2 <= minor
    for amount in (made.gross, made.fee, made.earnings, made.held, made.released):
        assert amount % minor == 0
    assert made.carried_over % minor == 0
    # Computed again with decimals, which share no code with ours.
    assert made.gross == half_even(Decimal(sum(amounts)), minor)
    assert made.fee == half_even(Decimal(fee_rate) * made.gross, minor)
    reserve = half_even(Decimal(reserve_rate) * made.gross, minor)
    assert made.held == max(0, min(reserve, made.gross - made.fee))


def half_even(amount: Decimal, minor: int) -> int:
    return int((amount / minor).quantize(Decimal(1), ROUND_HALF_EVEN)) * minor


@given(st.fractions(), st.sampled_from(sorted(MINOR)))
def test_rounding_is_symmetric_about_zero(amount: Fraction, currency: str) -> None:
    rounded = round_to_minor(amount, currency)
    assert round_to_minor(-amount, currency) == -rounded
    assert abs(rounded - amount) * 2 <= MINOR[currency]


# -------------------------------------------------------- months of more refunds than charges


def test_a_negative_month_holds_and_pays_nothing_and_returns_its_fee() -> None:
    made = statement(micros("-100.00"))
    assert (made.gross, made.fee, made.earnings) == tuple(map(micros, ("-100", "-30", "-70")))
    assert (made.held, made.released, made.carried_over) == (0, 0, micros("-70"))


@pytest.mark.parametrize(
    ("gross", "carried_in", "released", "carried_over"),
    [
        ("100", "-70", "0", "-10"),  # 60 to pay, 10 short
        ("100", "-60", "0", "0"),
        ("100", "-59.99", "0.01", "0"),
        ("0", "-5", "0", "-5"),
        ("-10", "-5", "0", "-12"),
    ],
)
def test_the_carried_amount_is_deducted_from_the_payment(
    gross: str, carried_in: str, released: str, carried_over: str
) -> None:
    made = statement(micros(gross), carried_in=micros(carried_in))
    assert (made.released, made.carried_over) == (micros(released), micros(carried_over))
    assert made.held == max(0, made.gross // 10)  # the reserve does not depend on it


# -------------------------------------------------------------------------- its id


names = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="_-"))


@given(st.tuples(names, names, names), st.tuples(names, names, names))
def test_an_id_is_a_function_of_tenant_month_and_currency(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert statement_id(*one) == statement_id(*one)
    assert (statement_id(*one) == statement_id(*other)) == (one == other)


def test_the_id_of_a_statement_does_not_depend_on_its_amounts() -> None:
    made = statement(1), statement(10**9, fee_rate="0.20", carried_in=-(10**4))
    assert {each.statement_id for each in made} == {statement_id("acme", "2026-03", "USD")}
    # This never changes: providers keep these ids in their own books.
    assert made[0].statement_id == "pst_95d53c3303c998bf1c9032d1"


def test_the_parts_of_an_id_are_kept_apart() -> None:
    assert statement_id("a", "2026-03", "USD") != statement_id("a2", "026-03", "USD")
    assert statement_id("a", "2026-03", "USD") != statement_id("a", "2026-03U", "SD")


# -------------------------------------------------------------------------- its lines


def test_lines_are_sums_and_counts_by_dataset() -> None:
    parts = [{"b": 3, "a": 2}, {"b": -1}, {"c": 7}, {"c": -7}]
    assert lines_of(parts) == (Line("a", 2, 1), Line("b", 2, 2), Line("c", 0, 2))
    assert lines_of([]) == ()


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(-9, 9), min_size=1), max_size=8),
    st.randoms(use_true_random=False),
)
def test_lines_sum_to_the_entries_in_any_order(
    parts: list[dict[str, Micros]], random: Random
) -> None:
    lines = lines_of(parts)
    assert sum(line.amount for line in lines) == sum(sum(part.values()) for part in parts)
    assert sum(line.entries for line in lines) == sum(map(len, parts))
    assert [line.dataset_id for line in lines] == sorted({name for part in parts for name in part})
    random.shuffle(parts)
    assert lines_of(parts) == lines
