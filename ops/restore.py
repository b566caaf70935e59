"""`tally restore`: the table as it was, in a new table that is checked before anybody uses it.

DynamoDB restores the items, keys and indexes. The stream, the expiry of items, the backups and the
protection against deletion are missing then, and so is what was not counted yet.
"""

from __future__ import annotations

import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from ops.commands import Commands, add_command
from ops.counters import recount_tenants
from ops.deployment import Deployment
from ops.errors import OpsError
from ops.money import check_books, verify_payouts
from ops.query_texts import erase_again
from ops.series import correct_lists
from ops.tenants import index_tenants
from tally.aws.table import Table
from tally.counting.recount import all_tenants
from tally.kernel.clock import current_instant

_LOOK_EVERY_S = 15
_LONGEST_S = 24 * 3600


def add_commands(commands: Commands) -> None:
    command = add_command(
        commands,
        "restore",
        restore_table,
        "restore the table to a new one, check it and say how to use it; exit status 1 if the "
        "check finds a difference that it cannot repair",
    )
    command.add_argument(
        "--at",
        type=_moment,
        metavar="TIME",
        help="a time of the last 35 days, as 2026-04-05T09:30:00Z (default: the latest there is)",
    )
    command.add_argument("--name", help="the new table's name (default: made from the time)")
    command.add_argument(
        "--drill", action="store_true", help="delete the new table after the check: only practise"
    )
    command.add_argument("--pause", type=float, default=5, metavar="SECONDS", help="as for recount")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a time such as 2026-04-05T09:30:00Z") from None
    if moment.tzinfo is None:
        raise ArgumentTypeError(f"{text} has no time zone; add Z for UTC")
    return moment


def restore_table(deployed: Deployment, arguments: Namespace) -> int:
    """The exit status is that of the checks."""
    client: Any = deployed.table.client
    source = deployed.table.name
    started = time.monotonic()
    name = arguments.name or f"{source[:200]}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    restoring = Restoring(client, source, name)
    restoring.begin(arguments.at)
    print(f"{name} is being restored from {source}. This takes from minutes to hours.", flush=True)
    restoring.wait()
    restoring.set_up()
    print(f"Restored after {time.monotonic() - started:,.0f} s. Checking it:", flush=True)
    restored = Table(client, name)
    deleted = erase_again(deployed.table, restored, current_instant())
    print(f"{deleted} query texts that are erased or too old are deleted from it again.")
    status = _check(replace(deployed, table=restored), arguments)
    print("The restored table is right." if status == 0 else "The restored table is not right.")
    if arguments.drill:
        restoring.delete()
        print(f"{name} is deleted. All of it took {time.monotonic() - started:,.0f} s.")
    else:
        print(
            "To use it, put these into the stack's parameter_overrides and deploy:\n"
            f"  RestoredTable={name}\n  RestoredTableStream={restoring.stream()}"
        )
    return status


def _check(restored: Deployment, arguments: Namespace) -> int:
    """Counters are repaired: changes that were not counted yet never will be. So are the lists,
    which may have a part of the last transactions."""
    nothing = Namespace(tenant=[], payout=[], repair=True, pause=arguments.pause)
    indexed = index_tenants(restored, nothing)
    correct_lists(restored.table, sorted(all_tenants(restored.table)))
    return max(
        indexed,
        recount_tenants(restored, nothing),
        check_books(restored, nothing),
        verify_payouts(restored, nothing),
    )


@dataclass(frozen=True)
class Restoring:
    """One restoration. `sleep` waits for DynamoDB."""

    client: Any
    source: str
    name: str
    sleep: Callable[[float], None] = time.sleep

    def begin(self, at: datetime | None) -> None:
        """OpsError if the table cannot be restored to that time."""
        moment: dict[str, Any] = {"UseLatestRestorableTime": True}
        if at:
            moment = {"RestoreDateTime": at}
        try:
            self.client.restore_table_to_point_in_time(
                SourceTableName=self.source, TargetTableName=self.name, **moment
            )
        except ClientError as error:
            raise OpsError(f"{self.source} cannot be restored: {error}") from error

    def set_up(self) -> None:
        """What a restoration leaves out, as the source has it."""
        was = self.client.describe_table(TableName=self.source)["Table"]
        stream = was["StreamSpecification"]
        self._update(StreamSpecification=stream)
        if was.get("DeletionProtectionEnabled"):
            self._update(DeletionProtectionEnabled=True)
        expiry = self.client.describe_time_to_live(TableName=self.source)["TimeToLiveDescription"]
        if "AttributeName" in expiry:
            self.client.update_time_to_live(
                TableName=self.name,
                TimeToLiveSpecification={
                    "Enabled": True,
                    "AttributeName": expiry["AttributeName"],
                },
            )
        self.client.update_continuous_backups(
            TableName=self.name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )

    def _update(self, **what: Any) -> None:
        self.client.update_table(TableName=self.name, **what)
        self.wait()

    def wait(self) -> None:
        """Until the table can be used."""
        for _ in range(_LONGEST_S // _LOOK_EVERY_S):
            table = self.client.describe_table(TableName=self.name)["Table"]
            if table["TableStatus"] == "ACTIVE":
                return
            self.sleep(_LOOK_EVERY_S)
        raise OpsError(f"{self.name} is not there after a day; look at it in the AWS console.")

    def stream(self) -> str:
        label: str = self.client.describe_table(TableName=self.name)["Table"]["LatestStreamLabel"]
        return label

    def delete(self) -> None:
        if self.client.describe_table(TableName=self.name)["Table"].get(
            "DeletionProtectionEnabled"
        ):
            self._update(DeletionProtectionEnabled=False)
        self.client.delete_table(TableName=self.name)
