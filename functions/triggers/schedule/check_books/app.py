"""Every night: checks that the books balance, in each currency."""

from __future__ import annotations

from typing import Any

from tally.aws.table import default_table
from tally.kernel.clock import current_instant
from tally.logs import logger, with_request_id
from tally.operations.checks.books import check_ledger
from tally.operations.reporting import report
from tally.operations.timed import OutOfTime, timed


@with_request_id
def handler(_event: dict[str, Any], _context: Any) -> None:
    try:
        report("books checked", check_ledger(timed(default_table()), current_instant()))
    except OutOfTime as error:  # a second attempt would come no further
        logger.error("books not checked", reason=str(error))
