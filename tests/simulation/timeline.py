"""Virtual time, and the actors that live in it: one thread, in an order that the seed decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import exp, log
from random import Random

from greenlet import getcurrent, greenlet

type Work = Callable[[], None]

_QUICKEST_S = 0.001
_SLOW = 0.15
MOST_TURNS = 50_000


@dataclass(slots=True)
class Timeline:
    """`now`: seconds since 1970. Actors take turns: each goes on until it sleeps.

    A call to the database takes up to `slowest_s`. So who overtakes whom is decided by how long
    the calls take, and any two calls may be interleaved.
    """

    random: Random
    now: float
    slowest_s: float
    turns: int = 0
    actor: str = "main"
    _number: int = 0
    _waiting: list[tuple[float, int, greenlet, str]] = field(default_factory=list)
    _main: greenlet = field(default_factory=getcurrent)

    def spawn(self, name: str, work: Work) -> None:
        """Start an actor about now."""
        self._wake(self.now + self._latency(), greenlet(work, self._main), name)

    def sleep(self, seconds: float) -> None:
        """Of the actor that calls it. The others go on."""
        self._wake(self.now + seconds, getcurrent(), self.actor)
        self._main.switch()

    def travel(self) -> None:
        """As long as a call to the database is under way."""
        self.sleep(self._latency())

    def run(self) -> None:
        """Until all actors have finished; raises what one of them raises."""
        while self._waiting:
            moment, _, waiting, self.actor = heappop(self._waiting)
            self.now = max(self.now, moment)
            self.turns += 1
            assert self.turns < MOST_TURNS, "the market never comes to rest"
            waiting.switch()
        self.actor = "main"

    def _latency(self) -> float:
        if self.random.random() < _SLOW:
            return self.random.uniform(_QUICKEST_S, self.slowest_s)
        return exp(self.random.uniform(log(_QUICKEST_S), log(self.slowest_s)))

    def _wake(self, moment: float, waiting: greenlet, name: str) -> None:
        self._number += 1
        heappush(self._waiting, (moment, self._number, waiting, name))
