"""Runs checkov on the template, from an environment of its own, without the network.

checkov does not know YAML's merge keys, so it gets the template in JSON. It exits with status 0 if
it cannot read a template, so its report is read here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dev import ROOT
from dev.template import template
from ops.errors import OpsError, exit_status

PROGRAM = ROOT / ".local" / "checkov" / "bin" / "checkov"
SETTINGS = ROOT / ".checkov.yaml"


def problems(report: Mapping[str, Any]) -> Iterator[str]:
    """What a report in checkov's JSON finds fault with, one line each."""
    summary = report.get("summary", report)  # without results there is nothing but a summary
    if summary["parsing_errors"] or not summary["passed"]:
        yield "checkov could not read the template."
    for failed in report.get("results", {}).get("failed_checks", ()):
        yield f"{failed['check_id']} {failed['resource']}: {failed['check_name']}"


def check(content: Mapping[str, Any]) -> list[str]:
    """The problems of a template."""
    if not PROGRAM.exists():
        raise OpsError("checkov is not installed: run `make lint`, which installs it.")
    with tempfile.TemporaryDirectory(prefix="tally-checkov-") as folder:
        file = Path(folder) / "template.json"
        file.write_text(json.dumps(content, indent=1))
        options = ["--config-file", str(SETTINGS), "--file", str(file), "--output", "json"]
        done = subprocess.run(
            [PROGRAM, *options], check=False, cwd=folder, stdout=subprocess.PIPE, text=True
        )
    return list(problems(json.loads(done.stdout)))


def main() -> int:
    """Exit status: 0, or 1 if there are problems."""
    found = check(template())
    print("\n".join(found) if found else "checkov found no problem.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
