"""In Lambda's container, every function answers as it does on the embedded AWS, body for body.

Everything goes through the commands of `make up`, `make api` and `make invoke`, from a shell whose
variables speak of another account.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import botocore.session
import pytest

from dev.containers import base_image, docker, has_image
from dev.emulator import free_port
from dev.sam_local import deployed_functions, failure, sam_local
from dev.samples import filled, sample_file
from dev.stack import LocalStack, Response
from dev.template import Route, fallbacks, functions, pages, routes
from ops.deployment import local_client
from ops.errors import OpsError
from tally.aws.table import Table
from tally.payouts.runs import list_runs
from tests.builders import event
from tests.stack.client import eventually
from tests.unit.test_sam_local import HOSTILE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("containers")]

# What differs between two answers to the same request.
VOLATILE = re.compile(r'("(?:request_id|timestamp)": )"[^"]*"')
# And what differs between two things that were made by the same request. A key that was rotated
# before has an end, and so has what replaces it then.
MADE = re.compile(
    r'("(?:api_key_id|key|key_prefix|session_token|tenant_id|payout_run_id|\w+_at)": )'
    r'(?:"[^"]*"|null)'
)
# What is left of a limit: every request counts.
LEFT = re.compile(r"[rt]=\d+")
LEFT_HEADERS = {"x-ratelimit-remaining", "x-ratelimit-reset"}
# What the server says about itself and the connection.
OF_THE_SERVER = {"connection", "content-length", "date", "server", "x-request-id"} | {
    "x-amz-request-id",
    "x-amzn-requestid",
}
OVER_HTTP = {route.function for route in (*routes(), *pages(), *fallbacks())}
TRIGGERS = [name for name in functions() if name not in OVER_HTTP]
# A second time, their samples do something else: tests of their own send these.
ONCE = {"IngestEvents", "ChangePayoutStatus"}
PULL_S = 300


@dataclass(frozen=True)
class Containers:
    """The same stack twice: on the embedded AWS, and its functions in containers."""

    embedded: LocalStack
    in_containers: LocalStack
    lambda_url: str
    found: Mapping[str, Any]
    home: Path

    def both(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[Response, Response]:
        """The answers of a container and of the embedded AWS to one request."""
        return (
            self.in_containers.request(method, path, headers=headers, body=body),
            self.embedded.request(method, path, headers=headers, body=body),
        )

    def invoke(self, function: str, event_text: str) -> Any:
        """The payload of an invocation in a container."""
        client = local_client(self.lambda_url, "lambda")
        invoked = client.invoke(FunctionName=function, Payload=event_text.encode())
        return json.loads(invoked["Payload"].read())

    def invoke_embedded(self, function: str, event_text: str) -> Any:
        """The payload of the same invocation on the embedded AWS."""
        described = self.embedded.client("cloudformation").describe_stack_resource(
            StackName=self.embedded.stack_name, LogicalResourceId=function
        )
        invoked = self.embedded.client("lambda").invoke(
            FunctionName=described["StackResourceDetail"]["PhysicalResourceId"],
            Payload=event_text.encode(),
        )
        return json.loads(invoked["Payload"].read())


def shell() -> dict[str, str]:
    """The environment of a developer who usually works on another account."""
    return os.environ | {name: v for name, v in HOSTILE.items() if name != "HTTPS_PROXY"}


@cache
def obstacle() -> str:
    """Why no container can run here; empty if one can."""
    try:
        docker("info")
    except OpsError as error:
        return str(error)
    if not has_image(base_image()):
        pull = ["docker", "pull", "--quiet", base_image()]
        try:
            subprocess.run(pull, check=True, capture_output=True, timeout=PULL_S)  # noqa: S603
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return f"{base_image()} is not on this machine and could not be pulled."
    return ""


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    if reason := obstacle():
        if os.environ.get("CONTAINERS") == "required":  # as in CI, where there is Docker
            pytest.fail(reason)
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("containers")
    up = [sys.executable, "-m", "dev.up", "--dir", str(home)]
    try:
        subprocess.run([*up, "--port", str(free_port())], check=True, env=shell())  # noqa: S603
        found = json.loads((home / "stack.json").read_text())
        names = ("api_url", "endpoint_url", "region", "stack_name", "table_name")
        embedded = LocalStack(**{name: found[name] for name in names}, outputs={})
        with served_api(home) as api_url, served_lambda(home, found) as lambda_url:
            in_containers = replace(embedded, api_url=api_url)
            yield Containers(embedded, in_containers, lambda_url, found, home)
    finally:
        subprocess.run([*up, "--down"], check=True)  # noqa: S603 - our own program


@contextmanager
def served_api(home: Path) -> Iterator[str]:
    """`make api`, until SIGTERM, which must leave neither containers nor files behind."""
    port = free_port()
    command = [sys.executable, "-m", "dev.sam_local", "--dir", str(home), "api", f"--port={port}"]
    with (
        (home / "api.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=shell()) as process,  # noqa: S603
    ):
        try:
            eventually(lambda: process.poll() is not None or answers(port), expected=True)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
    assert process.returncode == 0, (home / "api.log").read_text()
    assert list(home.glob("sam-*")) == []
    assert running(home) == set()


@contextmanager
def served_lambda(home: Path, found: Mapping[str, Any]) -> Iterator[str]:
    """Lambda itself, as `make invoke` has it: one sam for all invocations is quicker."""
    port = free_port()
    arguments = ("start-lambda", f"--port={port}", "--warm-containers=LAZY")
    with (
        (home / "lambda.log").open("wb") as log,
        sam_local(home, found) as sam,
        sam.running(*arguments, stdin=subprocess.DEVNULL, stderr=log.fileno()),
    ):
        eventually(lambda: answers(port), expected=True)
        yield f"http://127.0.0.1:{port}"


def running(home: Path) -> set[str]:
    """The containers that mount code of this stack."""
    listed = docker("ps", "--all", "--no-trunc", "--format={{.ID}} {{.Mounts}}").splitlines()
    return {line.partition(" ")[0] for line in listed if str(home) in line}


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# ---------------------------------------------------------------------------- over HTTP


type Request = tuple[str, str, dict[str, str], bytes | None]
"""Method, path with its query, headers, body."""


def sample_request(containers: Containers, function: str) -> Request:
    sample = json.loads(filled(sample_file(function), containers.found))
    query = urlencode(sample["queryStringParameters"] or {})
    body = sample["body"].encode() if sample["body"] else None
    path = f"{sample['path']}?{query}" if query else sample["path"]
    return sample["httpMethod"], path, sample["headers"], body


def requests(containers: Containers, route: Route) -> Iterator[Request]:
    """The route's sample, and what it refuses."""
    method, path, headers, body = sample_request(containers, route.function)
    if route.function not in ONCE:
        yield method, path, headers, body
    yield method, path, headers | {"X-API-Key": ""}, body
    yield method, path, headers | {"X-API-Key": "ipto_agiv3yjkmux6_none"}, body
    yield method, path, headers | {"X-API-Key": containers.found["events_key"]}, b"{"
    yield method, path, headers, b"{"
    yield method, path, headers | {"Content-Type": "text/plain"}, b"caf\xe9"
    yield method, f"{route.path.replace('{id}', 'none')}?limit=0&cursor=none", headers, b"[]"
    if method == "GET":
        yield method, f"{path.partition('?')[0]}?limit=1&pageSize=1", headers, None


