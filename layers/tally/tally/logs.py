"""The log lines of all functions: JSON, each with the ids of what it is about.

Of an exception they tell its type and where it was raised, but not what it says: that may hold an
item, a body or a key.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from copy import copy
from functools import wraps
from logging import LogRecord
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from tally.kernel.deadlines import invocation
from tally.kernel.errors import TallyError


class FunctionFailed(Exception):
    """An exception that left a function, without what it said: Lambda logs and keeps that."""


def kind_of(error: BaseException | None) -> str:
    """`KeyError`, or for what AWS refused, `ClientError (ValidationException in PutItem)`."""
    name = type(error).__name__
    match getattr(error, "response", None):
        case {"Error": {"Code": str(code)}}:
            return f"{name} ({code} in {getattr(error, 'operation_name', '?')})"
    return name


def outline(error: BaseException) -> str:
    """The kinds of an exception and its causes, each with the places that it passed through."""
    return "\n".join(line for each in _causes(error) for line in (kind_of(each), *_places(each)))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _places(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"


class _Formatter(LambdaPowertoolsFormatter):
    def format(self, record: LogRecord) -> str:
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            record = copy(record)
            record.exc_info = record.exc_text = None
            record.__dict__ |= {
                "exception": outline(error),
                "exception_name": type(error).__name__,
            }
        return super().format(record)


# Of a line whose time is not in RFC 3339, Lambda would make one of the level INFO.
logger = Logger(
    service="tally",
    logger_formatter=_Formatter(use_rfc3339=True, serialize_stacktrace=False),
)


def of_invocation(context: Any, **ids: str) -> AbstractContextManager[None]:
    """Every line that is written meanwhile has Lambda's id of the invocation, and these ids.

    They are taken off again at the end: the process will serve other requests.
    """
    lambdas_id = getattr(context, "aws_request_id", None)
    return logger.append_context_keys(function_request_id=lambdas_id, **ids)


def with_request_id[Event, Answer](
    handler: Callable[[Event, Any], Answer],
) -> Callable[[Event, Any], Answer]:
    """For a function that no request of the API starts.

    An unexpected exception leaves it as FunctionFailed, because Lambda logs what it says.
    """

    @wraps(handler)
    def handle(event: Event, context: Any) -> Answer:
        with of_invocation(context), invocation(context):
            try:
                return handler(event, context)
            except TallyError as error:
                raise error from None
            except Exception as error:  # noqa: BLE001  whatever it is, nothing of it may be logged
                failed = FunctionFailed(kind_of(error))
                raise failed.with_traceback(error.__traceback__) from None

    return handle
