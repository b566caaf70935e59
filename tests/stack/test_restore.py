"""The drill of a restore on the embedded AWS: restored, checked, put in use, and back."""

from __future__ import annotations

import re
import shutil
import subprocess
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev import ROOT
from dev.first_keys import issue
from dev.own_stack import DeployedStack, own_stack
from dev.stack import CONFIG, architecture, environment
from ops.deploying import Tools, deploy
from ops.deployment import Deployment, deployment_of
from ops.parameters import settings_of
from ops.restore import restore_table
from ops.smoke import smoke
from tally.aws.table import Table
from tally.counting.recount import recount
from tally.operations.probe import Timing
from tests.builders import event
from tests.stack.client import Client, eventually

SETTINGS = settings_of("local", CONFIG)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[DeployedStack]:
    """A stack of its own: its table is replaced."""
    with own_stack(tmp_path / "stack") as stack:
        yield stack


def put_in_use(
    own: DeployedStack, saved: Path, parameters: Mapping[str, str], release: str
) -> None:
    """As the runbook says. The smoke test sends an event and reads its count."""

    def sam(arguments: Sequence[str]) -> int:
        command, env = ["sam", *arguments], environment(own.endpoint_url)
        return subprocess.run(  # noqa: S603  SAM, as `make deploy` runs it
            command, cwd=ROOT, env=env, check=False, capture_output=True
        ).returncode

    def smoke_test(deployment: Deployment) -> None:
        smoke(deployment, own.api_url, Timing(patience_s=30))

    build = saved / "build"
    shutil.copytree(own.built, build, dirs_exist_ok=True)
    # CloudFormation publishes versions for a new release; the embedded AWS looks at the parameter's
    # default instead of its value.
    template = (own.built / "template.yaml").read_text()
    replaced, times = re.subn(
        r"(  Release:\n(?:    .*\n)*?    Default: )''", rf"\1'{release}'", template
    )
    assert times == 1
    (build / "template.yaml").write_text(replaced)
    wanted = replace(SETTINGS, parameters={**SETTINGS.parameters, **parameters})
    tools = Tools(own.client, sam, smoke_test, saved)
    assert deploy(wanted, tools, build, architecture(), confirm=False) == 0


def test_a_restored_table_is_put_in_use_and_the_stacks_own_again(
    own: DeployedStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(own, issue(own))
    tenant_id, key = client.tenant()
    about = {"tenant_id": tenant_id, "dataset_id": f"{tenant_id}-d1"}

    def total(field: str) -> Any:
        return client.call("GET", "/v1/provider/dashboard", key)[field]

    def send(kind: str, **data: Any) -> None:
        client.call("POST", "/v1/events", client.keys.events_key, event(kind, **about, **data))

    send("dataset.created", name="One")
    eventually(lambda: total("total_datasets"), 1)
    deployed = deployment_of(own.client, own.stack_name)
    asked = Namespace(at=None, name="restored", drill=False, pause=0.1)
    assert restore_table(deployed, asked) == 0
    shown = capsys.readouterr().out.splitlines()[-2:]
    parameters = dict(line.strip().split("=", 1) for line in shown)
    send("object.uploaded", object_id="after", size_bytes=1)
    eventually(lambda: total("total_objects"), 1)

    put_in_use(own, tmp_path / "saved", parameters, "a")

    assert deployment_of(own.client, own.stack_name).outputs["TableName"] == "restored"
    assert total("total_objects") == 0, "it happened after the time of the restored table"
    send("object.uploaded", object_id="again", size_bytes=2)
    eventually(lambda: total("total_storage_bytes"), 2)
    restored = Table(own.client("dynamodb"), "restored")
    assert recount(restored, tenant_id, pause_s=0.1) == []

    put_in_use(own, tmp_path / "saved", {"RestoredTable": "", "RestoredTableStream": ""}, "b")

    assert deployment_of(own.client, own.stack_name).table.name == own.table_name
    assert (total("total_objects"), total("total_storage_bytes")) == (1, 1)


def test_a_drill_leaves_nothing_behind(own: DeployedStack) -> None:
    deployed = deployment_of(own.client, own.stack_name)
    asked = Namespace(at=None, name=None, drill=True, pause=0.1)

    assert restore_table(deployed, asked) == 0

    assert own.client("dynamodb").list_tables()["TableNames"] == [own.table_name]
