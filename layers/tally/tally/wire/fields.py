"""Field types that requests and events share, and what the errors of fields say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from tally.kernel.instants import not_too_early, parse_instant
from tally.kernel.money import Micros, parse_amount
from tally.wire.json import dump_json
from tally.wire.texts import ID

ID_PATTERN = rf"^{ID}\z"
CURRENCY_PATTERN = r"^[A-Z]{3}\z"
MONTH_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])\z"

# As text. Decimal itself also reads `1_0`, ` 1`, `1e0` and the digits of every script.
_PLAIN_DECIMAL = r"\d+(\.\d+)?"

# C0, C1, and the embeddings, overrides and isolates of bidirectional text. Marks, such as U+200F,
# are part of ordinary text.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# What a validator of ours reads, for the API's description.
_DECIMAL = {"type": "number", "format": "decimal", "minimum": 0}
_AMOUNT_SENT = {
    "description": "At most 6 decimals. As text, no binary float can blur it.",
    "anyOf": [
        _DECIMAL | {"exclusiveMaximum": 1_000_000_000_000},
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"},
    ],
}
_RATE_SENT = {
    "description": "A fraction, with at most 6 decimals.",
    "anyOf": [
        _DECIMAL | {"maximum": 1},
        {"type": "string", "pattern": r"^(0+(\.[0-9]{1,6})?|0*1(\.0{1,6})?)$"},
    ],
}

_MAX_OBJECT_BYTES = 4096
_MAX_OBJECT_DEPTH = 16


def no_control_characters(text: str) -> str:
    """The text. ValueError if it can hide or rearrange what people read."""
    if _CONTROL.search(text):
        raise ValueError("must not contain control or text direction characters")
    return text


def _readable(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return no_control_characters(text)


def _amount(value: object) -> Micros:
    """A JSON number or its text -> micro-units."""
    # Text of any length is parsed, so that the error is about the number and not how it is written.
    if isinstance(value, str) and re.fullmatch(f"-?{_PLAIN_DECIMAL}", value, re.ASCII):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004  pydantic makes it a field's error
    return parse_amount(Decimal(value))


def _rate(value: object) -> Decimal:
    """A JSON number or its text -> a fraction."""
    if isinstance(value, str) and re.fullmatch(_PLAIN_DECIMAL, value, re.ASCII):
        value = Decimal(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        rate = Decimal(value)
        exponent = rate.as_tuple().exponent
        if isinstance(exponent, int) and -6 <= exponent <= 0 and 0 <= rate <= 1:
            return abs(rate)  # of -0.0
    raise ValueError("must be a plain decimal from 0 to 1 with at most 6 decimals, such as 0.30")


def _object_text(value: object) -> str:
    """A JSON object -> its text, without white space between its parts."""
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004  pydantic makes it a field's error
    if _depth(value) > _MAX_OBJECT_DEPTH:
        raise ValueError(f"may be nested at most {_MAX_OBJECT_DEPTH} levels deep")
    text = dump_json(value, separators=(",", ":"))
    if len(text.encode()) > _MAX_OBJECT_BYTES:
        raise ValueError(f"may be at most {_MAX_OBJECT_BYTES:,} bytes of JSON")
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


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]

Identity = Annotated[Text, AfterValidator(no_control_characters)]
"""A part of an event's identity."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_readable)]
"""What people call a thing: 1 to 256 characters of any script."""

Timestamp = Annotated[
    str, AfterValidator(parse_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""RFC 3339 text -> Instant."""

Month = Annotated[str, StringConstraints(pattern=MONTH_PATTERN), AfterValidator(not_too_early)]
"""`2026-03`."""

Amount = Annotated[
    int,
    BeforeValidator(_amount, json_schema_input_type=Annotated[Any, WithJsonSchema(_AMOUNT_SENT)]),
]
"""At most 6 decimals, not negative, below 10^12 -> micro-units."""

Rate = Annotated[
    Decimal,
    BeforeValidator(_rate, json_schema_input_type=Annotated[Any, WithJsonSchema(_RATE_SENT)]),
]
"""A fraction: a plain decimal from 0 to 1 with at most 6 decimals."""

Currency = Annotated[str, StringConstraints(pattern=CURRENCY_PATTERN)]
"""ISO 4217."""

JsonObject = Annotated[str, BeforeValidator(_object_text, json_schema_input_type=dict[str, Any])]
"""A small object that Tally stores and returns unchanged, as the text of its JSON."""


# ------------------------------------------------------------------------- messages

_PATTERN_MESSAGES = {
    ID_PATTERN: "must be 1 to 64 letters, digits, underscores or hyphens",
    CURRENCY_PATTERN: "must be a currency code of three capital letters, such as USD",
    MONTH_PATTERN: "must be a month, such as 2026-03",
}

# By pydantic's type of the error, with the names in its `ctx`.
_MESSAGES = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length:,} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_from_float": "must be an integer",
    "int_parsing_size": "has too many digits",
    "decimal_type": "must be a number",
    "decimal_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be greater than {gt:,}",
    "greater_than_equal": "must be at least {ge:,}",
    "less_than": "must be less than {lt:,}",
    "less_than_equal": "must be at most {le:,}",
    "list_type": "must be an array",
    "too_short": "must have {min_length} or more items",
    "too_long": "must have at most {max_length:,} items",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def message_of(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors -> the rule that the field breaks, such as `must be at most 100`."""
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":  # raised by a validator of ours
            return str(context["error"])
        case "literal_error" | "enum":
            return _one_of(context["expected"])
        case "string_pattern_mismatch" if context["pattern"] in _PATTERN_MESSAGES:
            return _PATTERN_MESSAGES[context["pattern"]]
        case kind if kind in _MESSAGES:
            return _MESSAGES[kind].format_map(context)
        case _:
            return str(error["msg"])


def _one_of(expected: str) -> str:
    """`'paid' or 'failed'` -> `must be one of: paid, failed`."""
    choices = re.findall(r"'([^']*)'", expected)
    return (
        f"must be one of: {', '.join(choices)}" if len(choices) > 1 else f'must be "{choices[0]}"'
    )