def shown(response: Response, *, made: bool) -> tuple[int, Mapping[str, str], str]:
    text = VOLATILE.sub(r'\1"..."', response.body.decode())
    headers = {
        name: "..." if name in LEFT_HEADERS else LEFT.sub("...", value)
        for name, value in response.headers.items()
        if name not in OF_THE_SERVER
    }
    return response.status, headers, MADE.sub(r'\1"..."', text) if made else text


@pytest.mark.parametrize("route", routes(), ids=str)
def test_a_route_answers_alike(containers: Containers, route: Route) -> None:
    for request in requests(containers, route):
        if request[0] == "GET":  # a payout run may come to its end between the two answers
            eventually(partial(difference, containers, request), None)
        else:
            assert difference(containers, request) is None


def difference(containers: Containers, request: Request) -> object:
    """The request and both answers; None if these are alike."""
    method, path, headers, body = request
    in_container, embedded = containers.both(method, path, headers, body)
    made = method == "POST" and embedded.status < 300
    answers = shown(in_container, made=made), shown(embedded, made=made)
    return None if answers[0] == answers[1] else (method, path, body, *answers)


def test_samples_succeed(containers: Containers) -> None:
    for route in routes():
        if route.function not in ONCE:
            method, path, headers, body = sample_request(containers, route.function)
            answer = containers.in_containers.request(method, path, headers=headers, body=body)
            assert answer.status in (200, 201, 202), (str(route), answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nowhere"),
        ("GET", "/"),
        ("DELETE", "/v1/events"),
        ("HEAD", "/v1/events"),  # sam itself fails on a HEAD of a path with GET
        ("OPTIONS", "/v1/events"),
    ],
)
def test_what_no_route_serves_is_answered_alike(
    containers: Containers, method: str, path: str
) -> None:
    in_container, embedded = containers.both(method, path, {"Origin": "https://app.example.com"})

    assert shown(in_container, made=False) == shown(embedded, made=False)


