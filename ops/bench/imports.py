"""CPU that each function burns before its first request, beside a bare boto3 client's.

Run as Lambda does: the function's folder first, then the layer as it was built, then boto3.
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
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
_OF_BOTO3 = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "urllib3")


def measure(built: Path) -> Iterator[Figure]:
    """Medians of several rounds, in each of which everyone has a turn: noise hits all alike."""
    site = _compiled_boto3()
    programs = {"": (_BARE, [site])} | {
        name: (_OURS, [built / name, built / "TallyLayer" / "python", site]) for name in functions()
    }
    seconds: Mapping[str, list[float]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, (code, path) in programs.items():
            seconds[name].append(_cpu_seconds(code, path))
    bare = median(seconds.pop(""))
    yield Figure(PART, "bare boto3 client, seconds", bare, "seconds")
    for name, of_function in seconds.items():
        yield Figure(PART, name, median(of_function) / bare, "ratio", MOST_RATIO)


def _compiled_boto3() -> Path:
    """The folder that boto3 is in. The runtime's is compiled, so ours must be."""
    folder = Path(str(find_spec("boto3").origin)).parents[1]  # type: ignore[union-attr]
    for package in _OF_BOTO3:
        compileall.compile_dir(folder / package, quiet=1)
    return folder


def _cpu_seconds(code: str, path: list[Path]) -> float:
    """User and system time of one process that runs the code and ends."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", code],
        env={
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": "test",
            "PLATFORM_TENANT_ID": "platform",
            "PYTHONDONTWRITEBYTECODE": "1",  # others read this build too
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "TABLE_NAME": "tally",
        },
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"`{code}` failed with {path[0]} first on its path")
    return used.ru_utime + used.ru_stime
