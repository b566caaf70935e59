"""A market in virtual time: its database, the processes that work on it, and what it was told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from random import Random
from typing import Any

from dev.template import functions, resources, template
from tally.aws.table import Table
from tally.intake.accepting import Accepted, Duplicate, Outcome
from tally.kernel.errors import Unavailable
from tally.kernel.events import Event, Fact, Rejected, event_key
from tally.kernel.instants import Instant, to_instant
from tests.faults import Crash
from tests.simulation.dynamodb import Database
from tests.simulation.histories import Sent
from tests.simulation.network import Client, Network
from tests.simulation.storage import Index
from tests.simulation.timeline import Timeline

_NEW_PROCESS = 0.3
_worlds = count(1)


@dataclass(slots=True)
class Memories:
    """What the senders know: the answers that they got, by the event's mark."""

    sent: dict[str, list[tuple[Sent, str]]] = field(default_factory=lambda: defaultdict(list))
    accepted: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    erased_before: dict[str, Instant] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)

    def of_sending(self, sent: Sent, event: Event[Fact]) -> None:
        known = self.sent[event.mark.pk]
        if all(content != event.content for _, content in known):
            known.append((sent, event.content))

    def of_answer(self, event: Event[Fact], outcome: Outcome) -> None:
        mark = event.mark.pk
        if isinstance(outcome, Rejected):
            self.answers[outcome.code] += 1
            self.refused.add(mark)
            return
        self.answers[type(outcome).__name__.lower()] += 1
        assert isinstance(outcome, Accepted | Duplicate)
        before = self.accepted.setdefault(mark, event.content)
        assert before == event.content, "two events were accepted under one identity"


@dataclass(slots=True)
class Market:
    """`busy`: how many actors still have something to do that others must wait for."""

    random: Random
    timeline: Timeline
    network: Network
    memories: Memories = field(default_factory=Memories)
    busy: int = 0
    did: Counter[str] = field(default_factory=Counter)
    world: int = field(default_factory=lambda: next(_worlds))
    _processes: dict[str, str] = field(default_factory=dict)
    _names: count[int] = field(default_factory=lambda: count(1))

    @property
    def database(self) -> Database:
        return self.network.database

    @property
    def now(self) -> Instant:
        return to_instant(datetime.fromtimestamp(self.timeline.now, UTC))

    @property
    def table(self) -> Table:
        """As it is, for whoever looks at it from outside."""
        database: Any = self.database
        return Table(database, "outside", sleep=lambda _: None)

    # ------------------------------------------------------------------ processes

    def invoke[R](
        self, function: str, work: Callable[[Table], R], *, until: float | None = None
    ) -> R:
        """What a function makes of an invocation. Crash if it dies of it, at the latest `until`."""
        name = self._processes.get(function)
        if name is None or self.random.random() < _NEW_PROCESS:
            name = f"{self.world}-{next(self._names)}"  # remembers what this process knows
        self._processes.pop(function, None)  # busy now
        client: Any = Client(self.network, until or self.timeline.now + _timeout(function))
        result = work(Table(client, name, sleep=self.timeline.sleep))
        self._processes[function] = name
        return result

    def persist[R](self, function: str, work: Callable[[Table], R], *, tries: int = 10**6) -> R:
        """Again and again, as whoever invokes it does, until it is answered."""
        while True:
            try:
                return self.invoke(function, work)
            except (Crash, Unavailable):
                self.did["repetitions"] += 1
                tries -= 1
                if not tries:
                    raise
                self.timeline.sleep(self.random.uniform(0.05, 3))

    def start(self, name: str, work: Callable[[], None], *, within_s: float = 0) -> None:
        """An actor that others wait for. It begins sometime `within_s`."""
        self.busy += 1
        self.timeline.spawn(name, partial(self._act, work, self.random.uniform(0, within_s)))

    def _act(self, work: Callable[[], None], after_s: float) -> None:
        self.timeline.sleep(after_s)
        work()
        self.busy -= 1


def new_market(seed: int, start: datetime, slowest_s: float | None = None) -> Market:
    random = Random(f"market {seed}")
    slowest_s = slowest_s or random.choice([0.05, 0.5, 3.0])
    timeline = Timeline(Random(f"time {seed}"), start.timestamp(), slowest_s)
    database = Database(
        now=lambda: timeline.now,
        indexes=indexes(),
        skew=random.choice([0.0, 4.0]),
        page_bytes=random.choice([600, 4_000, 2**20]),
    )
    luck = random.choice([0.0, 1.0, 1.0, 3.0])
    return Market(random, timeline, Network(database, timeline, Random(f"net {seed}"), luck))


@cache
def indexes() -> dict[str, Index]:
    """Those of the template's table."""
    ((_, table),) = resources("AWS::DynamoDB::Table").items()
    return {
        each["IndexName"]: _index(each) for each in table["Properties"]["GlobalSecondaryIndexes"]
    }


def _index(properties: Any) -> Index:
    keys = [key["AttributeName"] for key in properties["KeySchema"]]
    shown: Sequence[str] = properties["Projection"]["NonKeyAttributes"]
    hash_key, range_key = keys
    return Index(hash_key, range_key, frozenset({"PK", "SK", *keys, *shown}))


@cache
def _timeout(function: str) -> float:
    """Seconds; operators' commands have as long as they need."""
    if function == "operator":
        return float("inf")
    shared = template()["Globals"]["Function"]["Timeout"]
    return float(functions()[function].get("Timeout", shared))


def mark_of(sent: Sent) -> str:
    event = sent.event
    return event_key(event["source"], event["id"], sent.sender).pk
