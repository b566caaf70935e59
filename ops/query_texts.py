"""`tally query-texts`: what buyers searched for, deleted or moved from here."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from contextlib import suppress

from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.activity.erasing import Task, erased_before, raise_floor, steps
from tally.activity.moving import move_texts
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.counting.recount import all_tenants
from tally.kernel.clock import current_instant
from tally.kernel.instants import Instant


def add_commands(commands: Commands) -> None:
    group = add_group(commands, "query-texts", "what buyers searched for")
    erase = add_command(
        group,
        "erase",
        erase_texts,
        "delete the query texts that are erased or too old; may be repeated",
    )
    move = add_command(
        group,
        "move",
        move_all,
        "give query texts from before they had items of their own one each, in which they expire; "
        "may be repeated",
    )
    for command in (erase, move):
        _add_tenants(command)


def _add_tenants(command: ArgumentParser) -> None:
    command.add_argument("tenant", nargs="*", help="ids of tenants (default: all)")


def erase_texts(deployed: Deployment, arguments: Namespace) -> int:
    """What the tasks of the queue do, and the schedule, here and now."""
    now = current_instant()
    for tenant_id in _named(deployed, arguments):
        deleted = sum(step.deleted for step in steps(deployed.table, Task(tenant_id), now))
        print(f"{tenant_id}: {deleted} deleted")
    return 0


def move_all(deployed: Deployment, arguments: Namespace) -> int:
    now = current_instant()
    for tenant_id in _named(deployed, arguments):
        moved = move_texts(deployed.table, tenant_id, now)
        print(f"{tenant_id}: {moved.moved} moved, {moved.dropped} erased or too old")
    return 0


def erase_again(source: Table, restored: Table, now: Instant) -> int:
    """Erase in a restored table what was erased in its source. How many texts were deleted."""
    deleted = 0
    for tenant_id in all_tenants(restored):
        before = erased_before(source, tenant_id)
        if before:
            with suppress(Cancelled):  # it is so in the restored table, too
                restored.transact([raise_floor(restored, tenant_id, before)])
        deleted += sum(step.deleted for step in steps(restored, Task(tenant_id), now))
    return deleted


def _named(deployed: Deployment, arguments: Namespace) -> Iterable[str]:
    """Reads the whole table if none is named."""
    return arguments.tenant or sorted(all_tenants(deployed.table))
