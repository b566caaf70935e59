"""Every error's status and body, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from tally.domain.errors import (
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
from tally.http.fields import message_of

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
HEADERS: Mapping[type[TallyError], Mapping[str, str]] = {
    Unauthorized: {"WWW-Authenticate": 'Bearer realm="tally"'},
    Unavailable: {"Retry-After": "1"},
}


def error_body(error: TallyError) -> dict[str, Any]:
    """`{"code", "message", "details": [{"field", "message"}]}`"""
    fields = [{"field": error.field, "message": error.message}] if error.field else []
    return {"code": error.code, "message": error.message, "details": fields}


def validation_error_body(error: RequestValidationError) -> dict[str, Any]:
    """One detail for each field that is wrong, named as the client wrote it."""
    details = [{"field": _field(e["loc"]), "message": message_of(e)} for e in error.errors()]
    reasons = "; ".join(f"{detail['field']}: {detail['message']}" for detail in details)
    return {
        "code": InvalidRequest.code,
        "message": f"The request is not valid: {reasons}.",
        "details": details,
    }


def _field(location: Sequence[str | int]) -> str:
    """`("query", "limit")` -> `limit`; a location without a field speaks of the whole body."""
    return ".".join(map(str, location[1:] or location))


def internal_error_body() -> dict[str, Any]:
    return {
        "code": "internal_error",
        "message": "Something went wrong on our side.",
        "details": [],
    }
