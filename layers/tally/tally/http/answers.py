"""What a route may answer with, and what API Gateway gets of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from tally.wire.json import dump_json

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer[Model: BaseModel]:
    """An answer whose status differs from one time to the next."""

    data: Model
    status_code: int


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is not JSON. `headers`: those beside what every answer has."""

    body: str
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statuses:
    """The statuses of an Answer, and when each is sent: `Annotated[Answer[Model], Statuses(...)]`.

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


def json_response(
    status_code: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response[str]:
    return Response(status_code, _JSON, dump_json(body), dict(headers or {}))


def text_response(status_code: int, text: Text) -> Response[str]:
    return Response(status_code, text.content_type, text.body, dict(text.headers))


def gateway_response(response: Response[str]) -> dict[str, Any]:
    """What the resolver makes of a response, for those that it never sees."""
    return {
        "statusCode": response.status_code,
        "multiValueHeaders": {name: [str(value)] for name, value in response.headers.items()},
        "body": response.body,
        "isBase64Encoded": False,
    }
