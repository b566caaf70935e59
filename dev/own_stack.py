"""A separate deployed stack for tests and measurements, besides the one of `make up`."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev import emulator
from dev.emulator import Emulator
from dev.stack import LocalStack, build, deploy


@dataclass(frozen=True)
class DeployedStack(LocalStack):
    """A local stack whose workers can be killed.

    The embedded AWS's files are in `home`; it was deployed from the build in `built`.
    """

    home: Path
    built: Path

    def workers(self, function: str) -> list[int]:
        """The processes that run a function, named by its output in the template."""
        own = str(self.home / "tmp" / f"ministack-lambda-{self.outputs[function]}-")
        return [pid for pid, command in _processes() if own in command]

    def kill_workers(self, function: str) -> int:
        """Kill a function's processes at once, whatever they are doing; returns how many."""
        pids = self.workers(function)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)


@contextmanager
def own_stack(folder: Path) -> Iterator[DeployedStack]:
    """Build, start and deploy on a port of its own, with all files in `folder`; then stop it."""
    built = build()
    aws = Emulator(folder / "aws", emulator.free_port())
    process = aws.start()
    try:
        local = deploy(built, aws.endpoint_url, folder / "deploy.log")
        yield DeployedStack(**vars(local), home=aws.home, built=built)
    finally:
        emulator.stop(aws.home)
        process.wait()


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
