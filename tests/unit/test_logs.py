"""The log lines of functions, and the ids on them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
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


def test_a_line_says_what_was_written_where_and_when(monkeypatch: pytest.MonkeyPatch) -> None:
    root = "1-5759e988-bd862e3fe1be46a994272793"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1")

    with written_text() as written:
        logger.warning("batch of 100% counted", records=3, names=["\u00e9"], nothing=None)

    line = json.loads(written[0])
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
    assert line.pop("location").startswith("test_a_line_says_what_was_written_where_and_when:")
    assert line == {
        "level": "WARNING",
        "message": "batch of 100% counted",
        "service": "tally",
        "xray_trace_id": root,
        "records": 3,
        "names": ["\u00e9"],
    }


SCRIPT = """
import logging, sys
logging.basicConfig(stream=sys.stdout, level=logging.INFO)  # as on Lambda: a handler of the root
from tally.logs import logger
logger.info("once")
"""


def test_a_line_is_written_once_to_stdout() -> None:
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
    )

    assert [line["message"] for line in map(json.loads, done.stdout.splitlines())] == ["once"]
    assert done.stderr == ""
