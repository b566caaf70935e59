"""What the errors of fields say."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tally.wire.fields import (
    Currency,
    Id,
    JsonObject,
    Month,
    Name,
    Rate,
    Text,
    message_of,
)

RATE_RULE = "must be a plain decimal from 0 to 1 with at most 6 decimals, such as 0.30"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    text: str = ""
    number: int = 0
    switch: bool = False


def said(hint: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(hint).validate_python(value)
    (error,) = caught.value.errors()
    return message_of(error)


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (Id, "a b", "must be 1 to 64 letters, digits, underscores or hyphens"),
        (Id, 5, "must be a string"),
        (Id, "\ud800", "must be valid Unicode"),
        (Currency, "usd", "must be a currency code of three capital letters, such as USD"),
        (Month, "2026-13", "must be a month, such as 2026-03"),
        (Annotated[str, Field(pattern="^x$")], "y", "must match ^x$"),
        (Text, "", "must have 1 or more characters"),
        (Text, "x" * 257, "must have at most 256 characters"),
        (Name, " ", "must not be blank"),
        (Name, "a\n", "must not contain control or text direction characters"),
        (Rate, "0.1_0", RATE_RULE),
        (Rate, "\u0660.\u0661", RATE_RULE),
        (Rate, 1.5, RATE_RULE),
        (int, "9" * 5000, "has too many digits"),
        (int, "x", "must be an integer"),
        (int, 1.5, "must be an integer"),
        (Annotated[int, Field(ge=1)], 0, "must be at least 1"),
        (Annotated[int, Field(gt=1)], 1, "must be greater than 1"),
        (Annotated[int, Field(le=10**6)], 10**7, "must be at most 1,000,000"),
        (Annotated[int, Field(lt=10)], 10, "must be less than 10"),
        (Decimal, "x", "must be a number"),
        (Decimal, [], "must be a number"),
        (Decimal, "NaN", "must be a finite number"),
        (bool, "perhaps", "must be true or false"),
        (list[int], {}, "must be an array"),
        (Annotated[list[int], Field(min_length=1)], [], "must have 1 or more items"),
        (Annotated[list[int], Field(max_length=2)], [1, 2, 3], "must have at most 2 items"),
        (dict[str, int], [], "must be an object"),
        (Strict, [], "must be an object"),
        (Strict, {"text": 5}, "must be a string"),
        (Strict, {"number": "5"}, "must be an integer"),
        (Strict, {"switch": 1}, "must be true or false"),
        (JsonObject, [], "must be an object"),
        (JsonObject, {"a": "x" * 4096}, "may be at most 4,096 bytes of JSON"),
        (Colour, "green", "must be one of: red, blue"),
        (Literal["1.0"], "2.0", 'must be "1.0"'),
        (bytes, 5, "Input should be a valid bytes"),  # not in the table: pydantic's own words
    ],
)
def test_a_message_names_the_rule(hint: Any, value: Any, message: str) -> None:
    assert said(hint, value) == message


def test_a_missing_field_is_required() -> None:
    class Model(BaseModel):
        name: str

    assert said(Model, {}) == "is required"
