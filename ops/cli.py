"""The `tally` command: finds the deployment, runs a command on it, returns its exit status."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from ops import (
    counters,
    events,
    invocations,
    keys,
    money,
    oidc,
    query_texts,
    rescues,
    restore,
    series,
    smoke,
    tenants,
)
from ops.deployment import find_deployment
from ops.errors import OpsError
from tally.kernel.errors import TallyError

_EPILOG = """\
tally works on the deployed table and queues directly, with the AWS credentials and region of the
environment.

exit status: 0 if the command succeeded or found no difference, 1 if it found a difference or could
not do all it was asked to, 2 if it could not tell.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of a command; 2 if it failed, since then nothing is known."""
    parsed = parser().parse_args(arguments)
    try:
        deployed = find_deployment(parsed.stack_name)
        # What commands audit is kept for as long as what functions do.
        os.environ["AUDIT_RETENTION_DAYS"] = deployed.outputs.get("AuditRetentionDays", "400")
        kept_days = deployed.outputs.get("QueryTextRetentionDays", "365")
        os.environ["QUERY_TEXT_RETENTION_DAYS"] = kept_days
        status: int = parsed.run(deployed, parsed)
    except (OpsError, TallyError, BotoCoreError, ClientError, RuntimeError) as error:
        print(f"tally: {error}", file=sys.stderr)
        return 2
    except Exception:  # noqa: BLE001  Python's own status would be 1: a difference was found
        traceback.print_exc()
        return 2
    return status


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tally",
        description="Inspect and repair a deployed Tally, local or in AWS.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--stack-name", metavar="NAME", help="a stack in AWS (default: the local one)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in (keys, tenants, oidc, counters, series, rescues, money, events, query_texts):
        group.add_commands(commands)
    for command in (invocations, restore, smoke):
        command.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
