"""Tools for developers: the local stack, its demo data, load tests and benchmarks.

Nothing here is deployed or needed by an operator; those commands are in `ops`.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
