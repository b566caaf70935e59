"""A stream that delivers as Lambda's may: at least once, late, and cut into batches anyhow."""

from __future__ import annotations

from random import Random
from typing import Any

from tally.store.counting import count
from tally.store.parking import park
from tests.faults import Crash
from tests.world import World


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
        except Crash:
            self.waiting = [r for r in batch if r not in self.delivered] + self.waiting
            return
        self.delivered += [r for r in batch if r not in self.delivered]

    def drain(self) -> None:
        while batch := self.waiting + self.world.new_stream_records():
            self.waiting = []
            self.deliver(batch)
