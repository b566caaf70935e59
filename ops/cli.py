"""tally: what an operator does with a deployed Tally, local or in AWS.

Works on the table itself, with the AWS credentials and region of the environment.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from ops import books, payouts
from ops.errors import OpsError
from ops.first_keys import issue_first_keys
from ops.recount import all_tenants, recount, repair
from ops.rejected import held, replay
from ops.stack import client as local_client
from tally.domain.errors import TallyError
from tally.domain.instants import for_display, plus
from tally.domain.money import to_decimal
from tally.http.clock import current_instant
from tally.store import parking, payout_runs
from tally.store.counting import count
from tally.store.table import Table

LOCAL_STACK = Path(".local/stack.json")


@dataclass(frozen=True)
class Deployment:
    """A deployed stack: its table, its outputs, and clients of its account."""

    table: Table
    outputs: dict[str, str]
    s3: Any
    sqs: Any


def deployment(stack_name: str | None) -> Deployment:
    """The stack of that name in the environment's account; without a name, the local one."""
    client: Callable[[str], Any]
    if stack_name is None:
        if not LOCAL_STACK.exists():
            raise OpsError("Name the stack with --stack-name, or start the local one: make up.")
        local = json.loads(LOCAL_STACK.read_text())
        stack_name = local["stack_name"]
        client = partial(local_client, local["endpoint_url"])
    else:
        session: Any = botocore.session.get_session()
        client = session.create_client
    description = client("cloudformation").describe_stacks(StackName=stack_name)
    outputs = {o["OutputKey"]: o["OutputValue"] for o in description["Stacks"][0]["Outputs"]}
    table = Table(client("dynamodb"), outputs["TableName"])
    return Deployment(table, outputs, client("s3"), client("sqs"))


def first_keys(deployed: Deployment, _: argparse.Namespace) -> int:
    keys = issue_first_keys(deployed.table, deployed.outputs["PlatformTenantId"])
    print("Shown once; only hashes are stored.")
    print(f"admin key   {keys.admin_key}   (admin:* of the platform tenant)")
    print(f"events key  {keys.events_key}   (events:write, for the marketplace's sender)")
    return 0


def recount_tenants(deployed: Deployment, arguments: argparse.Namespace) -> int:
    tenants = arguments.tenant or sorted(all_tenants(deployed.table))
    drifts = []
    for tenant_id in tenants:
        found = recount(deployed.table, tenant_id, pause_s=arguments.pause)
        drifts += found
        print(f"{tenant_id}: drift {len(found)}")
        for drift in found:
            print(f"  {drift}")
    if drifts and arguments.repair:
        mended = repair(deployed.table, drifts)
        print(f"repaired {mended} of {len(drifts)}")
        return 0 if mended == len(drifts) else 1
    return 1 if drifts else 0


def check_books(deployed: Deployment, _: argparse.Namespace) -> int:
    now = current_instant()
    balances = books.check_books(deployed.table, now)
    print("currency       debits      refunds      credits    reversals")
    for each in balances:
        sums = (each.debits, each.refunds, each.credits, each.reversals)
        columns = " ".join(f"{to_decimal(amount):>12}" for amount in sums)
        off = f"off by {to_decimal(each.difference)}" if each.difference else "balanced"
        print(f"{each.currency:8} {columns}  {off}")
    unbalanced = sum(1 for each in balances if each.difference)
    as_of = for_display(plus(now, -books.SETTLED_AFTER))
    print(f"As of {as_of} the books {'do not balance' if unbalanced else 'balance'}.")
    return 1 if unbalanced else 0


def verify_payouts(deployed: Deployment, arguments: argparse.Namespace) -> int:
    different = 0
    for statement_id in arguments.payout or payouts.all_statements(deployed.table):
        difference = payouts.verify(deployed.table, statement_id)
        different += difference is not None
        print(f"{statement_id}: {difference or 'equal'}")
    return 1 if different else 0


def list_payout_runs(deployed: Deployment, _: argparse.Namespace) -> int:
    for run in payout_runs.list_runs(deployed.table):
        state = "finished" if run.is_finished else "running"
        print(
            f"{run.run_id}  {run.period}  {state}: expected {run.expected}, "
            f"generated {run.generated}, unchanged {run.unchanged}, failed {run.failed}"
        )
        for provider in payout_runs.failures(deployed.table, run.run_id) if run.failed else ():
            print(f"  failed: {provider}")
    return 0


def list_parked(deployed: Deployment, _: argparse.Namespace) -> int:
    nothing = True
    for parked in parking.list_parked(deployed.table):
        nothing = False
        print(f"{parked.parked_id}\n  item    {parked.item_key}\n  reason  {parked.reason}")
    if nothing:
        print("Nothing is parked.")
    return 0