def test_an_event_counts_once_whichever_way_it_is_sent(containers: Containers) -> None:
    def send(stack: LocalStack, name: str) -> Response:
        _, path, headers, body = sample_request(containers, "IngestEvents")
        assert body is not None
        events = body.replace(b"sample", name.encode())
        return stack.request("POST", path, headers=headers, body=events)

    accepted = send(containers.in_containers, "sample-a")
    repeated = send(containers.embedded, "sample-a")
    again = send(containers.in_containers, "sample-a")
    accepted_there = send(containers.embedded, "sample-b")
    repeated_here = send(containers.in_containers, "sample-b")

    assert accepted.status == 202
    results = [result["status"] for result in repeated.json()["data"]["results"]]
    assert set(results) == {"duplicate"}
    assert shown(repeated, made=False) == shown(again, made=False)
    as_a = accepted_there.body.replace(b"sample-b", b"sample-a")
    assert shown(replace(accepted_there, body=as_a), made=False) == shown(accepted, made=False)
    as_a = repeated_here.body.replace(b"sample-b", b"sample-a")
    assert shown(replace(repeated_here, body=as_a), made=False) == shown(repeated, made=False)


def test_a_payment_goes_on_wherever_its_status_is_changed(containers: Containers) -> None:
    def change(stack: LocalStack, status: str) -> tuple[int, Mapping[str, str], str]:
        _, path, headers, _ = sample_request(containers, "ChangePayoutStatus")
        body = json.dumps({"status": status}).encode()
        return shown(stack.request("POST", path, headers=headers, body=body), made=False)

    processing = change(containers.in_containers, "processing")
    refused = change(containers.embedded, "processing")
    refused_here = change(containers.in_containers, "processing")
    failed = change(containers.embedded, "failed")
    processing_again = change(containers.embedded, "processing")
    failed_here = change(containers.in_containers, "failed")

    assert (processing[0], refused[0], failed[0]) == (200, 409, 200)
    assert (processing_again, refused_here, failed_here) == (processing, refused, failed)


# ------------------------------------------------------------------------------ triggers


@pytest.mark.parametrize("function", TRIGGERS)
def test_a_trigger_answers_alike(containers: Containers, function: str) -> None:
    sample = filled(sample_file(function), containers.found)

    answer = containers.invoke(function, sample)

    assert failure(json.dumps(answer)) == ""
    assert answer == containers.invoke_embedded(function, sample)


