"""One deployed stack for all tests that ask for it, beside any that `make up` started."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops import emulator
from ops.emulator import Emulator, free_port
from ops.stack import LocalStack, build, deploy


@dataclass(frozen=True)
class DeployedStack(LocalStack):
    """A local stack that a test may also do harm to."""

    def workers(self, function: str) -> list[int]:
        """The processes that run a function, named by its output in the template."""
        name = self.outputs[function]
        return [pid for pid, command in _processes() if f"/ministack-lambda-{name}-" in command]

    def kill_workers(self, function: str) -> int:
        """End a function's processes at once, in the middle of whatever they do; how many."""
        pids = self.workers(function)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    folder = tmp_path_factory.mktemp("stack")
    built = build()
    aws = Emulator(folder / "aws", free_port())
    process = aws.start()
    try:
        local = deploy(built, aws.endpoint_url, folder / "deploy.log")
        yield DeployedStack(**vars(local))
    finally:
        emulator.stop(aws.home)
        process.wait()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share the deployed stack run in one worker."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("stack")
        if isinstance(item, pytest.Function) and "stack" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("stack"))


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
