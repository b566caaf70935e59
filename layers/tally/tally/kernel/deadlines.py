"""How long the invocation at hand may go on; outside of Lambda there is no end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any


class _Invocation:
    # One for the process and not one a thread: Lambda hands a process one invocation at a time,
    # and its threads share the end of it.
    ends_at = math.inf


_at_hand = _Invocation()


@contextmanager
def invocation(context: Any) -> Iterator[None]:
    """Meanwhile, `time_left` is what Lambda's context says."""
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    before = _at_hand.ends_at
    _at_hand.ends_at = monotonic() + remaining_ms() / 1000 if remaining_ms else math.inf
    try:
        yield
    finally:
        _at_hand.ends_at = before


def time_left() -> float:
    """Seconds until Lambda ends the invocation; infinite if it does not."""
    return _at_hand.ends_at - monotonic()
