"""The log lines of all functions: JSON, each with the ids of what it is about.

Of an exception they tell its type and where it was raised, but not what it says: that may hold an
item, a body or a key.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from logging import INFO, Formatter, Logger, LoggerAdapter, LogRecord, StreamHandler, getLogger
from typing import Any

from tally.kernel.deadlines import invocation
from tally.kernel.errors import TallyError


class FunctionFailed(Exception):
    """An exception that left a function, without what it said: Lambda logs and keeps that."""


def kind_of(error: BaseException) -> str:
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


_SERVICE = "tally"
_ids: ContextVar[Mapping[str, Any]] = ContextVar("ids", default={})  # noqa: B039  never changed


class JsonLines(Formatter):
    """A line is one JSON object: what is logged as `extra={"fields": ...}` is at its root. What is
    None is left out."""

    def format(self, record: LogRecord) -> str:
        # Of a line whose time is not in RFC 3339, Lambda would make one of the level INFO.
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "message": record.getMessage(),
            "timestamp": time,
            "service": _SERVICE,
            **_ids.get(),
            "xray_trace_id": _trace_id(),
            **getattr(record, "fields", {}),
            **self.exception_of(record),
        }
        known = {name: value for name, value in line.items() if value is not None}
        return json.dumps(known, default=str, ensure_ascii=False, separators=(",", ":"))

    def exception_of(self, record: LogRecord) -> Mapping[str, str]:
        """The fields that tell of the line's exception, if it has one."""
        error = record.exc_info and record.exc_info[1]
        if not error:
            return {}
        return {"exception": outline(error), "exception_name": type(error).__name__}


def _trace_id() -> str | None:
    """X-Ray's id of the invocation, from `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1`."""
    return os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=") or None


class _WithFields(LoggerAdapter[Logger]):
    """`logger.info("batch counted", records=3)`: what logging does not know is a field."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        own = {name: kwargs.pop(name) for name in ("exc_info", "stacklevel") if name in kwargs}
        return msg, {**own, "extra": {"fields": kwargs}}


def _of_tally() -> _WithFields:
    """Writes to stdout; Lambda takes a line of JSON as it is."""
    ours, handler = getLogger(_SERVICE), StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    ours.addHandler(handler)
    ours.setLevel(INFO)
    ours.propagate = False  # to Lambda's own handler, which would write each line again
    return _WithFields(ours)


formatter = JsonLines()
logger = _of_tally()


@contextmanager
def of_invocation(context: Any, **ids: str) -> Iterator[None]:
    """Every line that is written meanwhile has Lambda's id of the invocation, and these ids.

    They are taken off again at the end: the process will serve other requests.
    """
    lambdas_id = getattr(context, "aws_request_id", None)
    before = _ids.set({**_ids.get(), "function_request_id": lambdas_id, **ids})
    try:
        yield
    finally:
        _ids.reset(before)


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
