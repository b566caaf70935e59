"""What a request consists of, from the event that API Gateway makes of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tally.http.negotiation import preferred
from tally.kernel.errors import PayloadTooLarge, UnsupportedMediaType
from tally.wire.json import decode, media_type

if TYPE_CHECKING:  # not at run time: what has no routes does without it
    from aws_lambda_powertools.event_handler import Request

MAX_BODY_BYTES = 64 * 1024
_IGNORE_BODIES = ("GET", "HEAD", "DELETE")


def request_id_of(event: Mapping[str, Any]) -> str:
    """`req_...`, with API Gateway's own id, or with a new one if there is none."""
    gateway = event.get("requestContext") or {}
    return f"req_{gateway.get('requestId') or uuid4()}"


def headers_of(event: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Lower-case name -> all values. API Gateway passes headers on in one of two forms, or both."""
    many = event.get("multiValueHeaders") or {}
    one = {name: [value] for name, value in (event.get("headers") or {}).items()}
    headers: dict[str, list[str]] = {}
    for name, values in (one | many).items():
        headers.setdefault(name.lower(), []).extend(values)
    return headers


def without_base_path(event: dict[str, Any]) -> dict[str, Any]:
    """The event with the route's own path. A domain may put a base path in front of it."""
    path = event["path"]
    start = path.find(event["resource"].partition("{")[0])
    return event if start <= 0 else event | {"path": path[start:]}


def request_body(request: Request) -> bytes:
    """The bytes of the body."""
    return _body_of(request.resolved_event.raw_event)


def wanted_type(request: Request, *offered: str) -> str:
    """The media type that the client prefers of those; the first if it does not matter."""
    accept = headers_of(request.resolved_event.raw_event).get("accept", ())
    return preferred(",".join(accept), offered)


def check_body(event: Mapping[str, Any], *, most_bytes: int | None) -> None:
    """PayloadTooLarge for one that is longer. UnsupportedMediaType if it is compressed."""
    body = _body_of(event)
    if most_bytes is not None and len(body) > most_bytes:
        raise PayloadTooLarge(f"The body may be at most {most_bytes // 1024} KiB.")
    codings = ",".join(headers_of(event).get("content-encoding", ())).lower().split(",")
    if _is_read(event) and not {coding.strip() for coding in codings} <= {"", "identity"}:
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")


def with_json_body(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its body as JSON text, for the resolver to parse.

    The resolver itself would read forms, and would fail on bytes that are not UTF-8.
    UnsupportedMediaType or InvalidRequest if the body is not JSON in UTF-8.
    """
    if event.get("httpMethod") in _IGNORE_BODIES:
        return event
    (content_type,) = headers_of(event).get("content-type", [""])[-1:]
    if media_type(content_type) not in ("", "application/json"):
        raise UnsupportedMediaType("Send the body as application/json.")
    text = decode(_body_of(event)) or None
    headers = {"Content-Type": "application/json"}
    return event | {"headers": headers, "body": text, "isBase64Encoded": False}


def _is_read(event: Mapping[str, Any]) -> bool:
    return bool(event.get("body")) and event.get("httpMethod") not in _IGNORE_BODIES


def _body_of(event: Mapping[str, Any]) -> bytes:
    """API Gateway passes a body on as text or as base64."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body)
    return str(body).encode("utf-8", "surrogatepass")
