"""The smoke test that follows a deployment, through real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from ops import cli
from ops.deployment import Deployment
from ops.smoke import TENANT_ID
from tally.access.api_keys import list_api_keys
from tally.aws.table import Table
from tests.stack.client import Client, eventually


@pytest.fixture
def deployed(client: Client, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """What the command finds."""
    stack = client.stack
    found = Deployment(
        Table(stack.client("dynamodb"), stack.table_name),
        {**stack.outputs, "StageUrl": stack.api_url},
        stack.client("s3"),
        stack.client("sqs"),
    )
    monkeypatch.setattr(cli, "find_deployment", lambda _: found)
    return found


def names_of_keys(deployed: Deployment) -> set[str]:
    tenants = (deployed.outputs["PlatformTenantId"], TENANT_ID)
    pages = [list_api_keys(deployed.table, tenant, limit=100) for tenant in tenants]
    return {key.name for page in pages for key in page.rows}


@contextmanager
def counting_stopped(client: Client) -> Iterator[None]:
    functions = client.stack.client("lambda")
    function = client.stack.outputs["CountFunction"]
    (mapping,) = functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]

    def switch(*, on: bool) -> None:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
        state = partial(functions.get_event_source_mapping, UUID=mapping["UUID"])
        eventually(lambda: state()["State"], "Enabled" if on else "Disabled")

    switch(on=False)
    try:
        yield
    finally:
        switch(on=True)


def datasets(client: Client) -> int:
    path = f"/v1/admin/tenants/{TENANT_ID}/api-keys"
    wanted = {"name": "Look", "scopes": ["usage:read"]}
    key = client.call("POST", path, client.keys.admin_key, wanted)["key"]
    shown: int = client.call("GET", "/v1/provider/dashboard", key)["total_datasets"]
    return shown


def test_a_deployment_works(
    client: Client, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["smoke"]) == 0

    said = capsys.readouterr().out
    assert said.startswith(f"The smoke test of {client.stack.api_url} passed: an event was counted")
    assert "Probe" not in names_of_keys(deployed)
    assert datasets(client) == 0


def test_nobody_answers(deployed: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = "http://127.0.0.1:9"

    assert cli.main(["smoke", "--url", nowhere, "--patience", "1"]) == 1

    assert re.fullmatch(
        rf"The smoke test of {nowhere} failed: GET /v1/provider/dashboard got no answer: "
        r"<urlopen error \[Errno \d+\] Connection refused>\n",
        capsys.readouterr().out,
    )
    assert "Probe" not in names_of_keys(deployed)


def test_the_count_never_arrives(
    client: Client, deployed: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    with counting_stopped(client):
        assert cli.main(["smoke", "--patience", "2"]) == 1

    said = capsys.readouterr().out
    assert said.startswith(
        f"The smoke test of {client.stack.api_url} failed: dataset.created was accepted, but "
    )
    assert said.endswith("total_datasets is still 0, not 1. See the log of CountChanges.\n")
    assert "Probe" not in names_of_keys(deployed)
    eventually(lambda: datasets(client), 0)


def test_an_address_that_is_none(deployed: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["smoke", "--url", "http://api.example.com"]) == 2

    assert capsys.readouterr().err == "tally: http://api.example.com must begin with https://\n"
    assert "Probe" not in names_of_keys(deployed)
