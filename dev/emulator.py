"""Starts and stops the embedded AWS: one process, with the functions' workers as its children."""

import contextlib
import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev import ROOT
from ops.errors import OpsError

PYTHON = ROOT / ".local" / "emulator" / "bin" / "python"
HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Emulator:
    """An embedded AWS whose files are all in `home`."""

    home: Path
    port: int

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "emulator.log"

    def start(self) -> subprocess.Popen[bytes]:
        """Start it detached and wait until it answers; OpsError if it does not.

        It outlives the caller; one who stays longer may wait for it after `stop`.
        """
        if not PYTHON.exists():
            raise OpsError(
                f"The embedded AWS is not installed in {PYTHON.parents[1]}: `make setup`."
            )
        self.home.mkdir(parents=True, exist_ok=True)
        with _lock(self.home) as lock:
            if lock is None:
                raise OpsError(f"An embedded AWS is already running from {self.home}: `make down`.")
            if _answers(self.port):
                raise OpsError(
                    f"Port {self.port} is taken by another program. "
                    f"Choose another: make up PORT={self.port + 10}"
                )
            shutil.rmtree(self.home / "tmp", ignore_errors=True)
            (self.home / "tmp").mkdir()
            with self.log.open("wb") as log:
                process = subprocess.Popen(
                    [PYTHON, "-m", "ministack"],
                    cwd=self.home,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[lock],  # held until it dies: see `stop`
                )
            _pid_file(self.home).write_text(str(process.pid))
        try:
            self._wait_until_healthy(process)
        except BaseException:
            stop(self.home)
            process.wait()
            raise
        return process

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if _healthy(self.port):
                return
            time.sleep(0.05)
        state = "did not answer in time" if process.poll() is None else "ended at once"
        raise OpsError(f"The embedded AWS {state}.\n{tail(self.log)}")

    def _environment(self) -> dict[str, str]:
        """Without the caller's variables, because the functions inherit all of it."""
        return {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "STATE_DIR": str(self.home / "state"),
            "S3_DATA_DIR": str(self.home / "s3"),
            "LANG": "C.UTF-8",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "LAMBDA_EXECUTOR": "local",
            "AUTH": "true",  # the functions' roles are enforced
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }


def stop(home: Path) -> bool:
    """Stop the emulator of `home` with all its workers; False if none was running.

    The emulator holds the lock for as long as it lives, so a pid whose lock is free is some other
    program's by now. There is nothing to save, hence no gentler signal.
    """
    if not home.exists():
        return False
    running = _running(home)
    if running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(_pid_file(home).read_text()), signal.SIGKILL)
        deadline = time.monotonic() + STOP_SECONDS
        while _running(home):
            if time.monotonic() > deadline:
                raise OpsError(f"The embedded AWS (pid file {_pid_file(home)}) does not end.")
            time.sleep(0.02)
    _pid_file(home).unlink(missing_ok=True)
    shutil.rmtree(home / "tmp", ignore_errors=True)
    return running


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log, and its path."""
    text = log.read_text(errors="replace").rstrip().splitlines()
    return "\n".join([*(f"  | {line}" for line in text[-lines:]), f"The whole log: {log}"])


def _pid_file(home: Path) -> Path:
    return home / "emulator.pid"


@contextlib.contextmanager
def _lock(home: Path) -> Iterator[int | None]:
    """The open lock file, or None if another process holds the lock."""
    with (home / "emulator.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file.fileno()


def _running(home: Path) -> bool:
    with _lock(home) as lock:
        return lock is None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
