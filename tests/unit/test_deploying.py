"""`make deploy`: what it does when the deployment works, when it does not, and when it is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from ops.deploying import Tools, deploy
from ops.deployment import Deployment
from ops.errors import OpsError
from ops.parameters import Settings
from tally.operations.probe import ProbeFailed

SETTINGS = Settings("prod", "tally-prod", {"Stage": "prod"})
BROKEN = "dataset.created was accepted, but nobody counted it."


@dataclass
class Account:
    """An account with CloudFormation and SAM. `works` says which releases pass the smoke test."""

    folder: Path
    template: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    status: str = "UPDATE_COMPLETE"
    changed: datetime = datetime(2026, 4, 1, tzinfo=UTC)
    sam_status: int = 0
    declined: bool = False
    broken: set[str] = field(default_factory=set)
    commands: list[list[str]] = field(default_factory=list)
    went_back_to: list[str | None] = field(default_factory=list)

    def tools(self) -> Tools:
        saved = self.folder / "saved"
        return Tools(lambda _: self, self.sam, self.smoke_test, saved, self.gone_back)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803  as boto names it
        if self.template is None:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "D")
        given = [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()]
        outputs = [{"OutputKey": "TableName", "OutputValue": "table"}]
        stack = {
            "StackStatus": self.status,
            "Parameters": given,
            "Outputs": outputs,
            "CreationTime": self.changed,
        }
        return {"Stacks": [stack]}

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        assert (StackName, TemplateStage) == ("tally-prod", "Original")
        return {"TemplateBody": self.template}

    def sam(self, arguments: Sequence[str]) -> int:
        command = list(arguments)
        options = dict(each.split("=", 1) for each in command if "=" in each)
        self.commands.append([command[0], command[-1]])
        if self.declined or self.sam_status:
            return self.sam_status
        self.template = Path(options["--template-file"]).read_text()
        file = options["--parameter-overrides"].removeprefix("file://")
        self.parameters = json.loads(Path(file).read_text())
        self.changed += timedelta(days=1)
        return 0

    def gone_back(self, _: Deployment) -> None:
        self.went_back_to.append(self.template)

    def smoke_test(self, _: Deployment) -> None:
        if self.template in self.broken:
            raise ProbeFailed(BROKEN)


OLD = "Parameters: {Stage: {Type: String}}\n# old\n"
NEW = (
    "Parameters:\n"
    "  Stage: {Type: String, Default: dev}\n"
    "  Topic: {Type: String, Default: ''}\n"
    "  Architecture: {Type: String}\n"
    "  Release: {Type: String}\n"
)


@pytest.fixture
def account(tmp_path: Path) -> Account:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "template.yaml").write_text(NEW)
    return Account(tmp_path)


@pytest.fixture
def deployed(account: Account) -> Account:
    account.template, account.parameters = OLD, {"Stage": "prod", "Topic": "arn:pager"}
    return account


def run(account: Account, *, confirm: bool = True) -> int:
    return deploy(SETTINGS, account.tools(), account.folder / "build", "x86_64", confirm=confirm)


def test_a_deployment_has_all_parameters(
    deployed: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(deployed) == 0

    release = deployed.parameters["Release"]
    assert deployed.template == NEW
    assert deployed.parameters == {
        "Stage": "prod",
        "Topic": "arn:pager",
        "Architecture": "x86_64",
        "Release": release,
    }
    assert deployed.commands == [["deploy", "--confirm-changeset"]]
    assert capsys.readouterr().out == (
        "  Stage                    prod\n"
        "  Topic                    arn:pager\n"
        "  Architecture             x86_64\n"
        f"  Release                  {release}\n"
        "The smoke test passed: an event was counted and taken back.\n"
    )


def test_it_shows_which_parameters_change(
    deployed: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.parameters["Stage"] = "dev"

    assert run(deployed) == 0

    assert "  Stage                    prod   (was dev)\n" in capsys.readouterr().out


def test_nobody_is_asked_without_need(deployed: Account) -> None:
    assert run(deployed, confirm=False) == 0

    assert deployed.commands == [["deploy", "--no-confirm-changeset"]]


def test_changes_are_declined(deployed: Account, capsys: pytest.CaptureFixture[str]) -> None:
    deployed.declined = True

    assert run(deployed) == 0

    assert capsys.readouterr().out.endswith("Nothing was deployed.\n")
    assert deployed.template == OLD


def test_cloudformation_takes_a_failed_update_back(
    deployed: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.sam_status = 1

    assert run(deployed) == 1

    assert capsys.readouterr().out.endswith(
        "sam deploy failed: see above. CloudFormation takes a failed update back itself.\n"
    )
    assert len(deployed.commands) == 1


def test_a_failed_smoke_test_brings_back_what_was_deployed_before(
    deployed: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(deployed.parameters)
    deployed.broken = {NEW}

    assert run(deployed) == 1

    assert (deployed.template, deployed.parameters) == (OLD, before)
    assert deployed.went_back_to == [OLD]
    assert deployed.commands[1] == ["deploy", "--no-confirm-changeset"]
    saved = deployed.folder / "saved" / "tally-prod.before.yaml"
    assert capsys.readouterr().out.endswith(
        f"The smoke test failed: {BROKEN}\n"
        f"Deploying again what was deployed before ({saved}).\n"
        "The smoke test passed: an event was counted and taken back.\n"
        "Rolled back. What was written meanwhile is kept.\n"
    )


def test_what_was_deployed_before_may_not_work_either(
    deployed: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.broken = {NEW, OLD}

    assert run(deployed) == 1

    assert capsys.readouterr().out.endswith(
        f"The smoke test failed: {BROKEN}\n"
        "Rolled back, but it does not work either: the fault may be older or elsewhere.\n"
    )


def test_the_way_back_may_fail(deployed: Account, capsys: pytest.CaptureFixture[str]) -> None:
    deployed.broken = {NEW}
    tools, sam = deployed.tools(), Mock(side_effect=[0, 1])
    sam.side_effect = lambda arguments: deployed.sam(arguments) if sam.call_count == 1 else 1

    status = deploy(
        SETTINGS,
        Tools(tools.client, sam, tools.smoke_test, tools.saved),
        deployed.folder / "build",
        "x86_64",
        confirm=False,
    )

    assert status == 1
    assert capsys.readouterr().out.endswith(
        "That failed, too: tally-prod still has the new deployment.\n"
    )


def test_the_first_deployment_works(account: Account) -> None:
    assert run(account) == 0

    assert account.parameters["Topic"] == ""


def test_the_first_deployment_has_nothing_to_go_back_to(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    account.broken = {NEW}

    assert run(account) == 1

    assert len(account.commands) == 1
    assert capsys.readouterr().out.endswith(
        f"The smoke test failed: {BROKEN}\n"
        "This was the first deployment of tally-prod: there is nothing to go back to. Mend the "
        "cause and deploy again, or delete the stack:\n"
        "  sam delete --stack-name tally-prod\n"
        "The table outlives the stack. If nothing in it is needed, delete it as well:\n"
        "  aws dynamodb update-table --table-name NAME --no-deletion-protection-enabled\n"
        "  aws dynamodb delete-table --table-name NAME\n"
    )


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (
            "ROLLBACK_COMPLETE",
            (
                "The stack tally-prod is in the state ROLLBACK_COMPLETE: its first deployment or "
                "its deletion failed. Delete it first: sam delete --stack-name tally-prod"
            ),
        ),
        (
            "UPDATE_IN_PROGRESS",
            "The stack tally-prod is in the state UPDATE_IN_PROGRESS: somebody is deploying.",
        ),
    ],
)
def test_nothing_can_be_deployed(deployed: Account, status: str, message: str) -> None:
    deployed.status = status

    with pytest.raises(OpsError) as refused:
        run(deployed)

    assert str(refused.value) == message
    assert deployed.commands == []


def test_a_changeset_that_was_never_confirmed_is_no_deployment(deployed: Account) -> None:
    deployed.status = "REVIEW_IN_PROGRESS"
    tools = deployed.tools()

    def sam(arguments: Sequence[str]) -> int:
        deployed.status = "CREATE_COMPLETE"
        return deployed.sam(arguments)

    build = deployed.folder / "build"
    ours = Tools(tools.client, sam, tools.smoke_test, tools.saved)
    assert deploy(SETTINGS, ours, build, "arm64", confirm=True) == 0
    assert deployed.parameters["Topic"] == ""
