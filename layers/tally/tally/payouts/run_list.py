"""The list of all payout runs, the newest first, and the places of those from before it."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from tally.aws.pages import Page, cut
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.kernel.instants import Instant
from tally.kernel.periods import Period
from tally.payouts.items import (
    STARTED_RUN_PREFIX,
    STARTED_RUNS_PK,
    started_run_key,
    started_runs_total_key,
)
from tally.payouts.runs import Run, get_run, list_runs
from tally.payouts.starting import listing


class RunPosition(NamedTuple):
    """A place in the list of runs. No run needs to be there."""

    started_at: Instant
    period: Period
    run_id: str


def list_started_runs(
    table: Table, *, limit: int, after: RunPosition | None = None
) -> Page[Run, RunPosition]:
    """A page of all runs, the newest first: one Query more for each."""
    total = (table.get(started_runs_total_key(), consistent=True) or {}).get("runs", 0)
    places = table.query(
        STARTED_RUNS_PK,
        STARTED_RUN_PREFIX,
        after=after and started_run_key(*after).sk,
        limit=limit + 1,
        newest_first=True,
        consistent=True,
    )
    shown, more = cut(list(places), limit)
    runs = [get_run(table, place["period"], place["run_id"]) for place in shown]
    rows = [run for run in runs if run]  # a run that is in the list is never deleted
    return Page(rows, total, more, lambda run: RunPosition(run.started_at, run.period, run.run_id))


def list_existing(table: Table) -> int:
    """Put runs from before there was a list into it. How many it lacked; may be repeated."""
    added = 0
    for run in list_runs(table):
        with suppress(Cancelled):  # it is there
            table.transact(listing(table, run))
            added += 1
    return added
