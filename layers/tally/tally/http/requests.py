"""What a request consists of, from the event that API Gateway makes of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tally.access.model.callers import Caller
from tally.kernel.errors import PayloadTooLarge, UnsupportedMediaType
from tally.kernel.instants import Instant
from tally.wire.json import decode, media_type

MAX_BODY_BYTES = 64 * 1024
_IGNORE_BODIES = ("GET", "HEAD", "DELETE")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is let through. `event`: API Gateway's; `provide` calls a provider, or what
    takes its place."""

    event: Mapping[str, Any]
    caller: Caller
    now: Instant
    provide: Callable[[Callable[[], Any]], Any]

    @property
    def path_id(self) -> str:
        """The `{id}` of the path."""
        return str(self.event["pathParameters"]["id"])

    def in_query(self, name: str) -> Sequence[str]:
        """The values of the query's parameters with this name."""
        many = self.event.get("multiValueQueryStringParameters") or {}
        one = self.event.get("queryStringParameters") or {}
        return many.get(name) or ([one[name]] if name in one else [])

    def header(self, name: str) -> str:
        """The last of the headers with this name, in lower case; "" without one."""
        return ["", *headers_of(self.event).get(name, ())][-1]

    @property
    def accept(self) -> str:
        """What the client wants to get."""
        return ",".join(headers_of(self.event).get("accept", ()))

    @property
    def body(self) -> bytes:
        return body_of(self.event)

    @property
    def json_text(self) -> str:
        """UnsupportedMediaType or InvalidRequest if the body is not JSON in UTF-8."""
        if media_type(self.header("content-type")) not in ("", "application/json"):
            raise UnsupportedMediaType("Send the body as application/json.")
        return decode(self.body)


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


def check_body(event: Mapping[str, Any], *, most_bytes: int | None) -> None:
    """PayloadTooLarge for one that is longer. UnsupportedMediaType if it is compressed."""
    body = body_of(event)
    if most_bytes is not None and len(body) > most_bytes:
        raise PayloadTooLarge(f"The body may be at most {most_bytes // 1024} KiB.")
    codings = ",".join(headers_of(event).get("content-encoding", ())).lower().split(",")
    if _is_read(event) and not {coding.strip() for coding in codings} <= {"", "identity"}:
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")


def _is_read(event: Mapping[str, Any]) -> bool:
    return bool(event.get("body")) and event.get("httpMethod") not in _IGNORE_BODIES


def body_of(event: Mapping[str, Any]) -> bytes:
    """API Gateway passes a body on as text or as base64."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body)
    return str(body).encode("utf-8", "surrogatepass")