def test_a_message_of_the_queue_and_a_request_are_one_event(containers: Containers) -> None:
    about = {"tenant_id": "demo-provider", "dataset_id": "dset_sent_twice", "name": "Sent twice"}
    said = event("dataset.created", id=str(uuid4()), **about)
    record = json.loads(filled(sample_file("ReceiveEvents"), containers.found))["Records"][0]
    detail = {"source": said["source"], "detail-type": said["type"], "detail": said}
    message = record | {"body": json.dumps(json.loads(record["body"]) | detail)}

    containers.invoke("ReceiveEvents", json.dumps({"Records": [message]}))

    key = {"X-API-Key": containers.found["events_key"]}
    answer = containers.embedded.request("POST", "/v1/events", headers=key, json=[said])
    assert [each["status"] for each in answer.json()["data"]["results"]] == ["duplicate"]


# ------------------------------------------------------------------------- the command


def invoke(containers: Containers, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make invoke`"""
    return subprocess.run(  # noqa: S603 - our own program
        [
            sys.executable,
            "-m",
            "dev.sam_local",
            "--dir",
            str(containers.home),
            "invoke",
            *arguments,
        ],
        check=False,
        capture_output=True,
        text=True,
        env=shell(),
        timeout=300,
    )


def test_a_sample_is_invoked_by_its_function_s_name(containers: Containers) -> None:
    invoked = invoke(containers, "ProviderDashboard")

    sample = filled(sample_file("ProviderDashboard"), containers.found)
    embedded = containers.invoke_embedded("ProviderDashboard", sample)
    answer = json.loads(invoked.stdout)
    assert invoked.returncode == 0
    assert VOLATILE.sub("", answer.pop("body")) == VOLATILE.sub("", embedded.pop("body"))
    for each in (answer, embedded):
        each["multiValueHeaders"]["RateLimit"] = LEFT.sub(
            "...", str(each["multiValueHeaders"]["RateLimit"])
        )
    assert answer == embedded


def test_a_task_of_an_unknown_run_fails_and_leaves_nothing_behind(containers: Containers) -> None:
    table = Table(containers.embedded.client("dynamodb"), containers.embedded.table_name)
    before = list(list_runs(table))
    sample = filled(sample_file("GeneratePayout"), containers.found)
    message = containers.home / "unknown.json"
    message.write_text(sample.replace(containers.found["demo"]["payout_run_id"], "run_unknown"))

    invoked = invoke(containers, "GeneratePayout", "--event", str(message))

    why = "Payout run run_unknown of 2026-03 does not exist."
    embedded = containers.invoke_embedded("GeneratePayout", message.read_text())
    assert json.loads(invoked.stdout)["errorMessage"] == embedded["errorMessage"] == why
    assert invoked.stderr.endswith(f"\nGeneratePayout failed: NotFound: {why}\n")
    assert invoked.returncode == 1
    assert list(list_runs(table)) == before


def test_an_interrupted_invocation_leaves_no_container(containers: Containers) -> None:
    before = running(containers.home)
    command = [sys.executable, "-m", "dev.sam_local", "--dir", str(containers.home)]
    with subprocess.Popen(  # noqa: S603 - our own program
        [*command, "invoke", "StartPayouts"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=shell(),
    ) as process:
        eventually(lambda: len(running(containers.home)), len(before) + 1)
        process.terminate()

    assert process.returncode == 1
    assert running(containers.home) == before


def test_each_function_has_its_own_role(containers: Containers) -> None:
    stack = containers.embedded
    deployed = deployed_functions(stack.endpoint_url, stack.stack_name, list(functions()))

    roles = {}
    for name, each in deployed.items():
        credentials = each.credentials
        session: Any = botocore.session.Session()
        sts = session.create_client(
            "sts",
            region_name=stack.region,
            endpoint_url=stack.endpoint_url,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )
        roles[name] = sts.get_caller_identity()["Arn"].split("/")[1]
    assert roles == {n: each.settings["Role"].split("/")[-1] for n, each in deployed.items()}
    assert len(set(roles.values())) == len(functions())
