"""The keys of markers and of parked changes."""

from __future__ import annotations

from tally.kernel.instants import Instant
from tally.kernel.keys import Key

PARKED_PK = "PARKED"


def marker_key(record_id: str) -> Key:
    """`MARKER#{stream record id}` / `MARKER`: that a change was counted"""
    return Key(f"MARKER#{record_id}", "MARKER")


def parked_key(parked_at: Instant, record_id: str) -> Key:
    """`PARKED` / `2026-04-05T09:30:00.000000000Z#{stream record id}`"""
    return Key(PARKED_PK, f"{parked_at}#{record_id}")
