"""A new counter comes to a live table and is filled, exactly, while events flow."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any, ClassVar

import pytest

from ops.counters import recount_tenants
from ops.deployment import Deployment
from tally.activity.counters import search_contribution
from tally.activity.model import SearchActivity
from tally.aws.table import Table
from tally.counting import parking, registry
from tally.counting.changes import Poison
from tally.counting.recount import OF_TENANT
from tally.kernel.counted import CounterKind
from tally.kernel.counters import Deltas, Totals, adds, total
from tally.kernel.keys import Key
from tests.builders import event
from tests.store.recounts import drifts, repaired
from tests.world import World

pytestmark = pytest.mark.slow

BUYERS = ("acme", "rival")
DAYS = ("2026-04-03", "2026-04-04", "2026-04-05")


@dataclass(frozen=True, slots=True)
class SearchDays(Totals):
    """A buyer's searches of a day: a counter that only these tests have."""

    FIELDS: ClassVar = ("searches",)
    tenant_id: str
    day: str

    @property
    def key(self) -> Key:
        return Key(f"TENANT#{self.tenant_id}", f"TOTALS#SEARCHES#{self.day}")


def _contribution(search: SearchActivity) -> Deltas:
    day = SearchDays(search.tenant_id, search.occurred_at[:10])
    return total([search_contribution(search), adds(day, searches=1)])


def _days(table: Table, tenant_id: str) -> Iterator[SearchDays]:
    first = SearchDays(tenant_id, "").key
    for item in table.query(first.pk, first.sk, consistent=True):
        yield SearchDays(tenant_id, item["SK"].removeprefix(first.sk))


@contextmanager
def deployed_version() -> Iterator[None]:
    """The version of Tally that has the counter."""
    before = {name: getattr(OF_TENANT, name) for name in ("counted", "counters")}
    known = registry.kind_of("SEARCH#")
    assert known
    kind = replace(known, contribution=_contribution, adds_to=(*known.adds_to, SearchDays))
    counted = tuple(kind if each is known else each for each in OF_TENANT.counted)
    try:
        object.__setattr__(OF_TENANT, "counted", counted)
        object.__setattr__(
            OF_TENANT, "counters", (*OF_TENANT.counters, CounterKind(SearchDays, _days))
        )
        registry._BY_TYPE[SearchActivity] = kind  # noqa: SLF001  what a deployment replaces
        yield
    finally:
        for name, value in before.items():
            object.__setattr__(OF_TENANT, name, value)
        registry._BY_TYPE[SearchActivity] = known  # noqa: SLF001


class Traffic:
    """Searches of all buyers and days; `made` says how many there are."""

    def __init__(self, world: World, random: Random) -> None:
        self.world = world
        self.random = random
        self.made: Counter[tuple[str, str]] = Counter()
        self.on_its_way: list[dict[str, Any]] = []

    def search(self, buyer: str, day: str) -> None:
        self.made[buyer, day] += 1
        sent = event(
            "search.performed",
            f"{day}T09:00:00Z",
            tenant_id=buyer,
            query_text="q",
            dataset_ids=["dset_1"],
            result_count=1,
            charged_amount="0.45",
            currency="USD",
        )
        assert self.world.send(sent).status == 202

    def flow(self, days: tuple[str, ...] = DAYS) -> None:
        """Some searches, of which some changes are counted at once and others later."""
        for _ in range(self.random.randint(1, 4)):
            self.search(self.random.choice(BUYERS), self.random.choice(days))
        self.on_its_way += self.world.new_stream_records()
        self.random.shuffle(self.on_its_way)
        now = self.random.randint(0, len(self.on_its_way))
        self.world.redeliver(self.on_its_way[:now])
        del self.on_its_way[:now]

    def drain(self) -> None:
        self.world.redeliver(self.on_its_way)
        self.on_its_way = []
        self.world.deliver()

    def counted(self) -> Counter[tuple[str, str]]:
        items = {
            (buyer, day): self.world.table.get(SearchDays(buyer, day).key) or {}
            for buyer in BUYERS
            for day in DAYS
        }
        return Counter({of: item.get("searches", 0) for of, item in items.items()})


