"""Calls of the deployed API over HTTPS, with the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_TIMEOUT_S = 35.0  # API Gateway gives up after 29


class Reply(NamedTuple):
    """`body` is parsed JSON, or text if it is none."""

    status: int
    body: Any


type Call = Callable[[str, str, str, Any], Reply]
"""Method, path, API key and JSON body (None: no body) -> the reply. OSError if there is none."""


def https_calls(api_url: str, timeout_s: float = _TIMEOUT_S) -> Call:
    """Calls of the API at this URL. Plain HTTP is for the local stack only: ValueError."""
    url = urlsplit(api_url)
    local = url.hostname in ("127.0.0.1", "localhost", "host.docker.internal")
    if url.scheme != "https" and not (url.scheme == "http" and local):
        raise ValueError(f"{api_url} must begin with https://")
    # A proxy of the environment leads to the internet, not to this machine.
    proxies = urllib.request.ProxyHandler({} if local else None)
    opener = urllib.request.build_opener(proxies)

    def call(method: str, path: str, api_key: str, body: Any) -> Reply:
        headers = {"X-API-Key": api_key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  the scheme was checked above
            f"{api_url}{path}", data, headers, method=method
        )
        try:
            with opener.open(request, timeout=timeout_s) as response:
                return Reply(response.status, _parsed(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, _parsed(error.read()))
        except HTTPException as error:  # the connection broke in the middle of an answer
            raise ConnectionError(f"{type(error).__name__}: {error}") from error

    return call


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
