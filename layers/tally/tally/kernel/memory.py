"""What a process remembers from one call to the next."""

from __future__ import annotations


class Memory[K, V]:
    """The entries put last, at most `most` of them: the oldest is forgotten for a new one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        """An entry that is put again is the newest."""
        self._entries.pop(key, None)
        self._entries[key] = value
        if len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]
