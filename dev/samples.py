"""The sample events in events/, filled in with the keys and ids of the local stack.

`python -m dev.samples ProviderDashboard` prints one, for `sam remote invoke --event-file -`.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev import ROOT
from dev.stack import running
from ops.deployment import LOCAL_STACK
from ops.errors import OpsError, exit_status

EVENTS = ROOT / "events"
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def main() -> int:
    """Exit status 0; OpsError if it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m dev.samples", description=__doc__)
    parser.add_argument("function", help="its logical name in template.yaml")
    print(filled(sample_file(parser.parse_args().function), running(LOCAL_STACK)), end="")
    return 0


def sample_file(function: str) -> Path:
    """OpsError if there is no function with this logical name."""
    file = EVENTS / f"{function}.json"
    if not file.exists():
        names = ", ".join(sorted(path.stem for path in EVENTS.glob("*.json")))
        raise OpsError(f"There is no function {function!r}. The functions are: {names}.")
    return file


def filled(file: Path, stack: Mapping[str, Any]) -> str:
    """The text of an event file, with each `${name}` replaced by a key or an id of the local stack.

    `stack` is what stack.json says. OpsError if there is no file, or no value for a name.
    """
    if not file.is_file():
        raise OpsError(f"There is no event file {file}.")
    values: Mapping[str, str] = {
        **{name: stack[name] for name in ("admin_key", "events_key")},
        **stack.get("demo", {}),
    }
    text = file.read_text(encoding="utf-8")
    if unknown := sorted(set(_PLACEHOLDER.findall(text)) - values.keys()):
        raise OpsError(
            f"{file.name} needs {', '.join(unknown)}, which the local stack does not have: start "
            "it with demo data (make up), or replace the placeholders in a copy of the file."
        )
    return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


if __name__ == "__main__":
    sys.exit(exit_status(main))
