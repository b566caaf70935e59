"""When a key was last used: noted on the key's own item, at most once an hour."""

from __future__ import annotations

from datetime import timedelta

from tally.access.items import api_key_key
from tally.access.model.api_keys import ApiKey
from tally.aws.notes import note
from tally.aws.table import Table
from tally.kernel.instants import Instant, plus
from tally.kernel.memory import Memory

NOTED_EVERY = timedelta(hours=1)
# What a process remembers of a key is younger than this, so it tells whether another noted the use.
_TRIED_EVERY = timedelta(minutes=1)
_MOST_REMEMBERED = 1000


class LastUse:
    """Notes the uses that this process sees. Whoever reads a note finds it up to an hour late."""

    def __init__(self) -> None:
        self._tried: Memory[str, Instant] = Memory(_MOST_REMEMBERED)

    def note(self, table: Table, key: ApiKey, now: Instant) -> None:
        """One write an hour and key, over all processes. It neither fails nor holds up anybody."""
        due = plus(now, -NOTED_EVERY)
        if key.last_used_at and key.last_used_at > due:
            return
        tried = self._tried.get(key.prefix)
        if tried and now < plus(tried, _TRIED_EVERY):
            return
        self._tried.put(key.prefix, now)
        note(
            table,
            api_key_key(key.prefix),
            "SET last_used_at = :now",
            "attribute_exists(PK) AND (attribute_not_exists(last_used_at) OR last_used_at <= :due)",
            now=now,
            due=due,
        )
