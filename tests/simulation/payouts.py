"""Payouts of a market: runs, the queue of their tasks, and what becomes of the statements."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from tally.audit.model import SCHEDULE, Actor
from tally.aws.table import Table
from tally.kernel.errors import InvalidTransition, Unavailable
from tally.payouts.model.calendar import check_ended
from tally.payouts.model.statuses import PayoutStatus
from tally.payouts.paying import change_status
from tally.payouts.reserves import DueReserves, release_due, send_due_reserves
from tally.payouts.starting import start_run
from tally.payouts.tasks import Bundle, Task, do_task, note_failure, read_message
from tally.payouts.verifying import all_statements
from tests.faults import Crash
from tests.operators import OPERATOR
from tests.simulation.market import Market

HOLD_FOR = timedelta(days=90)
_MOST_RECEIVED = 5


@dataclass(slots=True)
class Payouts:
    """The queue of tasks, and who works on it. A message may come twice, and at once."""

    market: Market
    waiting: list[str] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)
    given_up: list[str] = field(default_factory=list)
    workers: int = 0

    def start(self, workers: int) -> None:
        self.workers += workers
        for n in range(workers):
            self.market.start(f"payouts {n}", self._work)

    def send_all(self, bodies: Any) -> None:
        for body in bodies:
            self.market.timeline.travel()
            if self.market.network.strike({"crash while messages are sent": 0.02}):
                raise Crash
            self.waiting.append(body)

    def run(self, run_id: str, period: str, by: Actor) -> None:
        """A start, by hand or by the schedule, repeated until it is answered."""
        check_ended(period, self.market.now)
        queue: Any = self

        def started(table: Table) -> None:
            now = self.market.now
            start_run(table, queue, run_id, period, now, by=by)
            if by is SCHEDULE:
                send_due_reserves(table, queue, now)

        self.market.did["payout runs"] += 1
        self.market.persist("StartPayouts" if by is SCHEDULE else "CreatePayoutRun", started)

    def _work(self) -> None:
        """One of the queue's consumers, until nobody may send any more."""
        market = self.market
        while self.waiting or market.busy > self.workers:
            if not self.waiting:
                market.timeline.sleep(market.random.uniform(0.1, 1))
                continue
            body = self.waiting.pop(market.random.randrange(len(self.waiting)))
            if market.random.random() < 0.15:
                self.waiting.append(body)  # at least once
            self._do(body)
        self.workers -= 1

    def _do(self, body: str) -> None:
        market, message = self.market, read_message(body)
        self.received[body] += 1
        last = self.received[body] >= _MOST_RECEIVED

        def done(table: Table) -> None:
            match message:
                case DueReserves(reserves):
                    for due in reserves:
                        release_due(table, due, market.now)
                case Bundle() as bundle:
                    self.send_all(each.to_json() for each in bundle.tasks)
                case Task() as task:
                    try:
                        do_task(table, task, market.now, hold_for=HOLD_FOR)
                    except Exception:
                        if last:
                            note_failure(table, task, market.now)
                        raise

        market.did["payout tasks"] += 1
        try:
            market.invoke("GeneratePayout", done)
        except (Crash, Unavailable):
            market.timeline.sleep(market.random.uniform(0, 2))
            (self.given_up if last else self.waiting).append(body)

    def redrive(self) -> None:
        """An operator sends again what was given up."""
        for body in self.given_up:
            self.received[body] = 0
        self.waiting += self.given_up
        self.given_up.clear()


def change_statuses(market: Market, changes: int) -> None:
    for _ in range(changes):
        market.timeline.sleep(market.random.uniform(0, 2))
        made = market.persist("operator", lambda table: list(all_statements(table)))
        if not made:
            continue
        wanted = market.random.choice(list(PayoutStatus))
        one = market.random.choice(made)
        change = partial(_change_status, market, one, wanted)
        market.persist("ChangePayoutStatus", change)


def _change_status(market: Market, one: str, wanted: PayoutStatus, table: Table) -> None:
    try:
        change_status(table, one, wanted, market.now, OPERATOR)
        market.did["status changes"] += 1
    except InvalidTransition:
        return
