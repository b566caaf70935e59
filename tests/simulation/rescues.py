"""The queue of rescues in a market, and who works on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from tally.aws.table import Table
from tally.counting.rescues import Rescue, work_off
from tally.kernel.errors import Unavailable
from tests.faults import Crash
from tests.simulation.market import Market

_MOST_RECEIVED = 5


@dataclass(slots=True)
class Rescues:
    """Messages may come twice, at once and late; some are given up, and sent again at last."""

    market: Market
    given_up: list[str] = field(default_factory=list)
    under_way: int = 0

    def send(self, body: str, *, delay_s: int = 0) -> None:
        """Whoever sends may die before or after it, or not hear that it was sent."""
        fate = self.market.network.strike(
            {
                "crash before a message is sent": 0.03,
                "crash after a message was sent": 0.03,
                "queue refuses": 0.02,
                "queue does not answer": 0.02,
            }
        )
        if fate == "crash before a message is sent":
            raise Crash
        if fate == "queue refuses":
            raise Unavailable("The queue is busy.")
        self._deliver(body, delay_s)
        if self.market.random.random() < 0.15:
            self._deliver(body, delay_s)  # at least once
        if fate == "crash after a message was sent":
            raise Crash
        if fate == "queue does not answer":
            raise Unavailable("The queue is busy.")

    def redrive(self) -> None:
        """An operator sends again what was given up."""
        for body in self.given_up:
            self._deliver(body, 0)
        self.given_up.clear()

    def _deliver(self, body: str, delay_s: float) -> None:
        if self.market.random.random() < 0.2:
            delay_s += self.market.random.uniform(0, 20)
        self.under_way += 1
        self.market.timeline.spawn("rescue", partial(self._receive, body, delay_s))

    def _receive(self, body: str, delay_s: float) -> None:
        """Until it is worked off, or was tried often enough."""
        market = self.market
        market.timeline.sleep(delay_s)
        for _ in range(_MOST_RECEIVED):
            market.did["rescues"] += 1
            try:
                market.invoke("RescueObjects", partial(self._work_off, body))
            except (Crash, Unavailable):
                market.timeline.sleep(market.random.uniform(0, 2))
            else:
                break
        else:
            self.given_up.append(body)
        self.under_way -= 1

    def _work_off(self, body: str, table: Table) -> None:
        market = self.market
        likely = market.random.choice([0.0, 0.5, 1.0])
        progress = work_off(
            table,
            self,
            Rescue.from_json(body),
            market.now,
            lambda: market.random.random() < likely,
        )
        market.did["objects rescued"] += progress.moved
        market.did["rescues continued"] += progress.left is not None
        market.did["rescues with nothing to do"] += not progress.seen
