"""JSON as Tally takes it: UTF-8, exact numbers, nothing that is not JSON."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import simplejson

from tally.domain.errors import InvalidRequest, UnsupportedMediaType

# Written out, 1e-999999999 is a gigabyte of zeros. Python holds integers to a like limit itself.
_MOST_DIGITS = 1000


def media_type(content_type: str) -> str:
    """`Application/JSON; charset=utf-8` -> `application/json`. It may be absent: "" -> ""."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("Send the body in UTF-8.")
    return kind


def decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The body is not valid UTF-8.", field="body") from error


def load_json(body: str | bytes) -> Any:
    """Numbers with a fraction become Decimal. InvalidRequest says what is wrong with the text."""
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
        raise InvalidRequest("The body holds a number that is too long.", field="body") from error


def dump_json(value: Any, **options: Any) -> str:
    """Exact, and no longer than need be: a page of long queries must fit into Lambda's 6 MB."""
    text: str = simplejson.dumps(value, ensure_ascii=False, **options)
    try:
        text.encode()
    except UnicodeEncodeError:  # a text told back that is no Unicode; escaped, it is JSON
        text = simplejson.dumps(value, **options)
    return text


def _exact(number: str) -> Decimal:
    try:
        value = Decimal(number)
    except InvalidOperation as error:
        raise ValueError("the exponent is beyond all bounds") from error
    if len(number) > _MOST_DIGITS or abs(value.adjusted()) > _MOST_DIGITS:
        raise ValueError("too long when written out")
    return value


def _refuse(constant: str) -> NoReturn:
    raise InvalidRequest(f"The body is not valid JSON: {constant} is no number.", field="body")
