"""`tally oidc`: what operators see of linked clients."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ops.cli import parser
from ops.deployment import Deployment
from tally.kernel.errors import AlreadyExists, NotFound
from tests.world import World

ARN = "arn:aws:sts::123456789012:assumed-role/operator/me"


@pytest.fixture
def deployed(world: World) -> Deployment:
    world.tenant("acme")
    world.tenant("globex")
    sts = SimpleNamespace(get_caller_identity=lambda: {"Arn": ARN})
    return Deployment(world.table, {}, None, None, sts=sts)


def run(deployed: Deployment, *arguments: str) -> int:
    parsed = parser().parse_args(["oidc", *arguments])
    status: int = parsed.run(deployed, parsed)
    return status


def test_clients_are_linked_listed_and_unlinked(
    deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(deployed, "list") == 0
    assert run(deployed, "link", "web", "globex") == 0
    assert run(deployed, "link", "app", "acme") == 0
    assert run(deployed, "link", "app", "acme") == 0
    assert run(deployed, "unlink", "web") == 0
    assert capsys.readouterr().out.splitlines() == [
        "No client is linked.",
        "Access tokens of web stand for globex.",
        "Access tokens of app stand for acme.",
        "Access tokens of app stand for acme.",
        "Access tokens of web no longer stand for globex.",
    ]
    run(deployed, "list")
    listed = capsys.readouterr().out
    assert listed.startswith("app  acme  since 20")
    assert listed.count("\n") == 1


def test_what_cannot_be_done_changes_nothing(deployed: Deployment, world: World) -> None:
    run(deployed, "link", "app", "acme")

    with world.unchanged():
        with pytest.raises(AlreadyExists):
            run(deployed, "link", "app", "globex")
        with pytest.raises(NotFound):
            run(deployed, "link", "web", "nobody")
        with pytest.raises(NotFound):
            run(deployed, "unlink", "web")


def test_the_trail_names_the_operator(deployed: Deployment, world: World) -> None:
    run(deployed, "link", "app", "acme")

    assert [
        (entry["deed"]["S"], entry["actor"]["S"])
        for entry in world.items()
        if entry.get("target") == {"S": "app"}
    ] == [("oidc_client.linked", ARN)]
