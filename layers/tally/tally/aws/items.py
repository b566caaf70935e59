"""Items as DynamoDB's wire format spells them.

boto3's serializer would do, but importing boto3 for it costs each cold start a tenth of a client.
Numbers are integers only: whatever has a fraction is stored as integer micro-units or as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.kernel.keys import Key

type Item = dict[str, Any]
"""Attribute name -> typed value, e.g. {"PK": {"S": "TENANT#acme"}}."""


def key_of(key: Key) -> Item:
    return {"PK": {"S": key.pk}, "SK": {"S": key.sk}}


def to_item(key: Key, attributes: Mapping[str, Any]) -> Item:
    """Attributes that are None are left out."""
    return key_of(key) | values(attributes)


def values(attributes: Mapping[str, Any]) -> Item:
    return {name: _typed(value) for name, value in attributes.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """ValueError or TypeError for what Tally never stores."""
    return {name: _plain(value) for name, value in item.items()}


def _typed(value: Any) -> Item:  # noqa: PLR0911  one line a type
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case list() | tuple():
            return {"L": [_typed(part) for part in value]}
        case Mapping():
            return {"M": {name: _typed(part) for name, part in value.items()}}
        case _:
            raise TypeError(f"cannot store a {type(value).__name__}")


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "NULL":
            return None
        case "BOOL" | "S" | "B":
            return value
        case "N":
            return int(value)
        case "L":
            return [_plain(part) for part in value]
        case "M":
            return {name: _plain(part) for name, part in value.items()}
        case _:
            raise ValueError(f"unexpected attribute type {kind}")
