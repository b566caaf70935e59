"""`make deploy`: all parameters, the changes to confirm, a smoke test, and the way back.

CloudFormation rolls back an update that fails, but none that succeeded. If the smoke test fails,
the template and the parameters that were deployed before are deployed again. Data stays as it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from cfnlint.decode import cfn_yaml

from ops.deployment import Deployment, deployment_of
from ops.errors import OpsError, exit_status
from ops.parameters import Parameters, Settings, merged, release_of, settings_of
from ops.smoke import smoke, url_of
from tally.aws import moments
from tally.counting.switch import forget_moment
from tally.kernel.clock import current_instant
from tally.kernel.counters import series_key
from tally.operations.probe import ProbeFailed, Timing

CONFIG = Path("samconfig.toml")
# Outputs of each release that shares markers, or counts series, and of none before.
_SINCE_SHARED_MARKERS = "ObjectRescuesQueueUrl"
_SINCE_SERIES = "ConsoleUrl"
BUILD = Path(".aws-sam/build")
SAVED = Path(".local/deployments")

# What CloudFormation makes of a first deployment that failed: nothing can be deployed onto it.
_DEAD = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
_FIRST = ("REVIEW_IN_PROGRESS",)


@dataclass(frozen=True)
class Deployed:
    """A template as CloudFormation has it, with its parameters; `changed` as of the stack."""

    template: str
    parameters: Parameters
    changed: datetime


def own_markers_again(deployment: Deployment) -> None:
    """A release from before shared markers would not see them (docs/adr/0024), and one from before
    series does not count them (docs/adr/0027). One that has them goes on by the moment that it
    knows."""
    now = current_instant()
    if _SINCE_SHARED_MARKERS not in deployment.outputs and not forget_moment(deployment.table, now):
        print(
            "Changes share their markers by now, and a release from before shared markers does not "
            "look at them: see docs/operations.md, Markers of counted changes."
        )
    if _SINCE_SERIES not in deployment.outputs and not moments.forget_moment(
        deployment.table, series_key(), now
    ):
        print(
            "Series lack what this release counts: see docs/operations.md, Series on a live table."
        )


@dataclass(frozen=True)
class Tools:
    """What a deployment is done with. `sam` gets the arguments of `sam` and returns its status.
    `gone_back` is called when the release before is deployed again."""

    client: Callable[[str], Any]
    sam: Callable[[Sequence[str]], int]
    smoke_test: Callable[[Deployment], None]
    saved: Path = SAVED
    gone_back: Callable[[Deployment], None] = own_markers_again


def deploy(settings: Settings, tools: Tools, build: Path, arch: str, *, confirm: bool) -> int:
    """0 if it works, or if nothing was to be done; 1 if not, whether it was rolled back or not."""
    before = deployed(tools.client("cloudformation"), settings.stack_name)
    template = build / "template.yaml"
    parameters = _parameters(settings, before, template, arch)
    print_parameters(parameters, before.parameters if before else {})
    kept = save(before, settings.stack_name, tools.saved) if before else None
    if _sam_deploy(settings, tools, template, parameters, confirm=confirm):
        print("sam deploy failed: see above. CloudFormation takes a failed update back itself.")
        return 1
    after = deployed(tools.client("cloudformation"), settings.stack_name)
    if after is None or (before and after.changed == before.changed):
        print("Nothing was deployed.")
        return 0
    if _works(settings, tools):
        return 0
    if before is None or kept is None:
        print(after_a_first_deployment(settings))
        return 1
    return _roll_back(settings, tools, kept, before)


def _parameters(
    settings: Settings, before: Deployed | None, template: Path, arch: str
) -> Parameters:
    """All parameters; those of the build are the architecture and the name of the release."""
    declared = cfn_yaml.load(str(template))["Parameters"]
    chosen = {
        "deployed": before.parameters if before else {},
        "configured": settings.parameters,
    }
    without = merged(declared, **chosen, built={"Architecture": arch, "Release": ""})
    release = release_of(template.parent, without)
    return merged(declared, **chosen, built={"Architecture": arch, "Release": release})


def deployed(cloudformation: Any, stack_name: str) -> Deployed | None:
    """What is deployed; None if it is nothing yet. OpsError if nothing can be deployed."""
    try:
        (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if stack["StackStatus"] in _FIRST:
        return None
    if stack["StackStatus"] in _DEAD:
        raise OpsError(
            f"The stack {stack_name} is in the state {stack['StackStatus']}: its first deployment "
            f"or its deletion failed. Delete it first: sam delete --stack-name {stack_name}"
        )
    if stack["StackStatus"].endswith("_IN_PROGRESS"):
        raise OpsError(
            f"The stack {stack_name} is in the state {stack['StackStatus']}: somebody is deploying."
        )
    body = cloudformation.get_template(StackName=stack_name, TemplateStage="Original")
    template = body["TemplateBody"]
    return Deployed(
        template=template if isinstance(template, str) else json.dumps(template),
        parameters={p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", ())},
        changed=stack.get("LastUpdatedTime", stack["CreationTime"]),
    )


def save(before: Deployed, stack_name: str, folder: Path) -> Path:
    """Write down how to get back, for us and for the operator; the file of the template."""
    folder.mkdir(parents=True, exist_ok=True)
    template = folder / f"{stack_name}.before.yaml"
    template.write_text(before.template)
    _write_parameters(before.parameters, template)
    return template


def _write_parameters(parameters: Parameters, template: Path) -> Path:
    """A file: on a command line, some values would not be read as they are. JSON is YAML, too."""
    path = template.with_suffix(".parameters.yaml")
    path.write_text(json.dumps(parameters, indent=2) + "\n")
    return path


def print_parameters(parameters: Parameters, before: Parameters) -> None:
    for name, value in parameters.items():
        was = before.get(name, value)
        print(f"  {name:24} {value or '-'}{f'   (was {was or "-"})' if was != value else ''}")


def _sam_deploy(
    settings: Settings, tools: Tools, template: Path, parameters: Parameters, *, confirm: bool
) -> int:
    tools.saved.mkdir(parents=True, exist_ok=True)
    file = _write_parameters(parameters, tools.saved / f"{settings.stack_name}.yaml")
    return tools.sam(
        [
            "deploy",
            f"--template-file={template}",
            f"--config-file={CONFIG.resolve()}",
            f"--config-env={settings.environment}",
            f"--parameter-overrides=file://{file.resolve()}",
            "--no-fail-on-empty-changeset",
            "--confirm-changeset" if confirm else "--no-confirm-changeset",
        ]
    )


def _works(settings: Settings, tools: Tools) -> bool:
    try:
        tools.smoke_test(deployment_of(tools.client, settings.stack_name))
    except ProbeFailed as failure:
        print(f"The smoke test failed: {failure}")
        return False
    print("The smoke test passed: an event was counted and taken back.")
    return True


def _roll_back(settings: Settings, tools: Tools, template: Path, before: Deployed) -> int:
    print(f"Deploying again what was deployed before ({template}).")
    if _sam_deploy(settings, tools, template, before.parameters, confirm=False):
        print(f"That failed, too: {settings.stack_name} still has the new deployment.")
        return 1
    tools.gone_back(deployment_of(tools.client, settings.stack_name))
    if _works(settings, tools):
        print("Rolled back. What was written meanwhile is kept.")
    else:
        print("Rolled back, but it does not work either: the fault may be older or elsewhere.")
    return 1


def after_a_first_deployment(settings: Settings) -> str:
    stack = settings.stack_name
    kept = (
        ""
        if settings.parameters.get("Stage") != "prod"
        else (
            "\nThe table outlives the stack. If nothing in it is needed, delete it as well:\n"
            "  aws dynamodb update-table --table-name NAME --no-deletion-protection-enabled\n"
            "  aws dynamodb delete-table --table-name NAME"
        )
    )
    return (
        f"This was the first deployment of {stack}: there is nothing to go back to. Mend the cause "
        f"and deploy again, or delete the stack:\n  sam delete --stack-name {stack}{kept}"
    )


def _tools(settings: Settings) -> Tools:
    session: Any = botocore.session.Session(profile=settings.profile)

    def client(service: str) -> Any:
        return session.create_client(service, region_name=settings.region)

    def sam(arguments: Sequence[str]) -> int:
        return subprocess.run(["sam", *arguments], check=False).returncode  # noqa: S603, S607  SAM

    def smoke_test(deployment: Deployment) -> None:
        smoke(deployment, url_of(deployment), Timing())

    return Tools(client, sam, smoke_test)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("--env", required=True, help="an environment of samconfig.toml")
    parser.add_argument("--arch", required=True, choices=["arm64", "x86_64"])
    parser.add_argument("--no-confirm", dest="confirm", action="store_false")
    arguments = parser.parse_args()
    settings = settings_of(arguments.env, CONFIG)
    confirm = arguments.confirm and settings.confirm
    try:
        return deploy(settings, _tools(settings), BUILD, arguments.arch, confirm=confirm)
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"AWS: {error}") from error


if __name__ == "__main__":
    sys.exit(exit_status(main))
