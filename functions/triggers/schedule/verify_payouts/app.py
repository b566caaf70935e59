"""Every night: verifies statements against the ledger, on from where the last night ended."""

from __future__ import annotations

from typing import Any

from tally.aws.table import default_table
from tally.kernel.clock import current_instant
from tally.logs import with_request_id
from tally.operations.checks.statements import check_statements
from tally.operations.reporting import report
from tally.operations.timed import timed


@with_request_id
def handler(_event: dict[str, Any], _context: Any) -> None:
    report("statements verified", check_statements(timed(default_table()), current_instant()))
