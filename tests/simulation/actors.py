"""Who does something in a market: senders, the stream's consumers, payouts and operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import floor
from typing import Any
from zlib import crc32

from dev.template import passes_filter
from tally.access.api_keys import list_api_keys, revoke_api_key
from tally.access.issuing import issue_api_key
from tally.access.model.scopes import Scope
from tally.activity.lists import list_accesses, list_searches
from tally.aws.items import from_item
from tally.aws.moments import SETTLED_AFTER, series_since, stored_moment
from tally.aws.table import Table
from tally.aws.transactions import Cancelled
from tally.catalog.reads import provider_totals
from tally.counting import parking, rescues
from tally.counting.backfilling import fill
from tally.counting.engine import count, count_under
from tally.counting.markers import Markers, digest_of
from tally.counting.parts import NO_PARTS
from tally.counting.recount import OF_RUNS, OF_TENANT
from tally.counting.repair import repair
from tally.intake.accepting import ingest
from tally.intake.cloudevents import read_event
from tally.kernel.counters import series_key
from tally.kernel.errors import NotFound, Unavailable
from tally.kernel.events import Door, Event, Fact
from tally.kernel.instants import Instant
from tally.ledger.spend import spend_of
from tally.payouts.reading import list_payouts
from tally.payouts.verifying import all_statements, verify
from tests.faults import Crash
from tests.operators import OPERATOR
from tests.simulation.histories import TENANTS, Sent
from tests.simulation.market import Market
from tests.simulation.rescues import Rescues

HOLD_FOR = timedelta(days=90)
_MOST_RECEIVED = 5
_PAUSE_S = 5
_NEVER: Instant = "9999-12-31T23:59:59.999999999Z"
type Record = dict[str, Any]


# ------------------------------------------------------------------------- senders


def send(market: Market, requests: Sequence[Sequence[Sent]]) -> None:
    """One request after the other, each until it is answered."""
    for request in requests:
        market.timeline.sleep(market.random.uniform(0, 1))
        for sender in dict.fromkeys(sent.sender for sent in request):
            _send(market, [sent for sent in request if sent.sender == sender])


def _send(market: Market, request: Sequence[Sent]) -> None:
    market.did["requests"] += 1
    read: list[Event[Fact]] = []

    def ingested(table: Table) -> Any:
        now = market.now
        read[:] = [read_event(sent.event, now, sent.sender) for sent in request]
        for sent, event in zip(request, read, strict=True):
            market.memories.of_sending(sent, event)
        return ingest(table, read, Door(now, backfill=request[0].backfill))

    outcomes = market.persist("IngestEvents", ingested)
    for event, outcome in zip(read, outcomes, strict=True):
        market.memories.of_answer(event, outcome)


# -------------------------------------------------------------------------- stream


@dataclass(slots=True)
class Stream:
    """Delivers at least once: in order for each item, otherwise as it pleases."""

    market: Market
    shards: int
    _read: int = 0
    _active: int = 0
    _queues: list[list[Record]] = field(init=False)
    _delivered: list[Record] = field(default_factory=list)
    bucket: list[list[Record]] = field(default_factory=list)
    rescues: Rescues = field(init=False)
    lag: float = 0.03
    """How likely it is that the next batch comes late."""
    releases: tuple[float, float] = (0, 0)
    """When the present release of the function begins, and when the earlier one is gone."""

    def __post_init__(self) -> None:
        self._queues = [[] for _ in range(self.shards)]
        self.rescues = Rescues(self.market)

    def start(self) -> None:
        for shard in range(self.shards):
            self.market.timeline.spawn(f"stream {shard}", partial(self._consume, shard))
        self.market.timeline.spawn("late stream", self._repeat)

    def _consume(self, shard: int) -> None:
        """Until there is nothing left to do for anybody. A failed batch is cut anew."""
        market, queue, failures = self.market, self._queues[shard], 0
        while not self._rests:
            if market.random.random() < self.lag:
                market.timeline.sleep(market.random.uniform(5, 60))
            self._sort()
            if not queue:
                market.timeline.sleep(market.random.uniform(0.05, 1))
                continue
            batch = queue[: market.random.choice([1, 3, 10, 30])]
            try:
                self.deliver(in_any_order(market, batch))
            except (Crash, Unavailable):
                failures += 1
                market.did["redeliveries"] += len(batch)
                market.timeline.sleep(market.random.uniform(0, 1))
                if failures < _MOST_RECEIVED:
                    continue
                self.bucket.append(batch)
            else:
                self._delivered += batch
            failures = 0
            del queue[: len(batch)]

    def _repeat(self) -> None:
        """What was delivered comes once more, in any order."""
        market = self.market
        while True:
            market.timeline.sleep(market.random.uniform(0.2, 3))
            if self._rests:
                return
            if not self._delivered:
                continue
            again = market.random.choices(self._delivered, k=market.random.randint(1, 8))
            batch = list({record["eventID"]: record for record in again}.values())
            market.did["redeliveries"] += len(batch)
            try:
                self.deliver(batch)
            except (Crash, Unavailable):
                continue

    def deliver(self, batch: Sequence[Record]) -> None:
        market = self.market

        def counted(table: Table) -> None:
            now = market.now
            result = count(table, batch, now)
            for poison in result.parked:
                parking.park(table, poison, now)
            rescues.ask(table, self.rescues, result.to_rescue, now)

        market.did["deliveries"] += 1
        self._active += 1
        try:
            if self._by_the_earlier_release():
                market.did["deliveries to the earlier release"] += 1
                earlier = partial(self._count_as_before, batch)
                market.invoke("CountChanges before", earlier, until=self.releases[1])
            else:
                market.invoke("CountChanges", counted)
        finally:
            self._active -= 1

    def _count_as_before(self, batch: Sequence[Record], table: Table) -> None:
        """As releases did it that gave each change a marker of its own and knew no series."""
        now = self.market.now
        markers = Markers(table, now, shared_since=None)
        result = count_under(markers, table, batch, NO_PARTS, since=_NEVER)
        for poison in result.parked:
            parking.park_under(markers, table, poison, now)
        rescues.ask(table, self.rescues, result.to_rescue, now)

    def _by_the_earlier_release(self) -> bool:
        """For a while, either release may get a batch."""
        begins, gone = self.releases
        now = self.market.timeline.now
        return now < begins or (now < gone and self.market.random.random() < 0.5)

    @property
    def _rests(self) -> bool:
        """Whether there is nothing to deliver, and nobody who may write more."""
        market = self.market
        if market.busy or self._active or market.network.orphans or self.rescues.under_way:
            return False
        self._sort()
        return not any(self._queues)

    def _sort(self) -> None:
        """Each item's changes go to one shard, be its partition split or not."""
        records = self.market.database.stream
        for record in records[self._read :]:
            key = record["dynamodb"]["Keys"]
            if passes_filter(key["SK"]["S"], record["eventName"]):
                place = crc32(f"{key['PK']['S']} {key['SK']['S']}".encode()) % self.shards
                self._queues[place].append(record)
                if self.market.random.random() < 0.005 * self.market.network.luck:
                    self.market.network.cursed.add(digest_of(record))
        self._read = len(records)


