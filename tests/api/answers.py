"""Whole bodies, as part A of the contract spells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dev.gateway import Answer

_SIGNATURE = {"request_id": "req_00000000", "timestamp": "2026-04-05T10:00:00Z"}
ALWAYS = {
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


def success(data: Any, timestamp: str = _SIGNATURE["timestamp"]) -> dict[str, Any]:
    return {"data": data} | _SIGNATURE | {"timestamp": timestamp}


def failure(
    code: str, message: str, *details: tuple[str, str], timestamp: str = _SIGNATURE["timestamp"]
) -> dict[str, Any]:
    """`details`: each offending field, and what is wrong with it."""
    error = {
        "code": code,
        "message": message,
        "details": [{"field": field, "message": reason} for field, reason in details],
    }
    return {"error": error} | _SIGNATURE | {"timestamp": timestamp}


def invalid(*details: tuple[str, str]) -> dict[str, Any]:
    """A request with these faults in it."""
    reasons = "; ".join(f"{field}: {reason}" for field, reason in details)
    return failure("invalid_request", f"The request is not valid: {reasons}.", *details)


def invalid_body(reason: str) -> dict[str, Any]:
    """A request whose body says nothing."""
    return failure("invalid_request", reason, ("body", reason))


NOT_JSON = failure("unsupported_media_type", "Send the body as application/json.")
NOT_UTF8 = failure("unsupported_media_type", "Send the body in UTF-8.")
INVALID_CURSOR = failure(
    "invalid_cursor",
    "The cursor does not belong to this list; omit it to start from the beginning.",
    ("cursor", "The cursor does not belong to this list; omit it to start from the beginning."),
)


def answer(status: int, body: Any, **headers: str) -> Answer:
    """A whole answer; headers named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    ours = {"Content-Type": "application/json", "X-Request-Id": body["request_id"]}
    return Answer(status, ALWAYS | ours | named, body)


def list_answer(status: int, body: Any) -> Answer:
    """A whole answer of a list, which is there as CSV, too; its errors are not."""
    return answer(status, body, Vary="Accept") if status < 300 else answer(status, body)


UNAUTHORIZED = answer(
    401,
    failure("unauthorized", "A valid API key, session or access token is required."),
    WWW_Authenticate='Bearer realm="tally"',
)
AMBIGUOUS = answer(
    400,
    failure("ambiguous_credentials", "Send one credential, in one header."),
)
INTERNAL = answer(500, failure("internal_error", "Something went wrong on our side."))
UNAVAILABLE = answer(
    503,
    failure("unavailable", "The database is busy; send the request again."),
    Retry_After="1",
)


PARTNER_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "PayloadTooLarge",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}


def partner_failure(status: int, message: str, /, **details: str) -> Answer:
    """An error as partners get it; `details`: each offending field, and what is wrong with it."""
    body = {"code": PARTNER_CODES[status], "message": message, "details": details}
    headers = {"Content-Type": "application/json", "X-Request-Id": _SIGNATURE["request_id"]}
    return Answer(status, ALWAYS | headers, body)


def for_partners(error: Answer) -> Answer:
    """What partners get where others get this."""
    said = error.body["error"]
    details = {each["field"]: each["message"] for each in said["details"]}
    ours = partner_failure(error.status, said["message"], **details)
    return Answer(error.status, error.headers, ours.body)


def ingested(status: int, *results: dict[str, Any]) -> Answer:
    """The answer to events with these results, in this order."""
    verdicts = [result["status"] for result in results]
    counts = {
        "accepted": verdicts.count("accepted"),
        "duplicates": verdicts.count("duplicate"),
        "rejected": verdicts.count("rejected"),
    }
    return answer(status, success(counts | {"results": list(results)}))


def accepted(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": event["id"], "source": event["source"], "status": "accepted"}


def duplicate(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": event["id"], "source": event["source"], "status": "duplicate"}


def rejected(event: Mapping[str, Any], code: str, message: str) -> dict[str, Any]:
    error = {"code": code, "message": message}
    identity = {"id": event.get("id"), "source": event.get("source")}
    return identity | {"status": "rejected", "error": error}


def lacks(scope: str) -> Answer:
    return answer(403, failure("insufficient_scope", f"This request needs the scope {scope}."))
