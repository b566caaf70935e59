"""`make deploy` with SAM and CloudFormation: it deploys, and finds the way back."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dev import ROOT
from dev.own_stack import DeployedStack, own_stack
from dev.stack import CONFIG, architecture, environment
from ops.deploying import Tools, deploy, deployed
from ops.deployment import Deployment
from ops.parameters import settings_of
from ops.smoke import smoke
from tally.operations.probe import ProbeFailed, Timing

SETTINGS = settings_of("local", CONFIG)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[DeployedStack]:
    """A stack of its own: it is deployed again and again."""
    with own_stack(tmp_path / "stack") as stack:
        yield stack


def test_deploying_rolling_back_and_deploying_again(
    own: DeployedStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = tmp_path / "build"
    shutil.copytree(own.built, build)
    refused = True

    def sam(arguments: Sequence[str]) -> int:
        command, env = ["sam", *arguments], environment(own.endpoint_url)
        done = subprocess.run(  # noqa: S603  SAM, as `make deploy` runs it
            command, cwd=ROOT, env=env, check=False, capture_output=True
        )
        return done.returncode

    def smoke_test(deployment: Deployment) -> None:
        if refused and now()["LogRetentionDays"] == "60":
            raise ProbeFailed("It does not work.")
        smoke(deployment, own.api_url, Timing(patience_s=30))

    def now() -> dict[str, str]:
        found = deployed(own.client("cloudformation"), own.stack_name)
        assert found
        return dict(found.parameters)

    def run(days: str) -> int:
        wanted = replace(SETTINGS, parameters={**SETTINGS.parameters, "LogRetentionDays": days})
        tools = Tools(own.client, sam, smoke_test, tmp_path / "saved")
        return deploy(wanted, tools, build, architecture(), confirm=False)

    before = now()
    assert before["LogRetentionDays"] == "30"

    assert run("60") == 1
    assert now() == before
    assert capsys.readouterr().out.endswith(
        "The smoke test passed: an event was counted and taken back.\n"
        "Rolled back. What was written meanwhile is kept.\n"
    )

    refused = False
    assert run("60") == 0
    assert now() == {**before, "LogRetentionDays": "60", "Release": now()["Release"]}
    assert now()["Release"] != before["Release"]

    assert run("60") == 0
    assert capsys.readouterr().out.endswith("Nothing was deployed.\n")
