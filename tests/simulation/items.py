"""Items as the model of DynamoDB keeps them: their size, and what may be stored at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

type WireItem = Mapping[str, Any]

MOST_BYTES = 400 * 1024
_MOST_KEY_BYTES = (2048, 1024)


class InvalidItem(Exception):
    """DynamoDB would refuse it."""


def key_of(item: WireItem) -> tuple[str, str]:
    """(PK, SK) of an item or a key. InvalidItem if they are not what the table has."""
    parts = (item.get("PK"), item.get("SK"))
    texts = []
    for part, most in zip(parts, _MOST_KEY_BYTES, strict=True):
        if part is None or part.keys() != {"S"}:
            raise InvalidItem("The provided key element does not match the schema")
        text: str = part["S"]
        if not 0 < len(text) <= most or (len(text) * 4 > most and len(text.encode()) > most):
            raise InvalidItem("One or more parameter values are not valid: a key's size")
        texts.append(text)
    return texts[0], texts[1]


def size_of(item: WireItem) -> int:
    """Bytes, as DynamoDB counts them."""
    return sum(_length(name) + _size(value) for name, value in item.items())


def _size(value: WireItem) -> int:
    ((kind, plain),) = value.items()
    match kind:
        case "S":
            return _length(plain)
        case "N":
            digits = len(plain.lstrip("-").strip("0"))
            return (digits + 1) // 2 + 1 + int(plain.startswith("-"))
        case "B":
            return len(plain)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _size(part) for part in plain)
        case "M":
            return 3 + sum(1 + _length(name) + _size(part) for name, part in plain.items())
        case _:
            raise InvalidItem(f"attributes of type {kind} are not stored")


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
