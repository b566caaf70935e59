"""Field types that requests and events share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from tally.domain.instants import parse_instant
from tally.domain.money import Micros, parse_amount
from tally.http.json import dump_json

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}\z"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


def _printable(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("must not have control characters")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_printable)]
"""What people call a thing: 1 to 256 characters of any script."""

Timestamp = Annotated[str, AfterValidator(parse_instant)]
"""RFC 3339 text -> Instant."""


def _amount(value: object) -> Micros:
    """A JSON number or its text -> micro-units."""
    # However long, so that the error is about what the number is and not how it is written.
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004  pydantic makes it a field's error
    return parse_amount(Decimal(value))


Amount = Annotated[int, BeforeValidator(_amount)]
"""At most 6 decimals, not negative, below 10^12 -> micro-units."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}\z")]
"""ISO 4217."""


_MOST_OBJECT_BYTES = 4096
_DEEPEST_OBJECT = 16


def _object_text(value: object) -> str:
    """A JSON object -> its text, as it was sent but for white space."""
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004  pydantic makes it a field's error
    if _depth(value) > _DEEPEST_OBJECT:
        raise ValueError(f"must not be nested deeper than {_DEEPEST_OBJECT} levels")
    text = dump_json(value, separators=(",", ":"))
    if len(text.encode()) > _MOST_OBJECT_BYTES:
        raise ValueError(f"must not be longer than {_MOST_OBJECT_BYTES} bytes of JSON")
    return text


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level := [part for each in level for part in _parts_of(each)]:
        depth += 1
    return depth


def _parts_of(value: object) -> list[object]:
    match value:
        case dict():
            return list(value.values()) or [None]
        case list():
            return value or [None]
        case _:
            return []


JsonObject = Annotated[str, BeforeValidator(_object_text)]
"""An object of a few fields that Tally keeps and gives back, as the text of its JSON."""


def _digits(value: object) -> object:
    """Left to itself, pydantic takes `1_0` for 10 and `1.0` for 1."""
    if isinstance(value, str) and not re.fullmatch(r"\d+", value, re.ASCII):
        raise ValueError("must be a whole number")
    return value


WholeNumber = Annotated[int, BeforeValidator(_digits)]
"""Of a query: digits and nothing else."""

_MESSAGES = {"model_type": "must be an object"}  # pydantic names a class


def message_of(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says; of our own validators, in our own words."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return _MESSAGES.get(error["type"], str(error["msg"]))
