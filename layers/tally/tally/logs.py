"""The log lines of all functions: JSON, each with the ids of what it is about."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger

from tally.kernel.deadlines import invocation

# Of a line whose time is not in RFC 3339, Lambda would make one of the level INFO.
logger = Logger(service="tally", use_rfc3339=True)


def of_invocation(context: Any, **ids: str) -> AbstractContextManager[None]:
    """Every line that is written meanwhile has Lambda's id of the invocation, and these ids.

    They are taken off again at the end: the process will serve other requests.
    """
    lambdas_id = getattr(context, "aws_request_id", None)
    return logger.append_context_keys(function_request_id=lambdas_id, **ids)


def with_request_id[Event, Answer](
    handler: Callable[[Event, Any], Answer],
) -> Callable[[Event, Any], Answer]:
    """For a function that no request of the API starts."""

    @wraps(handler)
    def handle(event: Event, context: Any) -> Answer:
        with of_invocation(context), invocation(context):
            return handler(event, context)

    return handle
