"""What paths and methods get that no route has, and the preflight requests of browsers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from tally.http.answers import gateway_response
from tally.http.envelopes import marketplace_error, partner_error, signature
from tally.http.errors import ErrorAnswer, no_such_path, refusal
from tally.http.frame import Answered, framed
from tally.http.headers import allowed_origins, cors_headers, preflight_headers
from tally.http.requests import headers_of
from tally.kernel.clock import current_instant
from tally.kernel.errors import MethodNotAllowed
from tally.wire.json import dump_json


def served_methods() -> Mapping[str, str]:
    """Path as API Gateway spells it -> the methods that it has, `GET, POST`."""
    methods: dict[str, str] = json.loads(os.environ["METHODS"])
    return methods


class Fallback:
    """`handler` is what Lambda calls. It asks for no credential and needs nothing stored.

    Tests replace what it needs by `dependency_overrides`.
    """

    def __init__(self) -> None:
        self.dependency_overrides: dict[Callable[..., Any], Callable[[], Any]] = {}

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """An API Gateway proxy event -> its response. Never raises."""
        origins = self._provide(allowed_origins)

        def answer(request_id: str) -> Answered:
            path = _path_of(event)
            methods = self._methods_of(path)
            if methods and _is_preflight(event, origins):
                allowed = {"Allow": methods, **preflight_headers(methods)}
                return Answered(gateway_response(204, "", allowed, content_type=None))
            error, headers = _refused(methods)
            body = self._body(path, error, request_id)
            text = "" if event.get("httpMethod") == "HEAD" else dump_json(body)
            return Answered(gateway_response(error.status_code, text, headers))

        return framed(event, context, answer, origins=origins)

    def _methods_of(self, path: str) -> str | None:
        for known, methods in self._provide(served_methods).items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", re.sub(r"\{\w+\+\}", ".+", known))
            if re.fullmatch(pattern, path):
                return methods
        return None

    def _body(self, path: str, error: ErrorAnswer, request_id: str) -> Mapping[str, Any]:
        if path == "/partner" or path.startswith("/partner/"):
            return partner_error(error.body, error.status_code)
        return marketplace_error(error.body, signature(request_id, self._provide(current_instant)))

    def _provide[T](self, dependency: Callable[[], T]) -> T:
        provider: Callable[[], T] = self.dependency_overrides.get(dependency, dependency)
        return provider()


def _path_of(event: Mapping[str, Any]) -> str:
    """Without the stage or whatever else a domain puts in front."""
    return f"/{(event.get('pathParameters') or {}).get('proxy', '')}"


def _is_preflight(event: Mapping[str, Any], allowed: frozenset[str]) -> bool:
    headers = headers_of(event)
    asks = event.get("httpMethod") == "OPTIONS" and "access-control-request-method" in headers
    return asks and bool(cors_headers(headers.get("origin", ()), allowed))


def _refused(methods: str | None) -> tuple[ErrorAnswer, Mapping[str, str]]:
    """The error, and the headers that it needs."""
    if methods is None:
        return refusal(no_such_path()), {}
    return refusal(MethodNotAllowed(f"This path has only {methods}.")), {"Allow": methods}
