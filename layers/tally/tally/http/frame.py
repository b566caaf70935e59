"""What surrounds every request: its ids on every log line, one line of its outcome, headers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from tally.http.headers import cors_headers, with_headers
from tally.http.requests import headers_of, request_id_of
from tally.kernel.deadlines import invocation
from tally.logs import logger, of_invocation


class Answered(NamedTuple):
    """A response for API Gateway, whose request it answers, if that is known, and what the answer
    says of the tenant's limit. `varies_by`: as for `with_headers`."""

    response: dict[str, Any]
    tenant_id: str | None = None
    quota_headers: Mapping[str, str] = MappingProxyType({})
    varies_by: Sequence[str] = ()


def framed(
    event: Mapping[str, Any],
    context: Any,
    answer: Callable[[str], Answered],
    *,
    origins: frozenset[str],
) -> dict[str, Any]:
    """The response to an API Gateway proxy event. `answer` gets the request's id and never raises.

    `origins` may read it in a browser.
    """
    started = time.perf_counter()
    request_id = request_id_of(event)
    with of_invocation(context, request_id=request_id), invocation(context):
        response, tenant_id, quota_headers, varies_by = answer(request_id)
        logger.info(
            "request",
            tenant=tenant_id,
            route=f"{event.get('httpMethod')} {event.get('resource')}",
            status=response["statusCode"],
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
        )
    cors = cors_headers(headers_of(event).get("origin", ()), origins)
    vary = [*varies_by, "Origin"] if origins else varies_by
    return with_headers(response, request_id, {**quota_headers, **cors}, vary)
