"""Exceptions -> the answers they become."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from tally.http.errors import (
    STATUSES,
    ErrorAnswer,
    internal_error,
    invalid_fields,
    no_such_path,
    refusal,
)
from tally.kernel.errors import TallyError
from tally.kernel.masking import masked
from tally.wire.fields import message_of
from tally.wire.json import flaw_in, load_json


def answer_to(error: Exception) -> ErrorAnswer:
    """What the client is told."""
    match error:
        case TallyError() if type(error) in STATUSES:
            return refusal(error)
        case RequestValidationError():
            return invalid_fields(
                [(masked(_field(e["loc"])), masked(message_of(e))) for e in error.errors()]
            )
        case NotFoundError():
            return refusal(no_such_path())
        case _:
            return internal_error()


def load_json_body(text: str) -> Any:
    """InvalidRequest if it is not JSON. RequestValidationError if it is a fraction, or names what
    readers could understand in different ways."""
    document = load_json(text)
    if isinstance(document, Decimal):
        # Pydantic would take it for an object without any of a model's fields.
        raise RequestValidationError([{"type": "model_attributes_type", "loc": ("body",)}])
    if flaw := flaw_in(document):
        raise RequestValidationError(
            [{"type": "flaw", "loc": ("body", flaw.field), "msg": flaw.reason}]
        )
    return document


def _field(location: Sequence[str | int]) -> str:
    """`("query", "limit")` -> `limit`; `("body",)`, which is the body as a whole, -> `body`."""
    return ".".join(map(str, location[1:] or location))
