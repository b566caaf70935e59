"""`make up` and `make down`: the whole of Tally on this machine.

Each run starts afresh: an earlier stack of the same folder is stopped and forgotten.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import ROOT, console, emulator, first_keys, oidc, stack
from dev.containers import docker_runs
from dev.demo import PROVIDER, Demo, load
from dev.demo_history import MarketKeys, load_year
from dev.emulator import Emulator
from dev.oidc import OidcClient
from dev.stack import LocalStack
from ops.errors import exit_status
from tally.kernel.clock import current_instant

PORT = 4566


@dataclass(frozen=True)
class Files:
    """The files of the local stack."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "aws"

    @property
    def deploy_log(self) -> Path:
        return self.folder / "deploy.log"

    @property
    def stack(self) -> Path:
        return self.folder / "stack.json"


@dataclass(frozen=True)
class Ready:
    """A stack that is up, with what its user is told."""

    local: LocalStack
    admin_key: str
    events_key: str
    client: OidcClient
    demo: Demo | None
    market: MarketKeys | None


def main() -> int:
    """Exit status 0; OpsError if it cannot be done."""
    arguments = _arguments()
    files = Files(arguments.dir.resolve())
    if arguments.down:
        _down(files)
    elif arguments.logs:
        _logs(files)
    else:
        _up(files, arguments.port, demo=arguments.demo)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.up", description=__doc__)
    parser.add_argument("--down", action="store_true", help="stop the local stack")
    parser.add_argument("--logs", action="store_true", help="follow the functions' logs")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="leave it empty")
    parser.add_argument("--port", type=int, default=PORT, help="port of the embedded AWS")
    parser.add_argument("--dir", type=Path, default=Path(".local"), help="folder of its files")
    return parser.parse_args()


def _up(files: Files, port: int, *, demo: bool) -> None:
    begun = time.monotonic()
    files.stack.unlink(missing_ok=True)
    with _step("Stopping the earlier stack") as step:
        if not emulator.stop(files.home):
            step.result = "none was running"
    aws = Emulator(files.home, port)
    with _step(f"Starting the embedded AWS on port {port}"):
        aws.start()
    try:
        with _step("Building template.yaml"):
            built = stack.build()
        with _step("Deploying it"):
            local = stack.deploy(built, aws.endpoint_url, files.deploy_log)
        with _step("Issuing the first keys"):
            admin_key, events_key = first_keys.issue(local)
        loaded = _load_demo(local, admin_key, events_key) if demo else None
        market = _load_market(local, admin_key) if demo else None
        client = oidc.link(local, PROVIDER if demo else local.outputs["PlatformTenantId"])
        ready = Ready(local, admin_key, events_key, client, loaded, market)
        _write(files.stack, ready)
    except BaseException:
        emulator.stop(files.home)
        raise
    print(f"\nReady in {time.monotonic() - begun:.0f} s.\n")
    _greet(ready)


def _load_demo(local: LocalStack, admin_key: str, events_key: str) -> Demo:
    with _step("Loading the demo data"):
        return load(local, admin_key, events_key)


def _load_market(local: LocalStack, admin_key: str) -> MarketKeys:
    with _step("Loading a year of a marketplace"):
        return load_year(local, admin_key, current_instant())


def _greet(ready: Ready) -> None:
    demo, market = ready.demo, ready.market
    dashboard = f"{ready.local.api_url}/v1/provider/dashboard"
    print(f"API           {ready.local.api_url}")
    print(f"admin key     {ready.admin_key}")
    print(f"events key    {ready.events_key}")
    if demo:
        print(f"provider key  {demo.keys.provider_key}")
        print(f"buyer key     {demo.keys.buyer_key}")
        print(f"agent key     {demo.keys.agent_key}   (a buyer of two searches)")
        print(f"partner key   {demo.keys.partner_key}   (a year of a portfolio)")
    if market:
        print("\nA year of a marketplace, which ends today:")
        print(f"provider key  {market.market_provider_key}")
        print(f"buyer key     {market.market_buyer_key}")
    print("\nThe console, signed in for 12 hours:")
    for page, link in _links(ready):
        print(f"{page:<13} {link}")
    key = demo.keys.provider_key if demo else ready.admin_key
    print(f"\ncurl -H 'X-API-Key: {key}' {dashboard}")
    print(f"\nWith an access token:\n{oidc.bearer_call(ready.client, dashboard)}")
    if docker_runs():
        print("\nIn Lambda's container, with Docker:")
        print("make invoke FUNCTION=ProviderDashboard   runs a function's sample event")
        print("make api                                 serves the API on port 3000")


def _links(ready: Ready) -> Iterator[tuple[str, str]]:
    """A page of the console and its address, for each audience of the demo and for the operator."""
    if ready.demo and ready.market:
        for page, key in (
            ("provider", ready.market.market_provider_key),
            ("buyer", ready.market.market_buyer_key),
            ("partner", ready.demo.keys.partner_key),
        ):
            yield page, console.link(ready.local, key, page, range="90d")
    yield "operator", console.link(ready.local, ready.admin_key, "operator")


def _write(path: Path, ready: Ready) -> None:
    """Write the stack file atomically, readable only by the owner."""
    content: dict[str, Any] = {
        "api_url": ready.local.api_url,
        "admin_key": ready.admin_key,
        "events_key": ready.events_key,
        "endpoint_url": ready.local.endpoint_url,
        "region": ready.local.region,
        "table_name": ready.local.table_name,
        "stack_name": ready.local.stack_name,
        "oidc": ready.client._asdict(),
    }
    if ready.demo and ready.market:
        keys, ids = ready.demo.keys._asdict(), ready.demo.ids._asdict()
        content |= keys | {"demo": keys | ids | ready.market._asdict()}
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.replace(path)


def _down(files: Files) -> None:
    stopped = emulator.stop(files.home)
    files.stack.unlink(missing_ok=True)
    print("The local stack is stopped." if stopped else "No local stack is running.")


def _logs(files: Files) -> None:
    found = stack.running(files.stack)
    subprocess.run(
        ["sam", "logs", "--tail", "--stack-name", found["stack_name"]],
        cwd=ROOT,
        env=stack.environment(found["endpoint_url"]),
        check=False,
    )


@dataclass
class _Step:
    result: str = "done"


@contextmanager
def _step(what: str) -> Iterator[_Step]:
    """Print what is being done, then the result and the time it took."""
    print(f"{what} ... ", end="", flush=True)
    begun = time.monotonic()
    step = _Step()
    try:
        yield step
    except BaseException:
        print(f"failed ({time.monotonic() - begun:.1f} s)", flush=True)
        raise
    print(f"{step.result} ({time.monotonic() - begun:.1f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(exit_status(main))
