"""The log lines of all functions: JSON, each with the ids of what it is about."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger

logger = Logger(service="tally")


def of_invocation(context: Any, **ids: str) -> AbstractContextManager[None]:
    """Every line that is written meanwhile has Lambda's id of the invocation, and these ids.

    They are taken off again at the end: the process will serve other requests.
    """
    lambdas_id = getattr(context, "aws_request_id", None)
    return logger.append_context_keys(function_request_id=lambdas_id, **ids)


def with_request_id[Event](
    handler: Callable[[Event, Any], None],
) -> Callable[[Event, Any], None]:
    """For a function that no request of the API starts."""

    @wraps(handler)
    def handle(event: Event, context: Any) -> None:
        with of_invocation(context):
            handler(event, context)

    return handle
