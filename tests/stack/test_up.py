import json
import socket
import subprocess
import sys
from pathlib import Path

from dev import emulator
from dev.emulator import free_port
from dev.own_stack import DeployedStack
from dev.stack import LocalStack


def dev_up(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "dev.up", "--dir", str(folder), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_up_starts_an_empty_stack_and_down_stops_it(tmp_path: Path) -> None:
    port = free_port()
    try:
        up = dev_up(tmp_path, "--no-demo", "--port", str(port))
        assert (up.returncode, up.stderr) == (0, "")
        file = tmp_path / "stack.json"
        stack = json.loads(file.read_text())
        assert set(stack) == {
            "api_url",
            "admin_key",
            "events_key",
            "endpoint_url",
            "region",
            "table_name",
            "stack_name",
            "oidc",
        }
        assert stack["endpoint_url"] == f"http://127.0.0.1:{port}"
        assert file.stat().st_mode & 0o777 == 0o600
        dashboard = f"{stack['api_url']}/v1/provider/dashboard"
        assert f"curl -H 'X-API-Key: {stack['admin_key']}' {dashboard}\n" in up.stdout
        local = LocalStack(
            **{name: stack[name] for name in stack if not name.endswith(("_key", "oidc"))},
            outputs={},
        )
        answer = local.request(
            "GET", "/v1/provider/dashboard", headers={"X-API-Key": stack["admin_key"]}
        )
        assert answer.status == 200
    finally:
        down = dev_up(tmp_path, "--down")
    assert (down.returncode, down.stdout) == (0, "The local stack is stopped.\n")
    assert not file.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert dev_up(tmp_path, "--down").stdout == "No local stack is running.\n"


def test_up_says_what_to_do_when_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = dev_up(tmp_path, "--port", str(port))
    assert up.returncode == 1
    assert f"Port {port} is taken" in up.stderr
    assert f"make up PORT={port + 10}" in up.stderr
    assert not (tmp_path / "stack.json").exists()


def test_stop_spares_a_process_that_got_the_old_pid(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        (tmp_path / "emulator.pid").write_text(str(bystander.pid))
        assert emulator.stop(tmp_path) is False
        assert bystander.poll() is None
        bystander.communicate(b"\n")
    assert bystander.returncode == 0


def test_the_api_itself_answers_what_no_function_serves(stack: DeployedStack) -> None:
    answer = stack.request("GET", "/v1/nothing")
    assert answer.status == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
