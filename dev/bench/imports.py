"""CPU time of each function before its first request, compared with a bare boto3 client's.

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

from dev.bench.figures import Figure
from dev.template import functions
from ops.deployment import LOCAL_REGION

PART = "The cold start of a function"
MOST_RATIO = 1.5
ROUNDS = 9
_BARE = "import boto3; boto3.client('dynamodb')"
_OURS = "from app import handler; from tally.aws.table import default_table; default_table()"
# Lambda's packages. botocore would load further ones that are installed here.
_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


def measure(built: Path) -> Iterator[Figure]:
    """CPU time, and its ratio to a bare client's; medians of several rounds.

    Both processes of a ratio run at once, so other load slows both. A function that seems to miss
    the goal gets more rounds before it does.
    """
    ratios: dict[str, list[float]] = {name: [] for name in functions()}
    ours: dict[str, list[float]] = {name: [] for name in functions()}
    bares: list[float] = []
    with tempfile.TemporaryDirectory(prefix="tally-runtime-") as folder:
        runtime = _runtime(Path(folder))

        def compare(names: Iterable[str], rounds: int) -> None:
            for _ in range(rounds):
                for name in names:
                    bare = _start(_BARE, [runtime])
                    path = [built / name, built / "TallyLayer" / "python", runtime]
                    ours[name].append(_cpu_seconds(_start(_OURS, path)))
                    bares.append(_cpu_seconds(bare))
                    ratios[name].append(ours[name][-1] / bares[-1])

        compare(ratios, ROUNDS)
        doubtful = [name for name in ratios if median(ratios[name]) > MOST_RATIO]
        compare(doubtful, 3 * ROUNDS)
    yield Figure(PART, "a bare boto3 client", median(bares) * 1000, "CPU milliseconds")
    for name, of_function in ratios.items():
        yield Figure(PART, name, median(ours[name]) * 1000, "CPU milliseconds")
        yield Figure(PART, name, median(of_function), "ratio to the bare client", MOST_RATIO)


def _runtime(folder: Path) -> Path:
    """The folder, with boto3 and its dependencies, compiled as on Lambda."""
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
            "AWS_DEFAULT_REGION": LOCAL_REGION,
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
