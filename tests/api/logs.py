"""The log lines of functions, as they are written."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tally.logs import formatter

# What differs from one run to the next.
_VARYING = ("timestamp", "duration_ms", "location")


class _Written(logging.Handler):
    """Formats each line at once: a line has the ids of the request under way."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(formatter.format(record))


@contextmanager
def written_text() -> Iterator[list[str]]:
    """The lines that are written meanwhile, each a JSON text."""
    underlying, handler = logging.getLogger("tally"), _Written()
    underlying.addHandler(handler)
    try:
        yield handler.lines
    finally:
        underlying.removeHandler(handler)


def requests_in(texts: list[str]) -> list[dict[str, Any]]:
    """The lines of requests' outcomes; metrics have lines of their own."""
    return [line for line in lines_of(texts) if "_aws" not in line]


def lines_of(texts: list[str]) -> list[dict[str, Any]]:
    """The fields of log lines, without what differs from one run to the next."""
    return [{k: v for k, v in json.loads(text).items() if k not in _VARYING} for text in texts]
