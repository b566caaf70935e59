"""Every hour: recounts the next ten tenants, and those whose counters differed the last time."""

from __future__ import annotations

from typing import Any

from tally.aws.table import default_table
from tally.kernel.clock import current_instant
from tally.logs import with_request_id
from tally.operations.checks.counters import check_counters
from tally.operations.reporting import report
from tally.operations.timed import timed


@with_request_id
def handler(_event: dict[str, Any], _context: Any) -> None:
    report("counters checked", check_counters(timed(default_table()), current_instant()))
