"""What a route may answer with, and what API Gateway gets of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any

from tally.wire.json import dump_json

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer[Data]:
    """An answer whose status differs from one time to the next."""

    data: Data
    status_code: int


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is not JSON. `headers`: those beside what every answer has."""

    body: str
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statuses:
    """The statuses of an Answer, and when each is sent: `Annotated[Answer[Data], Statuses(...)]`.

    This and Form are for the API's description only.
    """

    when: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Form:
    """What a Text is: `Annotated[Text, Form("text/csv", "...")]`. `headers`: those that it may
    have, and what they say."""

    media_type: str
    description: str
    headers: Mapping[str, str] = field(default_factory=dict)


def written(answer: Any, name: Callable[[str], str] = str) -> str:
    """An answer as JSON, with exact numbers. `name`: what a field is called on the wire.

    A dataclass is an object with all of its fields, but without those that have their default.
    """

    def in_json(part: Any) -> Any:
        match part:
            case datetime():
                return part.astimezone(UTC).isoformat().replace("+00:00", "Z")
            case date():
                return part.isoformat()
        return {
            name(each.name): value
            for each in fields(part)
            if (value := getattr(part, each.name)) is not each.default
        }

    return dump_json(answer, default=in_json)


def gateway_response(
    status_code: int,
    body: str,
    headers: Mapping[str, str] | None = None,
    content_type: str | None = JSON,
) -> dict[str, Any]:
    """What a function returns to API Gateway. `content_type`: None if there is no content."""
    all_headers = {**({"Content-Type": content_type} if content_type else {}), **(headers or {})}
    return {
        "statusCode": status_code,
        "multiValueHeaders": {name: [value] for name, value in all_headers.items()},
        "body": body,
        "isBase64Encoded": False,
    }
