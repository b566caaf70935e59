"""The status, headers and body of every error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from tally.kernel.errors import (
    AlreadyExists,
    AmbiguousCredentials,
    InsufficientScope,
    InvalidCursor,
    InvalidRequest,
    InvalidTransition,
    NotFound,
    PayloadTooLarge,
    PeriodOpen,
    TallyError,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from tally.wire.fields import message_of

STATUSES: Mapping[type[TallyError], int] = {
    InvalidRequest: 400,
    AmbiguousCredentials: 400,
    InvalidCursor: 400,
    Unauthorized: 401,
    InsufficientScope: 403,
    NotFound: 404,
    AlreadyExists: 409,
    InvalidTransition: 409,
    PeriodOpen: 409,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    Unavailable: 503,
}

_HEADERS: Mapping[type[TallyError], Mapping[str, str]] = {
    Unauthorized: {"WWW-Authenticate": 'Bearer realm="tally"'},
    Unavailable: {"Retry-After": "1"},
}

OF_EVERY_ROUTE = (AmbiguousCredentials, Unauthorized, InsufficientScope, Unavailable)
"""What any route may answer with."""

OF_JSON_BODIES = (InvalidRequest, UnsupportedMediaType)
"""What a route with a JSON body may answer with."""


class ErrorAnswer(NamedTuple):
    """`body` is `{"code", "message", "details": [{"field", "message"}]}`."""

    status_code: int
    body: dict[str, Any]
    headers: Mapping[str, str] = {}


def answer_to(error: Exception) -> ErrorAnswer:
    """What the client is told. Of an unexpected error, nothing but that there was one."""
    match error:
        case TallyError() if type(error) in STATUSES:
            kind = type(error)
            return ErrorAnswer(STATUSES[kind], error_body(error), _HEADERS.get(kind, {}))
        case RequestValidationError():
            return ErrorAnswer(400, validation_error_body(error))
        case NotFoundError():
            return ErrorAnswer(404, error_body(NotFound("No such path.")))
        case _:
            return ErrorAnswer(500, internal_error_body())


def error_body(error: TallyError) -> dict[str, Any]:
    details = [{"field": error.field, "message": error.message}] if error.field else []
    return {"code": error.code, "message": error.message, "details": details}


def validation_error_body(error: RequestValidationError) -> dict[str, Any]:
    """One detail for each field that is wrong, with its name as the client wrote it."""
    details = [{"field": _field(e["loc"]), "message": message_of(e)} for e in error.errors()]
    reasons = "; ".join(f"{detail['field']}: {detail['message']}" for detail in details)
    return {
        "code": InvalidRequest.code,
        "message": f"The request is not valid: {reasons}.",
        "details": details,
    }


def _field(location: Sequence[str | int]) -> str:
    """`("query", "limit")` -> `limit`; `("body",)`, which is the body as a whole, -> `body`."""
    return ".".join(map(str, location[1:] or location))


def internal_error_body() -> dict[str, Any]:
    return {
        "code": "internal_error",
        "message": "Something went wrong on our side.",
        "details": [],
    }
