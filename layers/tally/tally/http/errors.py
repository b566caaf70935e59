"""The status, headers and body of every error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tally.kernel.errors import (
    AlreadyExists,
    AmbiguousCredentials,
    InsufficientScope,
    InvalidCursor,
    InvalidRequest,
    InvalidTransition,
    KeyNotActive,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PeriodOpen,
    RateLimited,
    TallyError,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)

STATUSES: Mapping[type[TallyError], int] = {
    InvalidRequest: 400,
    AmbiguousCredentials: 400,
    InvalidCursor: 400,
    Unauthorized: 401,
    InsufficientScope: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    AlreadyExists: 409,
    InvalidTransition: 409,
    KeyNotActive: 409,
    PeriodOpen: 409,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    RateLimited: 429,
    Unavailable: 503,
}

HEADERS: Mapping[type[TallyError], Mapping[str, str]] = {
    Unauthorized: {"WWW-Authenticate": 'Bearer realm="tally"'},
    Unavailable: {"Retry-After": "1"},
}

OF_EVERY_ROUTE = (
    AmbiguousCredentials,
    Unauthorized,
    RateLimited,
    InsufficientScope,
    PayloadTooLarge,
    Unavailable,
)
"""What any route may answer with."""

OF_JSON_BODIES = (InvalidRequest, UnsupportedMediaType)
"""What a route with a JSON body may answer with."""

MOST_FIELDS = 20


class ErrorAnswer(NamedTuple):
    """`body` is `{"code", "message", "details": [{"field", "message"}]}`."""

    status_code: int
    body: dict[str, Any]
    headers: Mapping[str, str] = {}


def no_such_path() -> NotFound:
    return NotFound("No such path.")


def refusal(error: TallyError) -> ErrorAnswer:
    """The answer to a request that is refused."""
    details = [{"field": error.field, "message": error.message}] if error.field else []
    body = {"code": error.code, "message": error.message, "details": details}
    return ErrorAnswer(STATUSES[type(error)], body, HEADERS.get(type(error), {}))


def invalid_fields(reasons: list[tuple[str, str]]) -> ErrorAnswer:
    """The answer to a request with wrong fields: each with what is wrong with it, up to
    MOST_FIELDS of them."""
    details = [{"field": field, "message": reason} for field, reason in reasons[:MOST_FIELDS]]
    said = "; ".join(f"{field}: {reason}" for field, reason in reasons[:MOST_FIELDS])
    more = len(reasons) - len(details)
    body = {
        "code": InvalidRequest.code,
        "message": f"The request is not valid: {said}{f'; and {more:,} more' if more else ''}.",
        "details": details,
    }
    return ErrorAnswer(STATUSES[InvalidRequest], body)


def internal_error() -> ErrorAnswer:
    """Of an unexpected error, clients learn nothing but that there was one."""
    message = "Something went wrong on our side."
    return ErrorAnswer(500, {"code": "internal_error", "message": message, "details": []})
