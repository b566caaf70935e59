"""A stream that delivers as Lambda's may: at least once, late, and cut into batches anyhow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from tally.counting import rescues
from tally.counting.engine import count
from tally.counting.parking import park
from tally.intake.accepting import Accepted, ingest
from tally.intake.cloudevents import read_event
from tally.kernel.events import Door, Rejected
from tests.faults import PLAIN_FAULTS, Crash, FaultyClient, rival
from tests.world import World

type Event = dict[str, Any]


class Stream:
    """Delivers at least once: in order for each item, otherwise as it pleases."""

    def __init__(self, world: World, random: Random) -> None:
        self.world = world
        self.random = random
        self.waiting: list[dict[str, Any]] = []
        self.delivered: list[dict[str, Any]] = []

    def next_batch(self) -> list[dict[str, Any]]:
        """Any number of waiting records, and perhaps some that were delivered before."""
        self.waiting += self.world.new_stream_records()
        batch: list[dict[str, Any]] = []
        held_back: list[dict[str, Any]] = []
        items_held_back = set()
        for record in self.waiting:
            item = str(record["dynamodb"]["Keys"])
            if item in items_held_back or self.random.random() < 0.4:
                items_held_back.add(item)
                held_back.append(record)
            else:
                batch.append(record)
        self.waiting = held_back
        again = [record for record in self.delivered if self.random.random() < 0.2]
        return self.random.sample(again, len(again)) + batch

    def deliver(self, batch: list[dict[str, Any]]) -> None:
        try:
            result = count(self.world.table, batch, self.world.now)
            for poison in result.parked:
                park(self.world.table, poison, self.world.now)
            rescues.ask(self.world.table, self.world.rescues, result.to_rescue, self.world.now)
        except Crash:
            self.waiting = [r for r in batch if r not in self.delivered] + self.waiting
            return
        self.delivered += [r for r in batch if r not in self.delivered]

    def rescue(self) -> None:
        """A message of the queue of rescues. It may come again, and does if its process dies."""
        bodies = self.world.rescues.bodies
        if not bodies:
            return
        body = self.random.choice(bodies)
        rescue = rescues.Rescue.from_json(body)
        try:
            rescues.work_off(
                self.world.table,
                self.world.rescues,
                rescue,
                self.world.now,
                lambda: self.random.random() < 0.5,
            )
        except Crash:
            return
        if self.random.random() < 0.8:
            bodies.remove(body)

    def drain(self) -> None:
        while batch := self.waiting + self.world.new_stream_records():
            self.waiting = []
            self.deliver(batch)
            while self.world.rescues.bodies:
                self.rescue()


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


def send_through_faults(world: World, history: list[Event], seed: int) -> list[Event]:
    """Send a history in small requests and deliver what it changes, while writes fail, processes
    die and rivals get in between, until all is counted; the events that were accepted."""
    random = Random(seed)
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
        stream.rescue()
    client.calm()
    marketplace.post(history)
    stream.drain()
    return list(marketplace.accepted.values())


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