def in_any_order(market: Market, batch: Sequence[Record]) -> list[Record]:
    """The same records; those of an item stay in their order."""
    by_item: dict[str, list[Record]] = {}
    for record in batch:
        by_item.setdefault(str(record["dynamodb"]["Keys"]), []).append(record)
    found = []
    while by_item:
        item = market.random.choice(list(by_item))
        found.append(by_item[item].pop(0))
        if not by_item[item]:
            del by_item[item]
    return found


# ----------------------------------------------------------------------- operators


def repair_counters(market: Market, tenant: str | None = None) -> None:
    """Of this or of any tenant, or of the runs, whatever is on its way meanwhile."""
    if tenant is None:
        tenant = market.random.choice([*TENANTS, ""])
    skew = market.database.skew

    def clock() -> float:
        return float(floor(market.timeline.now + skew * market.random.random()))

    def repaired(table: Table) -> None:
        repair(
            table,
            tenant,
            pause_s=_PAUSE_S,
            sleep=market.timeline.sleep,
            clock=clock,
            kinds=OF_TENANT if tenant else OF_RUNS,
        )

    market.did["repairs"] += 1
    try:
        market.invoke("operator", repaired)
    except (Crash, Unavailable):
        market.did["broken repairs"] += 1


def backfill_series(market: Market) -> None:
    """As soon as it may be. It is repeated until it comes to its end."""
    since = stored_moment(market.table, series_key())
    if not since:
        return
    market.timeline.sleep(max(0, since + SETTLED_AFTER.total_seconds() - market.timeline.now))

    def backfilled(table: Table) -> None:
        fill(table, TENANTS, series_since(table, market.now), lambda _: None)

    market.did["backfills"] += 1
    market.persist("operator", backfilled)


