"""The headers that every answer has, and those that let a browser's page read it (CORS)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_ALWAYS = {
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
_EXPOSED = (
    "Link, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-RateLimit-Limit, "
    "X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
)
_MAY_BE_SENT = "Authorization, Content-Type, X-API-Key, X-Partner-API-Key"
_PREFLIGHT_LASTS_S = 7200  # more than browsers take


def allowed_origins() -> frozenset[str]:
    """Whose pages may call the API: `https://app.example`."""
    return frozenset(filter(None, os.environ.get("ALLOWED_ORIGINS", "").split(",")))


def cors_headers(origins: Sequence[str], allowed: frozenset[str]) -> Mapping[str, str]:
    """What makes an answer readable for the page that asked; `origins` are its Origin headers."""
    if len(origins) != 1 or origins[0] not in allowed:
        return {}
    return {"Access-Control-Allow-Origin": origins[0], "Access-Control-Expose-Headers": _EXPOSED}


def preflight_headers(methods: str) -> Mapping[str, str]:
    """What a page may send to a path with these methods: `GET, POST`."""
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": _MAY_BE_SENT,
        "Access-Control-Max-Age": str(_PREFLIGHT_LASTS_S),
    }


def with_headers(
    response: Mapping[str, Any], request_id: str, more: Mapping[str, str], varies_by: Iterable[str]
) -> dict[str, Any]:
    """A response for API Gateway with the headers that every answer has, and `more`. All answers
    pass here.

    `varies_by`: the request's headers that the answer depends on.
    """
    vary = ", ".join(varies_by)
    ours = {**_ALWAYS, **more, "X-Request-Id": request_id, **({"Vary": vary} if vary else {})}
    headers = response.get("multiValueHeaders", {})
    return {
        **response,
        "multiValueHeaders": headers | {name: [value] for name, value in ours.items()},
    }
