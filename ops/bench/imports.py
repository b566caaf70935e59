"""CPU that each function takes before its first request, beside a bare boto3 client's.

Laid out as on Lambda: the function's folder, the layer as it was built, the runtime's boto3.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from ops.bench.figures import Figure
from ops.bench.template import functions
from ops.stack import REGION

PART = "CPU of a cold start, in those of a bare boto3 client"
MOST_RATIO = 1.5
ROUNDS = 9
_BARE = "import boto3; boto3.client('dynamodb')"
_OURS = "from app import handler; from tally.store.table import default_table; default_table()"
# What the runtime has. With what else is installed here botocore would start other libraries.
_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


def measure(built: Path) -> Iterator[Figure]:
    """Medians of ratios, each of two processes that ran at once: other load hits both alike.

    What seems to miss the goal is measured for longer, before it is said to.
    """
    ratios: dict[str, list[float]] = {name: [] for name in functions()}
    bares: list[float] = []
    with tempfile.TemporaryDirectory(prefix="tally-runtime-") as folder:
        runtime = _runtime(Path(folder))

        def compare(names: Iterable[str], rounds: int) -> None:
            for _ in range(rounds):
                for name in names:
                    bare = _start(_BARE, [runtime])
                    path = [built / name, built / "TallyLayer" / "python", runtime]
                    seconds = _cpu_seconds(_start(_OURS, path))
                    bares.append(_cpu_seconds(bare))
                    ratios[name].append(seconds / bares[-1])

        compare(ratios, ROUNDS)
        doubtful = [name for name in ratios if median(ratios[name]) > MOST_RATIO]
        compare(doubtful, 3 * ROUNDS)
    yield Figure(PART, "bare boto3 client, milliseconds", median(bares) * 1000, "milliseconds")
    for name, of_function in ratios.items():
        yield Figure(PART, name, median(of_function), "ratio", MOST_RATIO)


def _runtime(folder: Path) -> Path:
    """The folder, with boto3 and all that comes with it on Lambda, compiled as it is there."""
    for name in _RUNTIME:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise RuntimeError(f"{name} is not installed")
        file = Path(spec.origin)
        source = file.parent if file.name == "__init__.py" else file
        compile_all = compileall.compile_dir if source.is_dir() else compileall.compile_file
        compile_all(source, quiet=1)
        (folder / source.name).symlink_to(source)
    return folder


def _start(code: str, path: Sequence[Path]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        env={
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": "test",
            "PLATFORM_TENANT_ID": "platform",
            "PYTHONDONTWRITEBYTECODE": "1",  # on Lambda nobody can, and others read this build
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "TABLE_NAME": "tally",
        },
    )


def _cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """User and system time of a process, once it has ended."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{process.args!r} failed")
    return used.ru_utime + used.ru_stime
