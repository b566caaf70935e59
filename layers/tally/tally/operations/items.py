"""The keys of what the scheduled checks found."""

from __future__ import annotations

from tally.kernel.keys import Key

CHECKS_PK = "CHECKS"


def check_key(check: str) -> Key:
    """`CHECKS` / `counters`: what a check found last, and where the next one goes on"""
    return Key(CHECKS_PK, check)
