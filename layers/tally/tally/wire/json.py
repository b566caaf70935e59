"""JSON as Tally reads and writes it: UTF-8, exact numbers, and nothing outside the standard."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, NoReturn

import simplejson

from tally.kernel.errors import InvalidRequest, UnsupportedMediaType
from tally.wire.texts import HALF_A_PAIR

_LONGEST_ECHO = 64

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
        return json.loads(
            text, parse_float=_exact, parse_constant=_refuse, object_pairs_hook=_object
        )
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


class Flaw(NamedTuple):
    """What is wrong with a document, though it is JSON. `field` is a path: `data.metadata.a`."""

    field: str
    reason: str


class _Repeating(dict[str, Any]):
    """An object that was sent with a key twice."""

    key = ""


def flaw_in(document: Any) -> Flaw | None:
    """What readers would understand in different ways: RFC 7493 forbids it.

    That is a key that an object has twice, and half of a surrogate pair. None if there is neither.
    """
    waiting: list[tuple[Any, Any]] = [((), document)]  # (parent's path, key) and value
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            if not value.isascii() and HALF_A_PAIR.search(value):
                return Flaw(_written(path), "must be valid Unicode")
        elif isinstance(value, dict):
            if isinstance(value, _Repeating):
                return Flaw(_written((path, value.key)), "must not be sent twice")
            for key, part in value.items():
                if not key.isascii() and HALF_A_PAIR.search(key):
                    return Flaw(_written((path, key)), "must be valid Unicode")
                waiting.append(((path, key), part))
        elif isinstance(value, list):
            waiting += [((path, n), part) for n, part in enumerate(value)]
    return None


def _written(path: Any) -> str:
    """`((((), "data"), "metadata"), "a")` -> `data.metadata.a`; shortened, and all Unicode."""
    keys: list[str] = []
    while path:
        path, key = path
        keys.append(str(key)[: _LONGEST_ECHO + 1])
    return shortened(".".join(reversed(keys)).encode(errors="replace").decode())


def shortened(text: str) -> str:
    """What a client sent, as short as a message may repeat it."""
    return text if len(text) <= _LONGEST_ECHO else f"{text[: _LONGEST_ECHO - 1]}…"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    repeating = _Repeating(fields)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            repeating.key = key
        seen.add(key)
    return repeating


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