@pytest.fixture
def market(world: World) -> World:
    for buyer in BUYERS:
        world.tenant(buyer)
    world.send(event("dataset.created"))
    return world


@pytest.mark.parametrize("seed", range(4))
def test_it_is_filled_exactly_while_events_flow(market: World, seed: int) -> None:
    """Changes made before the deployment are counted by either version, before or after the
    repair, out of the parking or out of the bucket."""
    traffic = Traffic(market, Random(seed))
    for _ in range(8):
        traffic.flow()
    parked, in_the_bucket = traffic.on_its_way[:2], traffic.on_its_way[2:4]
    del traffic.on_its_way[:4]
    for raw in parked:
        parking.park(market.table, Poison(raw, "no reason"), market.now)

    with deployed_version():
        traffic.flow()
        left = 1
        for busy in (DAYS, DAYS[1:], DAYS[2:], ()):

            def meanwhile(seconds: float, busy: tuple[str, ...] = busy) -> None:
                market.wait(seconds=seconds / 2)
                if busy:
                    traffic.flow(busy)
                market.wait(seconds=seconds / 2)

            left = sum(len(repaired(market, buyer, sleep=meanwhile).left) for buyer in BUYERS)
        assert left == 0, "all of them came to rest"
        traffic.flow()
        for each in list(parking.list_parked(market.table)):
            market.replay(each.parked_id)
        for _ in range(2):
            market.redeliver(in_the_bucket)
        traffic.drain()

        assert traffic.counted() == traffic.made
        assert [drifts(market, buyer) for buyer in BUYERS] == [[], []]


def test_without_a_repair_it_lacks_what_was_counted_before(market: World) -> None:
    """So that the test above shows something."""
    traffic = Traffic(market, Random(0))
    traffic.search("acme", DAYS[0])
    market.deliver()

    with deployed_version():
        traffic.search("acme", DAYS[0])
        market.deliver()

        assert traffic.counted()["acme", DAYS[0]] == 1
        assert [str(drift) for drift in drifts(market)] == [
            "TENANT#acme / TOTALS#SEARCHES#2026-04-03: searches is 1, its records say 2"
        ]


def test_a_day_that_never_rests_does_not_keep_the_others_from_being_filled(
    market: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command, with a buyer that searches all the time."""
    traffic = Traffic(market, Random(0))
    for day in DAYS:
        traffic.search("acme", day)
    market.deliver()
    ticks = iter(range(1_775_383_200, 1_800_000_000, 60))
    monkeypatch.setattr("tally.counting.repair._database_clock", lambda _: next(ticks))
    busy = Busy(market.table.client, traffic)
    deployed = Deployment(replace(market.table, client=busy), {}, None, None)  # type: ignore[arg-type]
    command = Namespace(tenant=["acme"], repair=True, pause=0)

    with deployed_version():
        assert recount_tenants(deployed, command) == 1

        told = capsys.readouterr().out.splitlines()
        assert told[:3] == [
            "acme: keeps changing",
            "  repaired 2",
            "  not repaired, because their records kept changing:",
        ]
        counted = traffic.counted()
        assert [counted["acme", day] for day in DAYS[:2]] == [1, 1]
        busy.traffic = None
        market.deliver()
        assert recount_tenants(deployed, command) == 0
        assert traffic.counted() == traffic.made


@dataclass
class Busy:
    """A client beside which somebody searches whenever the searches are read."""

    real: Any
    traffic: Traffic | None

    def query(self, **arguments: Any) -> Any:
        if self.traffic and "SEARCH#" in str(arguments["ExpressionAttributeValues"]):
            self.traffic.search("acme", DAYS[2])
        return self.real.query(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
