"""Every accepted event is counted exactly once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.recount import recount
from tally.domain.events import Rejected
from tally.http.cloudevents import read_event
from tally.store.ingestion import Accepted, Door, ingest
from tally.store.totals import provider_totals
from tests.deliveries import Stream
from tests.faults import PLAIN_FAULTS, Crash, FaultyClient, rival
from tests.histories import TENANT, Event, dashboard, histories
from tests.world import World, new_world


class Marketplace:
    """Sends events, again and again until answered, and remembers which were accepted."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.accepted: dict[str, Event] = {}

    def post(self, events: Sequence[Event]) -> None:
        read = [read_event(event, self.world.now) for event in events]
        outcomes = ingest(self.world.table, read, Door(self.world.now))
        for event, outcome in zip(events, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                assert event["id"] not in self.accepted
            else:
                self.accepted[event["id"]] = event
                assert isinstance(outcome, Accepted) or event["id"] in self.accepted


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories(), seed=st.integers(0, 2**32))
def test_counters_equal_the_rules_and_a_recount_after_any_faults(
    history: list[Event], seed: int
) -> None:
    random = Random(seed)
    with new_world() as world:
        world.tenant(TENANT)
        client: Any = FaultyClient(world.table.client)
        world.table = replace(world.table, client=client)
        marketplace, stream = Marketplace(world), Stream(world, random)

        unsent = list(history)
        while unsent:
            size = random.randint(1, 8)
            events, unsent = unsent[:size], unsent[size:]
            events += [e for e in marketplace.accepted.values() if random.random() < 0.1]
            for _ in range(random.randint(0, 2)):
                client.after(random.randint(0, 3), _fault(random, marketplace, stream, history))
            _until_answered(marketplace, events)
            stream.deliver(stream.next_batch())
        client.calm()
        marketplace.post(history)
        stream.drain()

        totals = provider_totals(world.table, TENANT)
        expected = dashboard(list(marketplace.accepted.values()))
        assert {field: totals.get(field, 0) for field in expected} == expected
        assert recount(world.table, TENANT, sleep=lambda _: None) == []


def _until_answered(marketplace: Marketplace, events: Sequence[Event]) -> None:
    while True:
        try:
            marketplace.post(events)
        except Crash:
            continue
        return


def _fault(random: Random, marketplace: Marketplace, stream: Stream, history: list[Event]) -> Any:
    """A plain fault, or a rival: another delivery or another request gets in between."""
    choice = random.randrange(len(PLAIN_FAULTS) + 2)
    if choice < len(PLAIN_FAULTS):
        return PLAIN_FAULTS[choice]
    if choice == len(PLAIN_FAULTS):
        return rival(lambda: stream.deliver(stream.next_batch()))
    events = random.sample(history, min(3, len(history)))
    return rival(lambda: marketplace.post(events))
