"""`tally first-keys`."""

from __future__ import annotations

from argparse import Namespace

from ops.actors import operator
from ops.commands import Commands, add_command
from ops.deployment import Deployment
from tally.access.first_keys import issue_first_keys
from tally.counting.switch import share_from_the_start
from tally.kernel.clock import current_instant


def add_commands(commands: Commands) -> None:
    add_command(
        commands,
        "first-keys",
        first_keys,
        "issue an admin key for the platform tenant and a key for the sender of events",
    )


def first_keys(deployed: Deployment, _: Namespace) -> int:
    platform = deployed.outputs["PlatformTenantId"]
    share_from_the_start(deployed.table, platform)
    keys = issue_first_keys(deployed.table, platform, current_instant(), operator(deployed))
    print("Shown once; only hashes are stored.")
    print(f"admin key   {keys.admin_key}   (admin:* of the platform tenant)")
    print(f"events key  {keys.events_key}   (events:write, for the marketplace's sender)")
    return 0
