"""`tally series`: what providers, buyers and partners see by day and by month, and in lists."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import timedelta

from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.aws.moments import SETTLED_AFTER, series_settled, series_since
from tally.aws.table import Table
from tally.catalog.lists import list_existing as list_datasets
from tally.counting.backfilling import fill
from tally.counting.recount import all_tenants
from tally.kernel.clock import current_instant
from tally.kernel.instants import EARLIEST, for_display, plus
from tally.payouts.reserves import note_existing as note_reserves
from tally.payouts.run_list import list_existing as list_runs


def add_commands(commands: Commands) -> None:
    group = add_group(commands, "series", "counters by day and by month")
    command = add_command(
        group,
        "backfill",
        backfill,
        "add what was accepted before series were counted, each counter once, and correct lists of "
        "datasets, runs and reserves; may be repeated and killed at any time; exit status 1 if it "
        "is too early or a record cannot be read",
    )
    command.add_argument("tenant", nargs="*", help="ids of tenants (default: all)")


def backfill(deployed: Deployment, arguments: Namespace) -> int:
    table = deployed.table
    moment = series_since(table, current_instant())
    if moment >= EARLIEST and not series_settled(table):
        ready = for_display(plus(moment, SETTLED_AFTER + timedelta(seconds=1)))
        print(f"It is too early: earlier functions may still be at work. Come again at {ready}.")
        return 1
    tenants = arguments.tenant or sorted(all_tenants(table))
    if moment < EARLIEST:
        print("No counter lacks anything: series were counted from the table's beginning on.")
        all_read = True
    else:
        all_read = fill(table, tenants, moment, _say)
    correct_lists(table, tenants)
    return 0 if all_read else 1


def correct_lists(table: Table, tenants: Sequence[str]) -> None:
    """Those of datasets, of runs and of a provider's reserves: what is in them from before there
    were such lists, or since a restoration that has a part of the last transactions."""
    corrected = {tenant_id: list_datasets(table, tenant_id) for tenant_id in tenants}
    for tenant_id, number in corrected.items():
        if number:
            _say(f"{tenant_id}: {number:,} places in the list of its datasets were corrected")
    runs, reserves = list_runs(table), note_reserves(table)
    _say(f"lists: {runs:,} payout runs and {reserves:,} reserves were added")


def _say(progress: str) -> None:
    print(progress, flush=True)
