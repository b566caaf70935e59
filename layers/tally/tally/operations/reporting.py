"""The log lines of the scheduled checks."""

from __future__ import annotations

from tally.logs import logger
from tally.operations.results import Result

_MOST_SHOWN = 20


def report(message: str, result: Result) -> None:
    """One line of how far the check came and, as a warning, what is wrong."""
    log = logger.warning if result.wrong else logger.info
    log(
        message,
        checked=result.checked,
        wrong=dict(list(result.wrong.items())[:_MOST_SHOWN]),
        differences=list(result.differences[:_MOST_SHOWN]),
        skipped=list(result.skipped[:_MOST_SHOWN]),
        complete=result.complete,
    )
