"""API Gateway in this process: it turns a request into an event and calls the route's handler."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from dev import template
from dev.template import route_for, route_of
from tally.access.authentication import authenticator_for
from tally.access.sessions import session_secret
from tally.aws.secrets import Version
from tally.aws.table import Table, default_table
from tally.http import fallback
from tally.http.dependencies import platform_tenant_id
from tally.http.endpoint import Endpoint
from tally.http.headers import allowed_origins
from tally.http.limits import default_requests_per_minute
from tally.http.lists import cursor_secrets
from tally.kernel.clock import current_instant
from tally.kernel.instants import EARLIEST, Instant
from tally.limits.leasing import Limiter

PLATFORM = "platform"

type Headers = Mapping[str, str | Sequence[str]]
"""A header that was sent several times has several values."""

type Overrides = dict[Callable[..., Any], Callable[[], Any]]
"""A handler's dependency -> what provides it instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the body as it was sent: it shows how a number was written. `body` is the parsed
    JSON; None if the body is not JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str = field(default="", compare=False)


class NeverRotated:
    """What signs sessions, where nobody rotates it."""

    _only = Version("0" * 36, b"secret", EARLIEST)

    def current(self) -> Version:
        return self._only

    def version(self, version_id: str) -> Version | None:
        return self._only if version_id == self._only.version_id else None


def proxy_event(
    method: str, url: str, headers: Headers | None = None, body: str | bytes | None = None
) -> dict[str, Any]:
    """The event for a request. The body is in base64, because the API treats every media type as
    binary. LookupError if no route matches."""
    path, _, asked = url.partition("?")  # urlsplit would take a path of //host for a host
    route, parameters = route_for(method, path)
    many = {
        name: [values] if isinstance(values, str) else list(values)
        for name, values in (headers or {}).items()
    }
    query = parse_qs(asked, keep_blank_values=True)
    sent = body.encode() if isinstance(body, str) else body
    return {
        "httpMethod": method,
        "path": path,
        "resource": route.path,
        "pathParameters": parameters or None,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "requestContext": {"requestId": "00000000", "resourcePath": route.path},
        "body": None if sent is None else b64encode(sent).decode(),
        "isBase64Encoded": sent is not None,
    }


def overrides(table: Table, now: Instant) -> Overrides:
    """What every handler needs: the table, the time, the platform tenant, the secrets.

    Tenants without a limit of their own have none."""
    return {
        default_table: lambda: table,
        current_instant: lambda: now,
        platform_tenant_id: lambda: PLATFORM,
        default_requests_per_minute: lambda: 0,
        cursor_secrets: lambda: lambda _rotated: [b"secret"],
        session_secret: NeverRotated,
        fallback.served_methods: template.served_methods,
        allowed_origins: frozenset,
    }


def invoke(
    event: Mapping[str, Any], provided: Overrides, *, warm: bool, context: Any = None
) -> Answer:
    """The answer of the route's handler; one that is not warm has forgotten keys and limits."""
    route = route_of(event["httpMethod"], event["resource"])
    endpoint = route.module.endpoint
    endpoint.dependency_overrides.update(provided)
    if not warm and isinstance(endpoint, Endpoint):
        # As in a new process.
        endpoint.authenticator = authenticator_for(
            endpoint.scope, provided[session_secret](), provided[platform_tenant_id]()
        )
        endpoint.limiter = Limiter()
    response = endpoint.handler(event, context)
    headers = {name: values[0] for name, values in response["multiValueHeaders"].items()}
    text, is_json = response["body"], headers.get("Content-Type") == "application/json"
    return Answer(
        status=response["statusCode"],
        headers=headers,
        body=json.loads(text, parse_float=Decimal) if is_json and text else None,
        text=text,
    )
