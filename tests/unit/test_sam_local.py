"""What `make invoke` and `make api` give to sam, and what they make of its answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dev import ROOT, stack
from dev.containers import bridge_address, forwarded
from dev.local_template import Deployed, local_template, read_template, variables
from dev.sam_local import failure, sam_environment
from dev.samples import filled, sample_file
from dev.template import functions
from ops.errors import OpsError

ENDPOINT = "http://host.docker.internal:49152"
STACK = {"admin_key": "ipto_admin", "events_key": "ipto_events", "demo": {"payout_id": "pst_1"}}

# What a developer's shell may say of an account, and what sam would pass on to a function.
HOSTILE = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": "https://dynamodb.eu-west-1.amazonaws.com",
    "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-west-1.amazonaws.com",
    "AWS_CONFIG_FILE": "/home/me/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/home/me/.aws/credentials",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "SAM_CLI_BETA_FEATURES": "1",
    "HTTPS_PROXY": "http://proxy.example.com:3128",
    "TABLE_NAME": "production-table",
}


# -------------------------------------------------------------------- nothing of an account


def test_sam_is_given_nothing_of_the_callers_account() -> None:
    given = sam_environment(HOSTILE | {"HOME": "/home/me", "PATH": "/usr/bin"})

    assert given == {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "HOME": "/home/me",
        "NO_PROXY": "*",
        "PATH": stack.search_path(),
        "SAM_CLI_TELEMETRY": "0",
    }


def test_a_build_and_a_deployment_are_given_nothing_of_it_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)

    given = stack.environment("http://127.0.0.1:4566")

    assert {n: v for n, v in given.items() if n.startswith(("AWS_", "SAM_"))} == {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_POLL_DELAY": "0.2",
        "SAM_CLI_TELEMETRY": "0",
    }


def deployed(own: Mapping[str, str]) -> Deployed:
    settings = {
        "Handler": "app.handler",
        "Runtime": "python3.13",
        "MemorySize": 512,
        "Timeout": 10,
        "Role": "arn:aws:iam::000000000000:role/tally-local-Role",
        "Environment": {"Variables": own},
    }
    credentials = {
        "AccessKeyId": "ASIAROLE",
        "SecretAccessKey": "role",
        "SessionToken": "session",
        "Expiration": "2026-04-05T22:00:00Z",
    }
    return Deployed(settings, credentials)


def test_a_function_has_its_own_variables_and_role_and_no_way_to_another_aws() -> None:
    own = {"TABLE_NAME": "tally-local-Table", "AWS_ENDPOINT_URL_DYNAMODB": "https://elsewhere"}

    assert variables(deployed(own), ENDPOINT) == {
        "TABLE_NAME": "tally-local-Table",
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_ACCESS_KEY_ID": "ASIAROLE",
        "AWS_SECRET_ACCESS_KEY": "role",
        "AWS_SESSION_TOKEN": "session",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


# ------------------------------------------------------------------------- the template


def test_the_template_holds_what_is_wanted_and_nothing_to_resolve() -> None:
    template = read_template(ROOT / "template.yaml")
    function = deployed({"TABLE_NAME": "tally-local-Table"})
    code = Path("/work/code")
    wanted = {"ProviderDashboard": function, "CountChanges": function}

    made = local_template(template, code, wanted, ENDPOINT, "x86_64")

    common = {
        "Handler": "app.handler",
        "Runtime": "python3.13",
        "MemorySize": 512,
        "Timeout": 10,
        "Architectures": ["x86_64"],
        "Environment": {"Variables": variables(function, ENDPOINT)},
    }
    route = {"RestApiId": {"Ref": "Api"}, "Method": "GET", "Path": "/v1/provider/dashboard"}
    resources: dict[str, Any] = made["Resources"]
    for each in wanted:
        logging = resources[each]["Properties"].pop("LoggingConfig")
        assert (logging["LogFormat"], "LogGroup" in logging) == ("JSON", False)
    assert resources == {
        "Api": {
            "Type": "AWS::Serverless::Api",
            "Properties": {"StageName": "live", "BinaryMediaTypes": ["*~1*"]},
        },
        "ProviderDashboard": {
            "Type": "AWS::Serverless::Function",
            "Properties": common
            | {
                "CodeUri": "/work/code/ProviderDashboard",
                "Events": {"Http": {"Type": "Api", "Properties": route}},
            },
        },
        "CountChanges": {
            "Type": "AWS::Serverless::Function",
            "Properties": common | {"CodeUri": "/work/code/CountChanges", "Events": {}},
        },
    }


# -------------------------------------------------------------------------- the samples


@pytest.mark.parametrize("function", functions())
def test_a_sample_names_only_what_the_demo_has(function: str) -> None:
    keys = ("provider_key", "buyer_key", "agent_key", "partner_key")
    ids = ("payout_id", "payout_run_id", "pending_payout_id", "revoked_key_id", "spare_key_id")
    loaded = STACK | {"demo": {name: f"demo-{name}" for name in (*keys, *ids)}}

    text = filled(sample_file(function), loaded)

    assert "$" not in text
    json.loads(text)


def test_placeholders_are_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text('{"key": "${events_key}", "path": "/payouts/${payout_id}", "cost": "$5"}')

    assert filled(file, STACK) == ('{"key": "ipto_events", "path": "/payouts/pst_1", "cost": "$5"}')


def test_a_stack_without_the_demo_says_what_is_missing() -> None:
    empty = {name: value for name, value in STACK.items() if name != "demo"}

    with pytest.raises(OpsError) as refusal:
        filled(sample_file("ShowPayout"), empty)

    assert str(refusal.value) == (
        "ShowPayout.json needs payout_id, provider_key, which the local stack does not have: "
        "start it with demo data (make up), or replace the placeholders in a copy of the file."
    )


def test_an_unknown_function_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match=r"no function 'Dashboard'.* ProviderDashboard"):
        sample_file("Dashboard")
    with pytest.raises(OpsError, match=r"no event file .*none\.json"):
        filled(tmp_path / "none.json", STACK)


# -------------------------------------------------------------------------- the answers


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("null", ""),
        ('{"batchItemFailures": []}', ""),
        ('{"statusCode": 404, "body": "{}"}', ""),
        ('{"statusCode": 502, "body": "{}"}', "it answered 502; its log is above."),
        (
            '{"errorMessage": "Payout run run_1 does not exist.", "errorType": "NotFound"}',
            "NotFound: Payout run run_1 does not exist.",
        ),
        ('{"errorMessage": "Task timed out"}', "Task timed out"),
        ('{"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}', "2 of"),
        ("", "it ended without an answer"),
    ],
)
def test_a_failure_is_read_from_the_answer(answer: str, reason: str) -> None:
    assert failure(answer).startswith(reason)
    assert bool(failure(answer)) == bool(reason)


# --------------------------------------------------------------------- reaching this machine


@pytest.mark.parametrize(
    ("config", "address"),
    [
        ([{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}], "172.17.0.1"),
        ([{"Subnet": "172.17.0.0/16"}], "172.17.0.1"),
        (
            [{"Subnet": "fd00::/64"}, {"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.254"}],
            "10.9.0.254",
        ),
    ],
)
def test_the_bridge_has_an_address(config: list[dict[str, str]], address: str) -> None:
    assert bridge_address([{"IPAM": {"Config": config}}]) == address


def test_a_connection_is_forwarded_both_ways_and_only_as_long_as_wanted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with (
            forwarded("127.0.0.1", server.getsockname()[1]) as port,
            socket.create_connection(("127.0.0.1", port)) as client,
        ):
            upstream, _ = server.accept()
            with upstream, upstream.makefile("rb") as question:
                client.sendall(b"question")
                client.shutdown(socket.SHUT_WR)
                asked = question.read()
                upstream.sendall(b"answer")
            with client.makefile("rb") as answer:
                answered = answer.read()
        with socket.socket() as probe:
            refused = probe.connect_ex(("127.0.0.1", port))

    assert (asked, answered) == (b"question", b"answer")
    assert refused != 0


# -------------------------------------------------------------------- what is not there


def run(*arguments: str, path: str = os.defpath) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "dev.sam_local", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": path, "HOME": "/nonexistent"},
        cwd=ROOT,
        timeout=60,
    )


def test_without_a_running_stack_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = run("--dir", str(tmp_path), "api")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "\nNo local stack is running: `make up` starts one.\n"


def test_without_docker_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps(STACK))
    event = tmp_path / "event.json"
    event.write_text("{}")

    done = run(
        *("--dir", str(tmp_path), "invoke", "StartPayouts", "--event", str(event)),
        path=str(tmp_path),
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "\nDocker is not installed. Functions run in Lambda's container only with it: "
        "https://docs.docker.com/get-docker/. Without it, use `sam remote invoke` "
        "(docs/operations.md).\n"
    )
