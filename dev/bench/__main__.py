"""`make bench`: measure everything on a stack of its own, and compare it with the goals."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from dev import first_keys
from dev.bench import (
    activity,
    comparison,
    end_to_end,
    imports,
    invocations,
    packages,
    partners,
    payouts,
    reads,
    rivals,
    samples,
    series,
    storage,
    widest,
    writes,
)
from dev.bench.figures import Figure, save, table
from dev.bench.lab import Lab
from dev.bench.reads import Provider
from dev.own_stack import own_stack
from ops.errors import exit_status

SMALL, LARGE = Provider("small", "small-1"), Provider("large", "large-1")
OBJECTS = 10, 10_000


def main() -> int:
    """Exit status: 0, or 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also save the figures in FILE")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)  # the handlers' one line a request
    begun = time.monotonic()
    figures = list(_measure(begun))
    missed = sum(not figure.ok for figure in figures)
    print(f"\n{table(figures)}\n")
    print(f"{missed} goals missed." if missed else "All goals met.", end=" ")
    print(f"{time.monotonic() - begun:.0f} seconds.")
    if arguments.json:
        save(arguments.json, figures)
    return 1 if missed else 0


def _measure(begun: float) -> Iterator[Figure]:
    def during(what: str, figures: Iterable[Figure]) -> Iterator[Figure]:
        _say(begun, what)
        yield from figures

    _say(begun, "Building and deploying")
    with (
        tempfile.TemporaryDirectory(prefix="tally-bench-") as folder,
        own_stack(Path(folder)) as stack,
    ):
        lab = Lab.on(stack, "bench")
        _say(begun, f"Uploading {sum(OBJECTS):,} objects")
        _fill(lab)
        yield from during("Reading", reads.measure(lab, SMALL, LARGE))
        yield from during("Accepting events", writes.accept(lab))
        yield from during("Counting changes", writes.count_changes(lab))
        yield from during("Searching, accessing, refunding", activity.measure(stack, lab))
        yield from during("Counting and reading series", series.measure(lab))
        yield from during("Watching portfolios", partners.measure(lab))
        yield from during("Counting a hot provider", rivals.measure(stack, lab))
        yield from payouts.measure(stack, partial(_say, begun))
        yield from during("Invoking the functions", invocations.measure(stack))
        yield from during("Weighing what events leave", storage.measure(stack))
        yield from during("Deleting datasets", writes.delete(lab, SMALL, LARGE, OBJECTS))
        keys = first_keys.issue(stack)
        yield from during(f"Sending {end_to_end.EVENTS:,} events", end_to_end.measure(stack, keys))
        yield from during("Sending the widest requests", widest.measure(stack, keys))
        yield from during("Counting them one by one", comparison.measure(stack))
    yield from during("Starting the functions", imports.measure(stack.built))
    yield from packages.measure(stack.built)


def _fill(lab: Lab) -> None:
    for provider, objects in zip((SMALL, LARGE), OBJECTS, strict=True):
        dataset = provider.tenant_id, provider.dataset_id
        lab.tenant(provider.tenant_id)
        lab.post([samples.created(*dataset), *samples.uploads([dataset], objects)])
    lab.count()


def _say(begun: float, what: str) -> None:
    print(f"{time.monotonic() - begun:5.0f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(exit_status(main))
