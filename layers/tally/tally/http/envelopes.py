"""The bodies of answers, as each audience gets them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from tally.kernel.instants import Instant, for_display

_PARTNER_CODES: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "PayloadTooLarge",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}


def signature(request_id: str, now: Instant) -> dict[str, str]:
    """What the marketplace API's answers end with."""
    return {"request_id": request_id, "timestamp": for_display(now)}


def marketplace_error(error: Mapping[str, Any], signed: Mapping[str, str]) -> dict[str, Any]:
    """`error` is `{"code", "message", "details": [{"field", "message"}]}`."""
    return {"error": error, **signed}


def partner_error(error: Mapping[str, Any], status_code: int) -> dict[str, Any]:
    """`{"code", "message", "details"}`, where `details` has a message for each wrong field."""
    return {
        "code": _PARTNER_CODES.get(status_code) or HTTPStatus(status_code).phrase.replace(" ", ""),
        "message": error["message"],
        "details": {each["field"]: each["message"] for each in error["details"]},
    }
