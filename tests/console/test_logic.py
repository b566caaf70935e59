"""The console's own rules: exact money, days, ranges, prices. They run in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from functions.console import app
from tally.payouts.model.currencies import MINOR_DIGITS, minor_digits
from tests.console.served import serve
from tests.world import World

AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=6)


@pytest.fixture(scope="module")
def page(browser: Browser, sold: World) -> Iterator[Page]:
    """One for all: nothing is kept in it."""
    context = browser.new_context(timezone_id="Asia/Tokyo")
    yield serve(context, sold).open()
    context.close()


def run(page: Page, module: str, function: str, *arguments: Any) -> Any:
    """What an exported function of a module returns."""
    return page.evaluate(
        "async ([module, name, args]) => (await import(module))[name](...args)",
        [f"./{app.endpoint.version}/src/{module}.js", function, list(arguments)],
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1250.00}', {"a": "1250.00"}),
        ('{"a": [0.0031, -2.50, 7]}', {"a": ["0.0031", "-2.50", 7]}),
        ('{"a": 12345678901234.000001}', {"a": "12345678901234.000001"}),
        (
            '{"said": "it costs 1.50, \\"2.5\\" or \\\\", "n": 0}',
            {"said": 'it costs 1.50, "2.5" or \\', "n": 0},
        ),
        ('{"2.5": 2.5, "e": 1E3}', {"2.5": "2.5", "e": "1E3"}),
    ],
)
def test_decimals_stay_what_they_are(page: Page, text: str, value: Any) -> None:
    assert run(page, "exact", "parseExactly", text) == value


def test_amounts_are_calculated_exactly(page: Page) -> None:
    @settings(max_examples=50, deadline=None)
    @given(AMOUNTS)
    def is_negated(amount: Decimal) -> None:
        assert Decimal(run(page, "money", "negated", f"{amount:f}")) == -amount

    is_negated()


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [("150.00", "100", 0.5), ("50", "100.00", -0.5), ("5", "0.00", None), ("5", "-3", None)],
)
def test_a_change_is_told_against_what_was(page: Page, now: str, before: str, change: Any) -> None:
    assert run(page, "money", "change", now, before) == change


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1250.00", "USD", "$1,250.00"),
        ("0.0031", "USD", "$0.00"),
        ("-145.47", "EUR", "\u2212€145.47"),
        ("1234567890123.45", "USD", "$1,234,567,890,123.45"),
        ("99999999999999.99", "USD", "$99,999,999,999,999.99"),
        ("1250", "JPY", "¥1,250"),
        ("1.5", "KWD", "KWD\u00a01.500"),
        ("17.85", "HUF", "HUF\u00a017.85"),
        ("1.455", "IQD", "IQD\u00a01.455"),
        ("0.125", "USD", "$0.12"),
        ("0.135", "USD", "$0.14"),
        ("-0.001", "USD", "$0.00"),
    ],
)
def test_money_is_written_in_its_currency(
    page: Page, amount: str, currency: str, shown: str
) -> None:
    assert run(page, "format", "money", amount, currency) == shown


def test_every_currency_has_the_decimals_of_the_statements(page: Page) -> None:
    known = page.evaluate("Intl.supportedValuesOf('currency')")
    shown = page.evaluate(
        """async ([module, codes]) => {
          const { money } = await import(module);
          const digits = (text) => (text.split(".")[1] ?? "").length;
          return Object.fromEntries(codes.map((code) => [code, digits(money("1", code))]));
        }""",
        [f"./{app.endpoint.version}/src/format.js", [*known, *MINOR_DIGITS]],
    )

    assert shown == {code: minor_digits(code) for code in shown}
    assert set(MINOR_DIGITS) | {"HUF", "PKR", "USD"} <= set(shown)


def test_small_charges_are_written_with_all_decimals(page: Page) -> None:
    assert run(page, "format", "exactMoney", "0.0031", "USD") == "$0.0031"
    assert run(page, "format", "exactMoney", "2.5", "USD") == "$2.50"


@pytest.mark.parametrize(
    ("tick", "shown"),
    [
        (0, "$0"),
        (0.0005, "$0.0005"),
        (0.25, "$0.25"),
        (0.5, "$0.50"),
        (40, "$40"),
        (-40, "\u2212$40"),
        (2500, "$2.5K"),
    ],
)
def test_a_scale_shows_the_digits_of_its_ticks(page: Page, tick: float, shown: str) -> None:
    assert run(page, "format", "shortMoney", tick, "USD") == shown


def test_times_are_utc_wherever_the_reader_is(page: Page) -> None:
    assert page.evaluate("new Date().getTimezoneOffset()") == -540  # Tokyo
    assert run(page, "format", "time", "2026-04-05T23:30:00Z") == "5 Apr 2026, 23:30"
    assert run(page, "format", "period", "2026-04-05") == "Sun 5 Apr 2026"
    assert run(page, "format", "period", "2026-04") == "April 2026"
    assert run(page, "dates", "today") == "2026-04-05"


def ranged(name: str, first: str, last: str, granularity: str) -> dict[str, str]:
    return {"name": name, "from": first, "to": last, "granularity": granularity}


DEFAULT = ranged("30d", "2026-03-07", "2026-04-05", "day")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, DEFAULT),
        ({"range": "nonsense"}, DEFAULT),
        (
            {"range": "90d"},
            ranged("90d", "2026-01-06", "2026-04-05", "day"),
        ),
        (
            {"range": "12m"},
            ranged("12m", "2025-05-01", "2026-04-05", "month"),
        ),
        (
            {"range": "custom", "from": "2024-02-28", "to": "2024-03-01"},
            ranged("custom", "2024-02-28", "2024-03-01", "day"),
        ),
        (
            {"range": "custom", "from": "2025-01-01", "to": "2025-12-31"},
            ranged("custom", "2025-01-01", "2025-12-31", "month"),
        ),
        ({"range": "custom", "from": "2026-03-01", "to": "2026-02-01"}, DEFAULT),
        ({"range": "custom", "from": "2020-01-01", "to": "2026-02-01"}, DEFAULT),
        ({"range": "custom", "from": "2026-13-01", "to": "2026-14-01"}, DEFAULT),
        ({"range": "custom", "from": "2026-02-30", "to": "2026-03-05"}, DEFAULT),
    ],
    ids=str,
)
def test_the_address_names_a_range(page: Page, query: Any, expected: Any) -> None:
    assert run(page, "dates", "rangeOf", query) == expected


def test_the_range_before_is_as_long(page: Page) -> None:
    before = run(page, "dates", "rangeBefore", DEFAULT)

    assert before == {"from": "2026-02-05", "to": "2026-03-06", "granularity": "day"}


TIERS = [
    {"tier": 1, "pricePerIdentification": "0.05", "minUsage": 0, "maxUsage": 10_000},
    {"tier": 2, "pricePerIdentification": "0.04", "minUsage": 10_001, "maxUsage": 30_000},
    {"tier": 3, "pricePerIdentification": "0.0325", "minUsage": 30_001, "maxUsage": None},
]


@pytest.mark.parametrize(
    ("used", "tier", "cost"),
    [
        (0, 1, "50.000000"),
        (9_999, 1, "40.010000"),
        (10_000, 2, "40.000000"),
        (29_600, 2, "35.500000"),
        (30_000, 3, "32.500000"),
        (10**9, 3, "32.500000"),
    ],
)
def test_what_more_would_cost(page: Page, used: int, tier: int, cost: str) -> None:
    assert run(page, "partner/tiers", "presentTier", TIERS, used)["tier"] == tier
    assert run(page, "partner/tiers", "costOfMore", TIERS, used, 1000) == cost
