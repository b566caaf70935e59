"""Writes that lease requests, when the table refuses, fails or does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tally.aws.table import Table
from tally.kernel.errors import Unavailable
from tally.limits.items import window_from, window_key
from tally.limits.leasing import Limiter, Quota
from tally.limits.model import Window
from tests.faults import Fault, error_after, rival, throttle
from tests.world import World

LIMIT = 600
BLOCK = 8  # of which one is for the request at hand, and 7 are held


@dataclass
class Client:
    """Updates meet the faults, one after the other; those after them meet none."""

    real: Any
    faults: list[Fault] = field(default_factory=list)
    updates: int = 0

    def update_item(self, **arguments: Any) -> Any:
        self.updates += 1
        fault = self.faults.pop(0) if self.faults else None
        write: Callable[[], Any] = lambda: self.real.update_item(**arguments)  # noqa: E731
        return fault(write) if fault else write()


@dataclass
class Process:
    world: World
    limit: int = LIMIT
    limiter: Limiter = field(default_factory=Limiter)
    client: Any = None

    def __post_init__(self) -> None:
        self.client = Client(self.world.table.client)

    def ask(self, times: int = 1, *faults: Fault) -> Quota:
        """The answer to the last of the requests, of which the first meets the faults."""
        self.client.faults = list(faults)
        quotas = [self.count() for _ in range(times)]
        assert quotas[-1]
        return quotas[-1]

    def count(self) -> Quota | None:
        table: Table = replace(self.world.table, client=self.client)
        return self.limiter.count(table, "acme", self.world.now, lambda: self.limit)


def window(world: World) -> Window:
    item = world.table.get(window_key("acme"), consistent=True)
    assert item
    return window_from(item)


def counts(world: World) -> tuple[int, int, int]:
    """leased, held, processes"""
    return window(world)[1:]


def test_one_write_for_each_block(world: World) -> None:
    process = Process(world)

    quotas = [process.ask() for _ in range(2 * BLOCK)]

    assert [quota.remaining for quota in quotas] == [*range(599, 583, -1)]
    assert process.client.updates == 2
    assert counts(world) == (16, 7, 1)


def test_an_opening_without_an_answer_wastes_its_block(world: World) -> None:
    process = Process(world)

    assert process.ask(1, error_after).remaining == LIMIT - BLOCK - 1
    assert counts(world) == (2 * BLOCK, 14, 2)
    assert process.client.updates == 3  # done, refused by itself, and the lease


def test_a_lease_without_an_answer_wastes_its_block_and_returns_nothing_twice(world: World) -> None:
    process = Process(world)
    process.ask(BLOCK)

    assert process.ask(1, error_after).remaining == LIMIT - 3 * BLOCK + 7
    # The first write returned seven and took seven, the second took seven more.
    assert counts(world) == (3 * BLOCK, 14, 1)


def test_nor_if_the_repetition_is_refused(world: World) -> None:
    """Others took what might be held meanwhile."""
    process, rivals = Process(world), [Process(world) for _ in range(7)]
    process.ask(BLOCK)

    def take() -> None:
        for each in rivals:
            each.ask()

    process.ask(1, error_after, rival(take))

    # 8 by the process before, 8 lost, 7 times 8 by rivals until 56 were held, and 5 now.
    leased, held, _ = counts(world)
    wasted = 7
    held_by_rivals = leased - 2 * BLOCK - (held_now := 4) - 1 - len(rivals)
    assert held == wasted + held_by_rivals + held_now
    assert held <= LIMIT // 10


def test_nor_if_it_never_gets_an_answer(world: World) -> None:
    process = Process(world)
    process.ask(BLOCK)

    with pytest.raises(Unavailable):
        process.ask(1, error_after, *[throttle] * 9)
    assert counts(world) == (2 * BLOCK, 7, 1)

    process.ask()
    assert counts(world) == (3 * BLOCK, 14, 1)


def test_who_cannot_be_counted_is_not_let_through(world: World) -> None:
    process = Process(world, limit=5)

    for _ in range(3):
        with pytest.raises(Unavailable):
            process.ask(1, *[throttle] * 10)

    assert [process.ask().admitted for _ in range(6)] == [True] * 5 + [False]


def test_who_knows_that_nothing_is_left_asks_no_more(world: World) -> None:
    first, second = Process(world, limit=5), Process(world, limit=5)
    first.ask(5)

    assert not second.ask(100).admitted
    assert not first.ask(100).admitted
    assert (first.client.updates, second.client.updates) == (5, 1)
    assert counts(world) == (5, 0, 1)


def test_the_next_window_begins_with_the_first_request_after_the_last_one(world: World) -> None:
    process = Process(world, limit=5)
    process.ask(6)
    world.wait(seconds=59.999)
    assert not process.ask().admitted

    world.wait(seconds=30)
    quota = process.ask()

    assert quota == Quota(
        admitted=True, limit=5, remaining=4, resets_in_s=60, resets_at_s=1_775_383_350
    )
    assert counts(world) == (1, 0, 1)


def test_a_lowered_limit_voids_what_is_held(world: World) -> None:
    process = Process(world)
    process.ask()
    process.limit = 5
    assert process.ask() == Quota(True, 600, 598, 60, 1_775_383_260)

    world.wait(seconds=30)
    assert process.ask() == Quota(False, 5, 0, 30, 1_775_383_260)


def test_a_raised_limit_opens_a_window_that_was_used_up(world: World) -> None:
    process = Process(world, limit=5)
    assert not process.ask(6).admitted
    process.limit = 7
    world.wait(seconds=30)

    assert [process.ask().admitted for _ in range(3)] == [True, True, False]


def test_a_tenant_loses_its_limit_and_gets_one_again(world: World) -> None:
    process = Process(world, limit=5)
    process.ask(6)

    process.limit = 0
    world.wait(seconds=30)
    assert process.count() is None
    process.limit = 6
    world.wait(seconds=29.999)
    assert process.count() is None

    world.wait(seconds=0.001)
    assert process.ask() == Quota(True, 6, 5, 60, 1_775_383_320)


def test_a_window_that_expired_from_the_table_is_opened_again(world: World) -> None:
    process = Process(world)
    process.ask(BLOCK)
    world.table.transact([world.table.delete(window_key("acme"))])

    assert process.ask().remaining == LIMIT - 1
    assert counts(world) == (BLOCK, 7, 1)
