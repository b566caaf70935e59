"""`make invoke` and `make api`: functions in Lambda's container, against the running local stack.

They run the present code with the settings and under the role of the deployed function.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from dev import stack
from dev.containers import docker_environment, image_of, reachable, remove_containers
from dev.local_template import Deployed, local_template, read_template
from dev.samples import filled, sample_file
from ops.deployment import local_client
from ops.errors import OpsError, exit_status

PORT_API = 3000
KEPT = ("HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "USER", "XDG_RUNTIME_DIR")
_LONGEST_SESSION_S = 12 * 3600
_STOP_S = 5  # it may never end when its container was removed


@dataclass(frozen=True)
class Sam:
    """`sam local` in a folder with a template for it; `options` hold for every command."""

    folder: Path
    environment: Mapping[str, str]
    options: tuple[str, ...]

    @contextmanager
    def running(
        self, *arguments: str, stdin: int, stderr: int | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """A command whose output can be read. Interrupted in the end, it removes its containers."""
        process = subprocess.Popen(
            ["sam", "local", *arguments, *self.options],
            cwd=self.folder,
            env=self.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,  # Ctrl-C reaches only us
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                remove_containers(self.folder)  # sam waits three seconds for each
                with suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=_STOP_S)  # what it says to that is of no use
                process.kill()
                process.wait()
                remove_containers(self.folder)


def main() -> int:
    """Exit status 0; OpsError if it cannot be done, or if the function failed."""
    for each in (signal.SIGINT, signal.SIGHUP):  # sam would inherit an ignored one, and outlive us
        signal.signal(each, signal.default_int_handler)
    arguments = _arguments()
    found = stack.running(arguments.dir / "stack.json")
    if arguments.command == "api":
        _serve(arguments.dir, found, arguments.port)
    else:
        _invoke(arguments.dir, found, arguments.function, arguments.event)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.sam_local", description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path(".local"), help="the local stack's files")
    commands = parser.add_subparsers(dest="command", required=True)
    invoke = commands.add_parser("invoke", help="run one function with an event")
    invoke.add_argument("function", help="its logical name in template.yaml")
    invoke.add_argument("--event", type=Path, help="a file; default: the function's sample")
    api = commands.add_parser("api", help="serve the whole API")
    api.add_argument("--port", type=int, default=PORT_API)
    return parser.parse_args()


# ------------------------------------------------------------------------ commands


def _invoke(home: Path, found: Mapping[str, Any], function: str, event: Path | None) -> None:
    """Print the function's answer. OpsError if it failed: `sam local invoke` exits with 0 then."""
    text = filled(sample_file(function) if event is None else event, found)
    with (
        sam_local(home, found, [function]) as sam,
        sam.running("invoke", function, "--event=-", stdin=subprocess.PIPE) as process,
    ):
        answer, _ = process.communicate(text)
    if process.returncode:
        raise OpsError(f"`sam local invoke {function}` failed; its output is above.")
    print(answer.strip(), flush=True)
    if reason := failure(answer):
        raise OpsError(f"{function} failed: {reason}")


def failure(answer: str) -> str:
    """Why an invocation failed, by what `sam local invoke` printed of it; empty if it did not."""
    try:
        answered = json.loads(answer)
    except json.JSONDecodeError:
        return "it ended without an answer; its output is above."
    if not isinstance(answered, dict):
        return ""
    if "errorMessage" in answered:
        return ": ".join(answered[n] for n in ("errorType", "errorMessage") if answered.get(n))
    if answered.get("statusCode", 200) >= 500:
        return f"it answered {answered['statusCode']}; its log is above."
    if failed := answered.get("batchItemFailures"):
        return f"{len(failed)} of the records must be delivered again; its log is above."
    return ""


def _serve(home: Path, found: Mapping[str, Any], port: int) -> None:
    """Serve the API until interrupted. Containers start with their first request and stay."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise OpsError(
                f"Port {port} is taken by another program. Choose another: make api PORT_API=3001"
            )
    with sam_local(home, found) as sam:
        arguments = (f"--port={port}", "--warm-containers=LAZY")
        print(f"The API is at http://127.0.0.1:{port}; Ctrl-C stops it.\n", flush=True)
        with sam.running(
            "start-api", *arguments, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT
        ) as process:
            try:
                for line in process.stdout or ():
                    print(line, end="", flush=True)
            except KeyboardInterrupt:
                print("\nStopping the containers ...", flush=True)
                return
        raise OpsError("`sam local start-api` ended; its output is above.")


# ----------------------------------------------------------------- what sam is given


@contextmanager
def sam_local(home: Path, found: Mapping[str, Any], only: list[str] | None = None) -> Iterator[Sam]:
    """`sam local` with a template of all functions, or of some, that work on the running stack."""
    settings = docker_environment()  # first, because it says when there is no Docker
    built = stack.build()
    template = read_template(built / "template.yaml")
    names = list(template.of_type("Function")) if only is None else only
    image = image_of(built, template.of_type("LayerVersion"))
    endpoint_url = found["endpoint_url"]
    deployed = deployed_functions(endpoint_url, found["stack_name"], names)
    with (
        tempfile.TemporaryDirectory(dir=home.resolve(), prefix="sam-") as scratch,
        reachable(urlsplit(endpoint_url).port or 80) as reach,
    ):
        folder = Path(scratch)
        # Later builds remove old ones, and a container may start long after now.
        code = shutil.copytree(built, folder / "code", copy_function=os.link)
        wanted = local_template(template, code, deployed, reach.endpoint_url, stack.architecture())
        (folder / "template.json").write_text(json.dumps(wanted, indent=2), encoding="utf-8")
        yield Sam(
            folder,
            sam_environment(os.environ) | settings,
            (
                "--template-file=template.json",
                f"--region={found['region']}",
                f"--layer-cache-basedir={folder / 'images'}",
                f"--invoke-image={image}",
                "--skip-pull-image",
                *reach.add_host,
            ),
        )


def sam_environment(caller: Mapping[str, str]) -> dict[str, str]:
    """The environment for `sam local`: nothing of the caller's that could reach a function.

    sam puts its own variables into a function's, and takes the caller's credentials, profile and
    settings for functions. So only what is named here comes from the caller.
    """
    return {name: caller[name] for name in KEPT if name in caller} | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        "PATH": stack.search_path(),
        "SAM_CLI_TELEMETRY": "0",
    }


def deployed_functions(endpoint_url: str, stack_name: str, names: list[str]) -> dict[str, Deployed]:
    """Each function's settings as deployed, and credentials of its own role for twelve hours."""
    cloudformation, functions, sts = (
        local_client(endpoint_url, service) for service in ("cloudformation", "lambda", "sts")
    )
    try:
        resources = cloudformation.describe_stack_resources(StackName=stack_name)
        ids = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in resources["StackResources"]
        }
        if missing := [name for name in names if name not in ids]:
            raise OpsError(f"Not in the running stack: {', '.join(missing)}. Run `make up` again.")
        found = {}
        for name in names:
            settings = functions.get_function_configuration(FunctionName=ids[name])
            session = sts.assume_role(
                RoleArn=settings["Role"],
                RoleSessionName=name[:64],
                DurationSeconds=_LONGEST_SESSION_S,
            )
            found[name] = Deployed(settings, session["Credentials"])
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"The local stack does not answer ({error}). Run `make up` again.") from None
    return found


if __name__ == "__main__":
    sys.exit(exit_status(main))
