"""A deployed stack, its client, and patience."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.first_keys import FirstKeys
from ops.stack import LocalStack

PATIENCE_S = 60


@dataclass(frozen=True)
class DeployedStack(LocalStack):
    """A local stack that a test may also do harm to; the embedded AWS's files are in `home`."""

    home: Path

    def workers(self, function: str) -> list[int]:
        """The processes that run a function, named by its output in the template."""
        own = str(self.home / "tmp" / f"ministack-lambda-{self.outputs[function]}-")
        return [pid for pid, command in _processes() if own in command]

    def kill_workers(self, function: str) -> int:
        """End a function's processes at once, in the middle of whatever they do; how many."""
        pids = self.workers(function)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)


class Client:
    """Calls the API and remembers which routes answered with success."""

    def __init__(self, stack: DeployedStack, keys: FirstKeys) -> None:
        self.stack = stack
        self.keys = keys
        self.reached: set[str] = set()

    def call(self, method: str, path: str, key: str, body: object = None) -> Any:
        response = self.stack.request(method, path, headers={"X-API-Key": key}, json=body)
        assert response.status < 300, (method, path, response.body)
        assert response.headers["x-request-id"] == response.json()["request_id"]
        self.reached.add(f"{method} {path}")
        return response.json()["data"]

    def tenant(self) -> tuple[str, str]:
        """A new tenant and a key of it."""
        made = self.call("POST", "/v1/admin/tenants", self.keys.admin_key, {"display_name": "T"})
        scopes = ["usage:read", "billing:read", "keys:write"]
        path = f"/v1/admin/tenants/{made['tenant_id']}/api-keys"
        issued = self.call(
            "POST", path, self.keys.admin_key, {"name": "Dashboard", "scopes": scopes}
        )
        return made["tenant_id"], issued["key"]


def eventually[T](look: Callable[[], T], expected: T) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == expected


def _processes() -> Iterator[tuple[int, str]]:
    """The id and command line of each process."""
    proc = Path("/proc")
    if proc.is_dir():
        for folder in proc.glob("[0-9]*"):
            try:
                yield int(folder.name), (folder / "cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it has ended, or is somebody else's
    else:
        listing = subprocess.run(
            ["/bin/ps", "-A", "-o", "pid=,args="], check=True, capture_output=True, text=True
        )
        for line in listing.stdout.splitlines():
            pid, _, command = line.strip().partition(" ")
            yield int(pid), command
