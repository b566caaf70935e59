"""The windows of a rate limit, and what a process holds of one. Standard library only.

A tenant's requests are counted in windows of a minute. The window that is open is one item: a
process leases a block of its requests with one write, and lets so many through without another.
Windows begin and end by the clocks of processes. But the item has room for one window only and
moves on for good, so that no clock can open two at once. Times are milliseconds since 1970.
"""

from __future__ import annotations

from typing import NamedTuple

WINDOW_MS = 60_000
WINDOW_S = WINDOW_MS // 1000

# The part of a limit that processes may hold unused: others are refused while they do.
_HELD_PART = 10
# How many processes share that part, if it is not known to be more.
_FEWEST_PROCESSES = 8
# No function that answers requests may run for longer, so no write takes longer.
_LONGEST_WRITE_MS = 30_000
_NEVER = 10**15


class Window(NamedTuple):
    """A window as its item tells. `ends_at` is also its name: that of the next one is later.

    `leased`: how many requests were leased. `held`: those of them that may not have been made yet.
    `processes`: how many have leased.
    """

    ends_at: int
    leased: int
    held: int
    processes: int


class Opening(NamedTuple):
    """To open a window with the lease of a block, if none ends after `ended`."""

    ended: int
    block: int

    @property
    def window(self) -> Window:
        return Window(self.ended + WINDOW_MS, self.block, self.block - 1, 1)


class Lease(NamedTuple):
    """To lease a block of the window that ends at `earliest`, `latest` or between.

    `returned`: how many of an earlier block are not held any more. `joins`: 1 if the process has
    leased nothing of this window yet, else 0.
    """

    earliest: int
    latest: int
    limit: int
    block: int
    returned: int
    joins: int

    @property
    def more_held(self) -> int:
        # One of the block is for the request at hand.
        return self.block - 1 - self.returned

    @property
    def most_leased(self) -> int:
        """So many may be leased before."""
        return self.limit - self.block

    @property
    def most_held(self) -> int | None:
        """So many may be held before; None for any number."""
        return self.limit // _HELD_PART - self.more_held if self.more_held > 0 else None

    def again(self) -> Lease:
        """The same once more, if the first one may have been done: nothing is returned twice."""
        return self._replace(returned=0)


class Share(NamedTuple):
    """What a process knows of a window since its last write, and what it holds of it.

    `until`: when the window ends for this process. `tokens`: requests that it may let through.
    `counted`: the tokens that `window.held` has of it. `joined`: whether `window.processes` has it.
    `processes_before`: that of the window before.
    """

    window: Window
    until: int
    tokens: int = 0
    counted: int = 0
    joined: bool = False
    processes_before: int = 0

    def spent(self) -> Share:
        """One request is let through."""
        return self._replace(tokens=self.tokens - 1)

    def in_doubt(self) -> Share:
        """After a write that may have been done or not."""
        return self._replace(tokens=0, counted=0)

    def without_tokens(self) -> Share:
        return self._replace(tokens=0)

    def used_up(self, limit: int, now: int) -> bool:
        """Whether there is nothing left to lease before the window ends."""
        return now < self.until and self.window.leased >= limit

    def remaining(self, limit: int) -> int:
        """What the window has left, as far as the process knows."""
        return max(0, min(limit, limit - self.window.leased + self.tokens))


def seen(share: Share | None, window: Window, now: int) -> Share:
    """What a process knows that looked at the window, and holds nothing."""
    if share and share.window.ends_at == window.ends_at:
        return share._replace(window=window, tokens=0)
    # If the clock of whoever opened it is fast: what was open just now is over in a minute.
    until = min(window.ends_at, now + _LONGEST_WRITE_MS + WINDOW_MS)
    return Share(window, until, processes_before=share.window.processes if share else 0)


def leased(share: Share | None, window: Window, block: int, now: int) -> Share:
    """What a process knows and holds that has just leased a block."""
    known = seen(share, window, now)
    return known._replace(tokens=block, counted=block - 1, joined=True)


def next_lease(share: Share | None, limit: int, now: int, refused: int) -> Opening | Lease:
    """What a process without tokens asks for, if its window is not used up.

    `refused`: how often it was refused just now; after that, what it knows of the window is new.
    """
    if share and now < share.until:
        return _of_this_window(share, limit, modest=refused > 1)
    before = share.window.processes if share else 0
    ended = max(now, share.window.ends_at) if share else now
    block = _block(Window(0, 0, 0, 0), limit, processes=before)
    if before > 1 and not refused:
        # Another process is likely to have opened the next window.
        return Lease(ended + 1, _NEVER, limit, block, returned=0, joins=1)
    return Opening(ended, block)


def _of_this_window(share: Share, limit: int, *, modest: bool) -> Lease:
    window = share.window
    # A block of one is only refused if there is nothing left.
    block = 1 if modest else _block(window, limit, share.counted, share.processes_before)
    joins = 0 if share.joined else 1
    return Lease(window.ends_at, window.ends_at, limit, block, share.counted, joins)


def _block(window: Window, limit: int, counted: int = 0, processes: int = 0) -> int:
    """The request at hand and a fair part of what may be held, but at most half of the rest."""
    may_be_held = limit // _HELD_PART
    fair = may_be_held // max(_FEWEST_PROCESSES, window.processes, processes)
    free = may_be_held - (window.held - counted)
    rest = limit - window.leased - 1
    return 1 + max(0, min(fair, free, rest // 2))
