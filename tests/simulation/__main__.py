"""Simulate histories: `python -m tests.simulation --from 1 --seeds 200`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.running import Told, run_seeds

_PROGRESS_EVERY_S = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=1, metavar="SEED")
    parser.add_argument("--seeds", type=int, default=200, metavar="NUMBER")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    figures: Counter[str] = Counter()
    begun = shown = time.monotonic()
    failed = 0
    for told in run_seeds(seeds):
        figures.update(told.figures)
        if told.failure:
            failed += 1
            _show(told)
        if time.monotonic() > shown + _PROGRESS_EVERY_S:
            shown = time.monotonic()
            print(f"{told.seed - arguments.first + 1:,} of {arguments.seeds:,} seeds", flush=True)
    print(f"{'seeds':32}{arguments.seeds:>14,}")
    for name, number in sorted(figures.items(), key=lambda figure: figure[0].startswith(" ")):
        print(f"{name:32}{number:>14,}")
    print(f"{'seconds':32}{time.monotonic() - begun:>14,.0f}")
    print(f"{'seeds that failed':32}{failed:>14,}")
    return 1 if failed else 0


def _show(told: Told) -> None:
    print(f"Seed {told.seed} failed.\n{told.failure}")
    print(f"To see it again: make simulate FROM={told.seed} SEEDS=1", flush=True)


if __name__ == "__main__":
    sys.exit(main())
