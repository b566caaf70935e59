"""`tally recount`, `tally parked` and `tally failed`: counters, and changes not yet in them."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from ops.commands import Commands, add_command, add_group
from ops.deployment import Deployment
from tally.aws.moments import stored_moment
from tally.counting import parking, rescues
from tally.counting.engine import count
from tally.counting.recount import (
    OF_RUNS,
    OF_TENANT,
    Drift,
    Kinds,
    UnreadableRecord,
    all_tenants,
    recount,
)
from tally.counting.repair import repair
from tally.kernel.clock import current_instant
from tally.kernel.counters import series_key
from tally.kernel.errors import TallyError


def add_commands(commands: Commands) -> None:
    command = add_command(
        commands,
        "recount",
        recount_tenants,
        "compare counters with the records they count; exit status 1 if any differ",
    )
    command.add_argument("tenant", nargs="*", help="tenants to recount (default: all)")
    command.add_argument("--repair", action="store_true", help="correct the counters that differ")
    command.add_argument(
        "--pause",
        type=float,
        default=5,
        metavar="SECONDS",
        help="time between two comparisons; only what differs in both is reported (default: 5)",
    )

    parked = add_group(commands, "parked", "changes that could not be counted")
    add_command(parked, "list", list_parked, "list parked changes with their reasons")
    command = add_command(parked, "replay", replay_parked, "try to count parked changes again")
    command.add_argument("parked_id", nargs="*", help="ids from the list (default: all)")

    failed = add_group(commands, "failed", "batches of changes that Lambda gave up on")
    add_command(failed, "replay", replay_failed, "count failed batches, then delete them")


def recount_tenants(deployed: Deployment, arguments: Namespace) -> int:
    named: list[tuple[str, Kinds]] = [(each, OF_TENANT) for each in arguments.tenant]
    if not named:
        named = [(each, OF_TENANT) for each in sorted(all_tenants(deployed.table))]
        named.append(("payout runs", OF_RUNS))
    drifting = 0
    drifts: Sequence[Drift] | None
    for name, kinds in named:
        try:
            drifts = recount(deployed.table, name, pause_s=arguments.pause, kinds=kinds)
        except UnreadableRecord as error:
            print(f"{name}: {error}")
            drifting += 1
            continue
        except RuntimeError:
            if not arguments.repair:
                raise
            # Such as while a new counter is filled: a repair tells what rests from what moves.
            print(f"{name}: keeps changing")
            drifts = None
        else:
            _print(f"{name}: drift {len(drifts)}", drifts)
            if any(d.unfilled for d in drifts) and stored_moment(deployed.table, series_key()):
                print(f"  some may lack what a backfill adds: tally series backfill {name}")
        if drifts != [] and arguments.repair:
            repaired = repair(deployed.table, name, pause_s=arguments.pause, kinds=kinds, say=_say)
            _print(f"  repaired {len(repaired.mended)}", ())
            if repaired.left:
                _print("  not repaired, because their records kept changing:", repaired.left)
            drifts = repaired.left
        drifting += len(drifts or ())
    return 1 if drifting else 0


def _say(progress: str) -> None:
    print(f"  {progress}")


def _print(title: str, drifts: Sequence[Drift]) -> None:
    print(title)
    for drift in drifts:
        print(f"  {drift}")


def list_parked(deployed: Deployment, _: Namespace) -> int:
    nothing = True
    for parked in parking.list_parked(deployed.table):
        nothing = False
        print(f"{parked.parked_id}\n  item    {parked.item_key}\n  reason  {parked.reason}")
    if nothing:
        print("Nothing is parked.")
    return 0


def replay_parked(deployed: Deployment, arguments: Namespace) -> int:
    ids = arguments.parked_id or [p.parked_id for p in parking.list_parked(deployed.table)]
    failed = 0
    for parked_id in ids:
        try:
            parking.replay(deployed.table, deployed.rescues, parked_id, current_instant())
        except (TallyError, ValueError) as error:
            failed += 1
            print(f"{parked_id}: still parked: {error}")
        else:
            print(f"{parked_id}: counted")
    return 1 if failed else 0


def replay_failed(deployed: Deployment, _: Namespace) -> int:
    """Each change of a failed batch is counted at most once, before or now."""
    bucket = deployed.outputs["FailedBatchesBucket"]
    now = current_instant()
    pages = deployed.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    found = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    strange = 0
    for name in found:
        try:
            records = _records_of(deployed.s3.get_object(Bucket=bucket, Key=name)["Body"].read())
        except (ValueError, KeyError, TypeError):
            strange += 1
            print(f"{name}: not a batch, left where it is")
            continue
        result = count(deployed.table, records, now)
        for poison in result.parked:
            parking.park(deployed.table, poison, now)
        if result.to_rescue:
            rescues.ask(deployed.table, deployed.rescues, result.to_rescue, now)
        deployed.s3.delete_object(Bucket=bucket, Key=name)
        print(
            f"{name}: counted {result.counted}, already counted {result.already_counted}, "
            f"parked {len(result.parked)}"
        )
    print(f"{len(found) - strange} failed batches replayed")
    return 1 if strange else 0


def _records_of(text: bytes) -> list[Mapping[str, Any]]:
    """Lambda writes the event as it sent it, in JSON or as text that holds it."""
    payload = json.loads(text)["payload"]
    records: list[Mapping[str, Any]] = (
        json.loads(payload) if isinstance(payload, str) else payload
    )["Records"]
    return records
