"""Processes that share a tenant's rate limit: on a model of DynamoDB, in virtual time.

Each has its own clock and answers one request after the other. Their calls to the database overlap,
get lost and fail, and processes die and are replaced. The seed decides everything.
"""

from __future__ import annotations

import random as jitter
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from botocore.exceptions import ClientError, ReadTimeoutError

from tally.aws.items import from_item
from tally.aws.table import Table
from tally.kernel.errors import Unavailable
from tally.kernel.instants import to_instant
from tally.limits.items import window_from, window_key
from tally.limits.leasing import Limiter
from tally.limits.model import Window
from tests.faults import Crash
from tests.simulation.calls import failure
from tests.simulation.dynamodb import Database
from tests.simulation.timeline import Timeline

TENANT = "acme"
BEGIN = datetime(2026, 4, 5, 10, tzinfo=UTC).timestamp()
MINUTE_S = 60

# How likely a fault is at a write.
TROUBLE: Mapping[str, float] = {
    "crash before": 0.02,
    "crash after": 0.02,
    "throttled": 0.03,
    "answer lost": 0.03,
    "error after": 0.03,
}
_AFTER = frozenset({"crash after", "answer lost", "error after"})


class Verdict(NamedTuple):
    """What became of a request. `window`: that of the last write whose answer its process got."""

    at: float
    process: int
    window: int
    admitted: bool


@dataclass(slots=True)
class Fleet:
    """`rate`: requests per second, spread over the processes by their `shares`. `ahead`: by how
    many seconds each one's clock is fast."""

    seed: int
    limit: int
    rate: float
    minutes: float
    ahead: tuple[float, ...] = (0.0,) * 8
    shares: tuple[float, ...] = ()
    faults: Mapping[str, float] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    writes: int = 0
    unavailable: int = 0
    windows: dict[int, Window] = field(default_factory=dict)
    """Each window as its item was last."""
    lost: Counter[int] = field(default_factory=Counter)
    """Window -> writes that were done, of which no process heard."""
    random: Random = field(init=False)
    timeline: Timeline = field(init=False)
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        jitter.seed(self.seed)
        self.random = Random(self.seed)
        self.timeline = Timeline(self.random, now=BEGIN, slowest_s=0.05)
        self.database = Database(lambda: self.timeline.now, {})

    def run(self) -> Fleet:
        for process in range(len(self.ahead)):
            self.timeline.spawn(f"process {process}", partial(self._live, process))
        self.timeline.run()
        return self

    def _live(self, number: int) -> None:
        shares = self.shares or (1.0,) * len(self.ahead)
        rate = self.rate * shares[number] / sum(shares)
        due, process = BEGIN, _Process(self)
        while (due := due + self.random.expovariate(rate)) < BEGIN + self.minutes * MINUTE_S:
            self.timeline.sleep(max(0.0, due - self.timeline.now))
            try:
                admitted = process.answer(self.ahead[number])
            except Crash:
                process = _Process(self)
            except Unavailable:
                self.unavailable += 1
            else:
                self.verdicts.append(Verdict(self.timeline.now, number, process.window, admitted))

    # ----------------------------------------------------------------- what came of it

    def admitted_by_window(self) -> Counter[int]:
        return Counter(each.window for each in self.verdicts if each.admitted)

    def used_up(self) -> set[int]:
        """Windows of which a request was refused."""
        return {each.window for each in self.verdicts if not each.admitted}

    def most_in_a_minute(self) -> int:
        """The most requests let through in any 60 seconds."""
        times = [each.at for each in self.verdicts if each.admitted]
        most = first = 0
        for last, moment in enumerate(times):
            while times[first] <= moment - MINUTE_S:
                first += 1
            most = max(most, last - first + 1)
        return most

    def shortest_window(self) -> float:
        """Seconds between the first requests of two windows."""
        begun: dict[int, float] = {}
        for each in self.verdicts:
            begun.setdefault(each.window, each.at)
        return min(later - earlier for earlier, later in pairwise(sorted(begun.values())))

    def writes_per_thousand(self) -> float:
        return 1000 * self.writes / sum(each.admitted for each in self.verdicts)


@dataclass(slots=True)
class _Process:
    """A process and its client of the database."""

    fleet: Fleet
    limiter: Limiter = field(default_factory=Limiter)
    window: int = 0

    def answer(self, ahead: float) -> bool:
        client: Any = self
        table = Table(client, "table", sleep=self.fleet.timeline.sleep)
        now = to_instant(datetime.fromtimestamp(self.fleet.timeline.now + ahead, UTC))
        quota = self.limiter.count(table, TENANT, now, lambda: self.fleet.limit)
        assert quota
        assert quota.limit == self.fleet.limit
        assert 0 <= quota.remaining <= quota.limit - quota.admitted
        assert 1 <= quota.resets_in_s <= MINUTE_S
        return quota.admitted

    def update_item(self, *, ReturnValues: str, **update: Any) -> Any:  # noqa: N803  botocore's
        fleet = self.fleet
        fleet.timeline.travel()
        fleet.writes += 1
        fault = next(self._faults(), None)
        if fault and fault not in _AFTER:
            self._fail(fault)
        window = self._update(update)
        if fault:
            fleet.lost[window] += 1
            self._fail(fault)
        self.window = window
        assert ReturnValues == "ALL_NEW"
        return {"Attributes": fleet.database.item(*window_key(TENANT))}

    def _update(self, update: Mapping[str, Any]) -> int:
        """The window that was written to."""
        database = self.fleet.database
        try:
            database.transact_write_items(TransactItems=[{"Update": update}])
        except ClientError as error:
            response: Any = error.response
            (reason,) = response["CancellationReasons"]
            found = reason.get("Item", {})
            if found:
                self.window = int(found["ends_at"]["N"])
            refused: Any = {"Error": {"Code": "ConditionalCheckFailedException"}, "Item": found}
            raise ClientError(refused, "UpdateItem") from error
        window = window_from(from_item(database.item(*window_key(TENANT)) or {}))
        assert 0 <= window.held <= self.fleet.limit // 10
        self.fleet.windows[window.ends_at] = window
        return window.ends_at

    def _faults(self) -> Iterator[str]:
        for fault, likelihood in self.fleet.faults.items():
            if self.fleet.random.random() < likelihood:
                yield fault

    def _fail(self, fault: str) -> None:
        if fault.startswith("crash"):
            raise Crash
        if fault == "answer lost":
            raise ReadTimeoutError(endpoint_url="dynamodb")
        code = "ThrottlingException" if fault == "throttled" else "InternalServerError"
        raise failure(code, "UpdateItem")
