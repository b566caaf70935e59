"""`tally smoke`: whether the deployed API takes an event and counts it."""

from __future__ import annotations

from argparse import Namespace

from ops.actors import operator
from ops.commands import Commands, add_command
from ops.deployment import Deployment
from ops.errors import OpsError
from tally.operations.calls import https_calls
from tally.operations.probe import Passed, ProbeFailed, Prober, Timing

TENANT_ID = "tally-smoke"


def add_commands(commands: Commands) -> None:
    command = add_command(
        commands,
        "smoke",
        smoke_test,
        "send an event over HTTPS, wait until a dashboard shows its count, and take it back; "
        "exit status 1 if that fails",
    )
    command.add_argument("--url", help="the API's URL (default: the one that API Gateway gave it)")
    command.add_argument(
        "--patience", type=int, default=120, metavar="SECONDS", help="for each step (default: 120)"
    )


def smoke_test(deployed: Deployment, arguments: Namespace) -> int:
    url = (arguments.url or url_of(deployed)).rstrip("/")
    try:
        passed = smoke(deployed, url, Timing(patience_s=arguments.patience))
    except ProbeFailed as failure:
        print(f"The smoke test of {url} failed: {failure}")
        return 1
    print(
        f"The smoke test of {url} passed: an event was counted after {passed.counted_s:.1f} s "
        f"and taken back after {passed.uncounted_s:.1f} s."
    )
    return 0


def url_of(deployed: Deployment) -> str:
    """API Gateway's own, since a domain may not be known everywhere yet."""
    outputs = deployed.outputs
    return outputs.get("StageUrl") or outputs["ApiUrl"]  # stacks of old have the second only


def smoke(deployed: Deployment, url: str, timing: Timing) -> Passed:
    """ProbeFailed if it fails; OpsError if the URL cannot be one."""
    try:
        call = https_calls(url)
    except ValueError as error:
        raise OpsError(str(error)) from error
    platform = deployed.outputs["PlatformTenantId"]
    actor = operator(deployed)
    return Prober(deployed.table, platform, TENANT_ID, call, timing, actor).run()
