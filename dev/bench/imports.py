"""CPU time of each function before its first request, compared with a bare boto3 client's.

Laid out as on Lambda: the function's folder, the layer as it was built, the runtime's boto3.
`python -m dev.bench.imports BUILD ...` compares builds, such as one of an earlier commit: each is a
folder that `dev.stack.build` made for this machine.
"""

from __future__ import annotations

import argparse
import compileall
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import NamedTuple

from dev.bench.figures import Figure, table
from dev.template import functions, routes
from ops.deployment import LOCAL_REGION

PART = "The cold start of a function"
ROUNDS = 9
_BARE = "import boto3; boto3.client('dynamodb')"
_OURS = "from app import handler; from tally.aws.table import default_table; default_table()"
# Lambda's packages. botocore would load further ones that are installed here.
_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


class Start(NamedTuple):
    """Of a function, as it was built."""

    built: Path
    function: str

    @property
    def most_ratio(self) -> float:
        """The goal: a person waits for the answer to a GET."""
        gets = {route.function for route in routes() if route.method == "GET"}
        return 1.0 if self.function in gets else 1.3


class Stopwatch:
    """CPU seconds of starts, and their ratios to bare clients.

    Both processes of a ratio run at once, so other load slows both.
    """

    def __init__(self, runtime: Path) -> None:
        self._runtime = runtime
        self.bare: list[float] = []
        self.seconds: defaultdict[Start, list[float]] = defaultdict(list)
        self.ratios: defaultdict[Start, list[float]] = defaultdict(list)

    def measure(self, starts: Sequence[Start], rounds: int) -> None:
        for _ in range(rounds):
            for start in starts:
                bare = _start(_BARE, [self._runtime])
                layer = start.built / "TallyLayer" / "python"
                ours = _start(_OURS, [start.built / start.function, layer, self._runtime])
                self.seconds[start].append(_cpu_seconds(ours))
                self.bare.append(_cpu_seconds(bare))
                self.ratios[start].append(self.seconds[start][-1] / self.bare[-1])

    def figures(self, start: Start, name: str) -> Iterator[Figure]:
        yield Figure(PART, name, median(self.seconds[start]) * 1000, "CPU milliseconds")
        ratio = median(self.ratios[start])
        yield Figure(PART, name, ratio, "ratio to the bare client", start.most_ratio)


def measure(built: Path) -> Iterator[Figure]:
    """CPU time, and its ratio to a bare client's; medians of several rounds.

    A function that seems to miss the goal gets more rounds before it does.
    """
    starts = [Start(built, name) for name in functions()]
    with _stopwatch() as watch:
        watch.measure(starts, ROUNDS)
        doubtful = [each for each in starts if median(watch.ratios[each]) > each.most_ratio]
        watch.measure(doubtful, 3 * ROUNDS)
    yield Figure(PART, "a bare boto3 client", median(watch.bare) * 1000, "CPU milliseconds")
    for each in starts:
        yield from watch.figures(each, each.function)


def compare(builds: Sequence[Path], names: Iterable[str]) -> Iterator[Figure]:
    """The same of several builds, which take turns, in their order."""
    of_names = [
        [Start(built, name) for built in builds if (built / name).exists()] for name in names
    ]
    with _stopwatch() as watch:
        watch.measure([each for starts in of_names for each in starts], ROUNDS)
    for starts in of_names:
        for each in starts:
            yield from watch.figures(each, f"{each.function} of {each.built}")


@contextmanager
def _stopwatch() -> Iterator[Stopwatch]:
    with tempfile.TemporaryDirectory(prefix="tally-runtime-") as folder:
        yield Stopwatch(_runtime(Path(folder)))


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.imports", description=__doc__)
    parser.add_argument("builds", nargs="+", type=Path, help="folders of builds")
    parser.add_argument("--function", action="append", help="a logical name, instead of all")
    arguments = parser.parse_args()
    print(table(list(compare(arguments.builds, arguments.function or functions()))))


if __name__ == "__main__":
    main()
