"""The ids on the log lines of functions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dev.template import fallbacks, functions, module_of, pages, routes
from tally.logs import FunctionFailed, logger, with_request_id
from tests.api.logs import lines_of, written_text

OVER_HTTP = {route.function for route in (*routes(), *pages(), *fallbacks())}
TRIGGERED = functions().keys() - OVER_HTTP


@pytest.mark.parametrize("function", sorted(TRIGGERED))
def test_every_function_that_no_request_starts_logs_its_invocation(function: str) -> None:
    assert hasattr(module_of(functions()[function]).handler, "__wrapped__")


def test_a_line_has_the_id_of_its_invocation_and_of_no_other() -> None:
    @with_request_id
    def handler(event: str, _context: Any) -> None:
        logger.info(event)
        if event == "second":
            raise RuntimeError

    with written_text() as written:
        handler("first", SimpleNamespace(aws_request_id="lambda-1"))
        with pytest.raises(FunctionFailed):
            handler("second", SimpleNamespace(aws_request_id="lambda-2"))
        logger.info("between")
        handler("third", None)

    ids = {line["message"]: line.get("function_request_id") for line in lines_of(written)}
    assert ids == {"first": "lambda-1", "second": "lambda-2", "between": None, "third": None}