def replay_parked(deployed: Deployment, arguments: argparse.Namespace) -> int:
    ids = arguments.parked_id or [p.parked_id for p in parking.list_parked(deployed.table)]
    failed = 0
    for parked_id in ids:
        try:
            parking.replay(deployed.table, parked_id)
        except (TallyError, ValueError) as error:
            failed += 1
            print(f"{parked_id}: still parked: {error}")
        else:
            print(f"{parked_id}: counted")
    return 1 if failed else 0


def replay_failed(deployed: Deployment, _: argparse.Namespace) -> int:
    """Batches that Lambda gave up on: counted now, each change at most once; then deleted."""
    bucket = deployed.outputs["FailedBatchesBucket"]
    now = current_instant()
    pages = deployed.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    found = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    for name in found:
        stored = json.load(deployed.s3.get_object(Bucket=bucket, Key=name)["Body"])
        payload = stored["payload"]
        records = (json.loads(payload) if isinstance(payload, str) else payload)["Records"]
        result = count(deployed.table, records, now)
        for poison in result.parked:
            parking.park(deployed.table, poison, now)
        deployed.s3.delete_object(Bucket=bucket, Key=name)
        print(
            f"{name}: counted {result.counted}, already counted {result.already_counted}, "
            f"parked {len(result.parked)}"
        )
    print(f"{len(found)} failed batches replayed")
    return 0


def list_rejected(deployed: Deployment, _: argparse.Namespace) -> int:
    with held(deployed.sqs, deployed.outputs["RejectedEventsQueueUrl"]) as rejected:
        for each in sorted(rejected.values(), key=lambda event: event.since):
            print(f"{each.source or '?'} {each.event_id or '?'}")
            print(f"  reason  {each.code}: {each.message}\n  since   {each.since}")
    if not rejected:
        print("Nothing is rejected.")
    return 0


def replay_rejected(deployed: Deployment, arguments: argparse.Namespace) -> int:
    """Events back to the function that rejected them; what it rejects again comes back later."""
    replayed = replay(
        deployed.sqs,
        deployed.outputs["RejectedEventsQueueUrl"],
        deployed.outputs["InboundEventsQueueUrl"],
        arguments.code,
    )
    print(f"{replayed} rejected events sent again")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    try:
        status: int = parsed.run(deployment(parsed.stack_name), parsed)
    except (OpsError, TallyError, BotoCoreError, ClientError, RuntimeError) as error:
        print(f"tally: {error}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tally", description=__doc__)
    parser.add_argument("--stack-name", help="a stack in AWS; without it, the local one")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "first-keys", help="issue an admin key of the platform tenant and a key for events"
    )
    command.set_defaults(run=first_keys)

    command = commands.add_parser(
        "recount", help="compare counters with their sources; exit status 1 if they drift"
    )
    command.add_argument("tenant", nargs="*", help="tenants to recount; without any, all")
    command.add_argument("--repair", action="store_true", help="set right what drifted")
    command.add_argument(
        "--pause", type=float, default=5, metavar="S", help="seconds between two looks (5)"
    )
    command.set_defaults(run=recount_tenants)

    command = commands.add_parser(
        "books",
        help="check that debits less refunds are credits less reversals in every currency; "
        "exit status 1 if they are not",
    )
    command.set_defaults(run=check_books)

    payout = commands.add_parser("payouts", help="payout runs and statements")
    of_payouts = payout.add_subparsers(required=True, metavar="COMMAND")
    command = of_payouts.add_parser("runs", help="how far each run is")
    command.set_defaults(run=list_payout_runs)
    command = of_payouts.add_parser(
        "verify", help="recompute statements from the ledger; exit status 1 if one differs"
    )
    command.add_argument("payout", nargs="*", help="statements to verify; without any, all")
    command.set_defaults(run=verify_payouts)

    parked = commands.add_parser("parked", help="changes that could not be counted")
    of_parked = parked.add_subparsers(required=True, metavar="COMMAND")
    command = of_parked.add_parser("list", help="what is parked, and why")
    command.set_defaults(run=list_parked)
    command = of_parked.add_parser("replay", help="count them after all")
    command.add_argument("parked_id", nargs="*", help="as listed; without any, all")
    command.set_defaults(run=replay_parked)

    failed = commands.add_parser("failed", help="batches that the stream gave up on")
    of_failed = failed.add_subparsers(required=True, metavar="COMMAND")
    command = of_failed.add_parser("replay", help="count them after all, and delete them")
    command.set_defaults(run=replay_failed)

    rejected = commands.add_parser("rejected", help="events from the bus that were rejected")
    of_rejected = rejected.add_subparsers(required=True, metavar="COMMAND")
    command = of_rejected.add_parser("list", help="what was rejected, and why")
    command.set_defaults(run=list_rejected)
    command = of_rejected.add_parser("replay", help="try them again")
    command.add_argument("--code", help="only what was rejected with this code")
    command.set_defaults(run=replay_rejected)
    return parser


if __name__ == "__main__":
    sys.exit(main())
