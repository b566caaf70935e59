"""The headers of answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dev.openapi.schemas import Schema, SchemaError
from tally.http.headers import with_headers

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}

# Name -> what it says, and how it looks.
_KNOWN: Mapping[str, tuple[str, Schema]] = {
    "Allow": ("The methods that the path has.", _TEXT),
    "Cache-Control": ("Whether the answer may be kept.", _TEXT),
    "ETag": ("Names this content; send it as `If-None-Match`.", _TEXT),
    "RateLimit": (
        "What is left of the tenant's limit, if it has one, and the seconds until it is renewed.",
        {"type": "string", "pattern": '^"default";r=[0-9]+;t=[0-9]+$'},
    ),
    "RateLimit-Policy": (
        "How many requests the tenant may send in how many seconds, if it has a limit.",
        {"type": "string", "pattern": '^"default";q=[0-9]+;w=60$'},
    ),
    "Retry-After": ("The seconds to wait before the request is sent again.", _COUNT),
    "Strict-Transport-Security": ("The API is served over HTTPS only.", _TEXT),
    "Vary": ("The headers of the request that the answer depends on.", _TEXT),
    "WWW-Authenticate": ("How to prove who you are.", _TEXT),
    "X-Content-Type-Options": ("The content is what its type says.", {"const": "nosniff"}),
    "X-RateLimit-Limit": ("The limit of requests in a minute, if there is one.", _COUNT),
    "X-RateLimit-Remaining": ("How much of the limit is left.", _COUNT),
    "X-RateLimit-Reset": ("When the limit is renewed, in Unix seconds.", _COUNT),
    "X-Request-Id": ("Names the request: quote it when you report a problem.", _TEXT),
}
_OF_LIMITS = ("RateLimit", "RateLimit-Policy")
_OF_PARTNERS_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def header_components() -> dict[str, Any]:
    """By name: those that an answer may have, and as `Always-...` those that it must have."""
    return {
        _key(name, required=required): {
            "description": description,
            "required": required,
            "schema": schema,
        }
        for name, (description, schema) in _KNOWN.items()
        for required in (False, True)
    }


def of_answers(*, partners: bool, limited: bool) -> dict[str, Any]:
    """What every answer has, and if callers are `limited`, what those of limited tenants have."""
    limits = (*_OF_LIMITS, *(_OF_PARTNERS_LIMITS if partners else ())) if limited else ()
    return named(_always(), required=True) | named(limits)


def named(names: Iterable[str], *, required: bool = False) -> dict[str, Any]:
    """SchemaError for a header that is not described here."""
    if unknown := sorted(set(names) - _KNOWN.keys()):
        raise SchemaError(f"say in dev/openapi/headers.py what {unknown} say")
    return {
        name: {"$ref": f"#/components/headers/{_key(name, required=required)}"} for name in names
    }


def _always() -> tuple[str, ...]:
    return tuple(with_headers({}, "", {}, ())["multiValueHeaders"])


def _key(name: str, *, required: bool) -> str:
    return f"Always-{name}" if required else name
