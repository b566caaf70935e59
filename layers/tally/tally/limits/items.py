"""A tenant's window as an item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tally.kernel.keys import Key
from tally.limits.model import Window

_KEPT_S = 86_400  # after its end, when it is of no use any more


def window_key(tenant_id: str) -> Key:
    """`LIMIT#acme` / `WINDOW`"""
    return Key(f"LIMIT#{tenant_id}", "WINDOW")


def window_attributes(window: Window) -> dict[str, int]:
    return {**window._asdict(), "ttl": window.ends_at // 1000 + _KEPT_S}


def window_from(item: Mapping[str, Any]) -> Window:
    return Window(item["ends_at"], item["leased"], item["held"], item["processes"])
