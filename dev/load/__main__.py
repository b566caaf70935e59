"""`make load`: many clients, duplicates and killed workers; then every number is compared.

Sends the events of a made-up market to a stack of its own. Exit status 1 if Tally tells any number
that differs from what was sent.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from dev import first_keys
from dev.bench.figures import save
from dev.load.outcome import Load, figures, lines
from dev.load.run import run
from dev.own_stack import own_stack
from ops.errors import exit_status


def main() -> int:
    """Exit status: 0, or 1 if a number differs."""
    parser = argparse.ArgumentParser(prog="python -m dev.load", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, metavar="N", help="at least 100")
    parser.add_argument("--clients", type=int, default=8, metavar="N")
    parser.add_argument("--duplicates", type=float, default=5, metavar="PERCENT")
    parser.add_argument("--kills", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), metavar="S")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also save the figures in FILE")
    arguments = vars(parser.parse_args())
    file = arguments.pop("json")
    load = Load(**arguments)
    if load.events < 100 or load.clients < 1 or not 0 <= load.duplicates <= 100:
        parser.error("at least 100 events, 1 client, and 0 to 100 percent")
    begun = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - begun:5.0f} s  {what}", file=sys.stderr, flush=True)

    say(f"Building and deploying; seed {load.seed}")
    with (
        tempfile.TemporaryDirectory(prefix="tally-load-") as folder,
        own_stack(Path(folder)) as stack,
    ):
        outcome = run(stack, first_keys.issue(stack), load, say)
    print(f"seed          {load.seed}", *lines(load, outcome), sep="\n")
    if file:
        save(file, figures(load, outcome))
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