def scanned_in_turn(
    table: Table,
    sort_key: str,
    _attributes: Sequence[str],
    reduce: Callable[[Iterator[Mapping[str, Any]]], Any],
    _say: Callable[[str], None],
) -> list[Any]:
    """Takes the place of threads that read the table, which virtual time does not know."""
    client: Any = table.client
    items = [each for each in client.network.database.items() if each["SK"]["S"] == sort_key]
    return [reduce(map(from_item, items))]


def replay_parked(market: Market, queue: Rescues) -> None:
    """All that is parked; what is still cursed stays."""
    for parked in market.persist("operator", lambda table: list(parking.list_parked(table))):
        market.did["replays"] += 1
        market.persist("operator", partial(_replay, parked.parked_id, market, queue))


def _replay(parked_id: str, market: Market, queue: Rescues, table: Table) -> None:
    try:
        parking.replay(table, queue, parked_id, market.now)
    except (NotFound, ValueError, Cancelled):
        return


def keep_keys(market: Market, steps: int) -> None:
    """Issue and revoke keys. A key whose issue was not answered is lost, and counted."""
    for _ in range(steps):
        market.timeline.sleep(market.random.uniform(0, 1))
        tenant = market.random.choice(TENANTS[:2])
        market.persist("CreateApiKey", partial(_issue, tenant, market.now))
        keys = market.persist("ListApiKeys", partial(list_api_keys, tenant_id=tenant, limit=50))
        if keys.rows and market.random.random() < 0.5:
            gone = market.random.choice(list(keys.rows)).api_key_id
            market.persist("RevokeApiKey", partial(_revoke, tenant, gone, market.now))


def _issue(tenant: str, now: Instant, table: Table) -> None:
    scopes = [Scope.USAGE_READ]
    issue_api_key(table, tenant, name="k", scopes=scopes, now=now, actor=OPERATOR)


def _revoke(tenant: str, api_key_id: str, now: Instant, table: Table) -> None:
    revoke_api_key(table, tenant, api_key_id, now, actor=OPERATOR)


def look_around(market: Market, looks: int) -> None:
    """Dashboards and proofs, while all goes on: they answer, and the proofs find nothing."""
    for _ in range(looks):
        market.timeline.sleep(market.random.uniform(0, 2))
        tenant = market.random.choice(TENANTS)
        market.persist("operator", partial(_look, market.now, tenant))


def _look(now: Instant, tenant: str, table: Table) -> None:
    provider_totals(table, tenant)
    spend_of(table, tenant, now[:7])
    list_accesses(table, tenant, limit=2)
    list_searches(table, tenant, now, limit=2)
    list_payouts(table, tenant, limit=2)
    for statement in all_statements(table):
        assert (difference := verify(table, statement)) is None, f"{statement}: {difference}"
