"""JSON as Tally reads and writes it: UTF-8, exact numbers, and nothing outside the standard."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import simplejson

from tally.kernel.errors import InvalidRequest, UnsupportedMediaType

# Written out, 1e-999999999 is a gigabyte of zeros. Python limits integers in a similar way itself.
_MAX_DIGITS = 1000


def media_type(content_type: str) -> str:
    """`Application/JSON; charset=utf-8` -> `application/json`; "" -> "".

    UnsupportedMediaType for a charset other than UTF-8.
    """
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("Send the body in UTF-8.")
    return kind


def decode(body: bytes) -> str:
    """UTF-8 -> text. InvalidRequest if it is not valid."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The body is not valid UTF-8.", field="body") from error


def load_json(body: str | bytes) -> Any:
    """Numbers with a fraction or an exponent become Decimal. InvalidRequest names the mistake."""
    try:
        text = decode(body) if isinstance(body, bytes) else body
        return json.loads(text, parse_float=_exact, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"The body is not valid JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}.",
            field="body",
        ) from error
    except RecursionError as error:
        raise InvalidRequest("The body is nested too deeply.", field="body") from error
    except ValueError as error:
        raise InvalidRequest(
            "The body contains a number that is too long.", field="body"
        ) from error


def dump_json(value: Any, **options: Any) -> str:
    """JSON with exact numbers. `options` are simplejson's.

    Text is not escaped, so that a page of long queries fits into Lambda's limit of 6 MB.
    """
    text: str = simplejson.dumps(value, ensure_ascii=False, **options)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, sent back: escaped, it is still JSON
        text = simplejson.dumps(value, **options)
    return text


def _exact(number: str) -> Decimal:
    try:
        value = Decimal(number)
    except InvalidOperation as error:
        raise ValueError("the exponent is too large") from error
    if len(number) > _MAX_DIGITS or abs(value.adjusted()) > _MAX_DIGITS:
        raise ValueError("too long when written out")
    return value


def _refuse(constant: str) -> NoReturn:
    raise InvalidRequest(
        f"The body is not valid JSON: {constant} is not a JSON number.", field="body"
    )
