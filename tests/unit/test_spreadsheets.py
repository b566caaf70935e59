"""Rows as they are written for spreadsheets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from tally.http.partner import PartnerEndpoint
from tally.http.spreadsheets import csv_text, link_to_next, plain, rows_as_csv


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Part:
    made_on: date


@dataclass(frozen=True, slots=True)
class Row:
    row_id: Any
    a_price: Any = None


@dataclass(frozen=True, slots=True)
class Cursored:
    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Numbered:
    rows: list[Row]
    total: int
    page: int
    page_size: int


def cell(value: Any) -> str:
    head, line, end = rows_as_csv(Cursored([Row(value, 1)], None), "rows").split("\r\n")
    assert (head, line[-2:], end) == ("row_id,a_price", ",1", "")
    return line[:-2]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-5, "-5"),
        (Decimal("-0.45"), "-0.45"),
        (Decimal("1250.00"), "1250.00"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 4, 5), "2026-04-05"),
        (Colour.RED, "red"),
        ("Größe 港", "Größe 港"),
        ("=1+1", "'=1+1"),
        ("-5", "'-5"),
        ('a "b", c', '"a ""b"", c"'),
        (["-a", "b"], '"[""-a"", ""b""]"'),
        ({"a_b": Decimal("0.10")}, '"{""a_b"": 0.10}"'),
        (Part(date(2026, 4, 5)), '"{""made_on"": ""2026-04-05""}"'),
    ],
)
def test_a_cell(value: Any, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_would_be_a_formula_is_text(first: str) -> None:
    assert plain(f"{first}A1") == f"'{first}A1"
    assert plain(f"A1{first}") == f"A1{first}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x;=A1", "x;'=A1"),
        ("x\t+A1", "x\t'+A1"),
        ("  =A1", "'  =A1"),
        ("\uff1dA1", "'\uff1dA1"),
        ("a;b-c", "a;b-c"),
    ],
)
def test_so_is_one_that_only_some_spreadsheets_would_see(text: str, shown: str) -> None:
    """Where cells end at semicolons, or full-width characters count as their narrow ones."""
    assert plain(text) == shown


def test_columns_are_there_without_rows_in_the_names_of_the_wire() -> None:
    nothing = Cursored([], None)

    assert rows_as_csv(nothing, "rows") == "row_id,a_price\r\n"
    assert rows_as_csv(nothing, "rows", PartnerEndpoint.wire_name) == "rowId,aPrice\r\n"


def test_a_field_at_its_default_has_its_column() -> None:
    assert rows_as_csv(Cursored([Row("a")], None), "rows") == "row_id,a_price\r\na,\r\n"


def test_partners_cells_have_partners_names() -> None:
    text = rows_as_csv(Cursored([Row([Part(date(2026, 4, 5))])], None), "rows", str.upper)

    assert text == 'ROW_ID,A_PRICE\r\n"[{""MADE_ON"": ""2026-04-05""}]",\r\n'


def test_a_table() -> None:
    assert csv_text(["a", "b"], [[1, "x"], ["", Decimal("0.10")]]) == "a,b\r\n1,x\r\n,0.10\r\n"


# ------------------------------------------------------------------------------ links


def test_the_link_keeps_what_was_asked_for() -> None:
    asked = {"limit": ["2"], "cursor": ["old"], "status": ["a b"], "period": []}

    assert link_to_next(Cursored([], "new-_1"), asked) == {
        "Link": '<?limit=2&cursor=new-_1&status=a+b>; rel="next"'
    }
    assert link_to_next(Cursored([], None), asked) == {}


@pytest.mark.parametrize(
    ("page", "total", "following"), [(1, 5, 2), (2, 5, 3), (3, 5, None), (9, 5, None), (1, 0, None)]
)
def test_the_link_to_a_numbered_page(page: int, total: int, following: int | None) -> None:
    link = link_to_next(Numbered([], total, page, page_size=2), {"pageSize": ["2"], "page": ["7"]})

    expected = {"Link": f'<?pageSize=2&page={following}>; rel="next"'}
    assert link == (expected if following else {})


def test_nothing_in_a_query_can_end_the_link() -> None:
    (link,) = link_to_next(Cursored([], "x"), {"search": ['>; rel="next"\r\nX: y']}).values()

    assert link == '<?search=%3E%3B+rel%3D%22next%22%0D%0AX%3A+y&cursor=x>; rel="next"'
