"""Answers as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from tally.http.answers import written
from tally.http.partner import PartnerEndpoint, first_second, last_second


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Part:
    made_on: date
    price: Decimal


@dataclass(frozen=True, slots=True)
class Whole:
    the_colour: Colour
    parts_by_name: dict[str, Part]
    all_parts: list[Part]
    nothing: str | None
    left_out: Part | None = None


PART = Part(date(2026, 4, 5), Decimal("1250.00"))
WHOLE = Whole(Colour.RED, {"a_b": PART}, [PART, PART], None)


def test_an_answer_has_the_fields_of_its_type_in_their_order() -> None:
    part = '{"made_on": "2026-04-05", "price": 1250.00}'

    assert written(WHOLE) == (
        f'{{"the_colour": "red", "parts_by_name": {{"a_b": {part}}}, '
        f'"all_parts": [{part}, {part}], "nothing": null}}'
    )


def test_partners_get_the_fields_in_camel_case_but_not_what_is_theirs() -> None:
    part = '{"madeOn": "2026-04-05", "price": 1250.00}'

    assert written(WHOLE, PartnerEndpoint.wire_name) == (
        f'{{"theColour": "red", "partsByName": {{"a_b": {part}}}, '
        f'"allParts": [{part}, {part}], "nothing": null}}'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.0031"), "0.0031"),
        (Decimal("1E+3"), "1E+3"),
        (datetime(2026, 4, 1, 2, tzinfo=UTC), '"2026-04-01T02:00:00Z"'),
        (first_second(date(2026, 4, 1)), '"2026-04-01T00:00:00Z"'),
        (last_second(date(2026, 4, 30)), '"2026-04-30T23:59:59Z"'),
        ("\u00e9\u2028", '"\u00e9\u2028"'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_a_value(value: Any, text: str) -> None:
    assert written(value) == text


def test_what_is_left_out_is_there_once_it_is_not_the_default() -> None:
    whole = Whole(Colour.RED, {}, [], None, PART)

    assert written(whole).endswith('"left_out": {"made_on": "2026-04-05", "price": 1250.00}}')


def test_what_no_rule_is_for_is_a_fault() -> None:
    with pytest.raises(TypeError):
        written({"a": {1, 2}})
