"""`python -m dev.costs docs/benchmarks.json > docs/costs.md`, or `make bench-docs`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dev.bench.figures import load
from dev.costs.page import page


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.costs", description=__doc__)
    parser.add_argument("file", type=Path, help="figures that `python -m dev.bench --json` wrote")
    sys.stdout.write(page(load(parser.parse_args().file)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
