"""Rivals for the two counters that all of a hot partner's usage goes into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tally.aws.table import Table
from tally.counting.engine import count
from tally.counting.recount import recount
from tally.intake.accepting import leave_to_the_stream
from tally.kernel.errors import Unavailable
from tally.kernel.instants import plus
from tests.builders import event
from tests.faults import FaultyClient, conflict
from tests.world import World

USAGE = "/partner/usage?startDate=2026-04-05&endDate=2026-04-05"
type Record = dict[str, Any]


@pytest.fixture
def hot(world: World) -> World:
    world.tenant("acme")
    leave_to_the_stream(world.table, "acme", plus(world.now, timedelta(days=1)))
    world.send(event("organization.created"))
    world.deliver()
    return world


def entries(world: World, number: int) -> list[Record]:
    """The changes of so many requests of one event each."""
    for _ in range(number):
        assert world.send(event("identification.recorded", quantity=3)).status == 202
    return world.new_stream_records()


def used(world: World) -> tuple[int, int]:
    told = world.get_partner(USAGE, "acme")
    return told["totalQuantity"], told["totalEvents"]


def faulty(world: World) -> tuple[FaultyClient, Table]:
    client: Any = FaultyClient(world.table.client)
    return client, replace(world.table, client=client)


@pytest.mark.parametrize("conflicts", [0, 1, 4, 9])
def test_a_conflict_is_tried_again_and_counts_once(hot: World, conflicts: int) -> None:
    client, table = faulty(hot)
    for n in range(conflicts):
        client.after(n, conflict)

    assert count(table, entries(hot, 5), hot.now).counted == 5

    assert client.writes == conflicts + 1  # one transaction for all five, each time whole
    assert used(hot) == (15, 5)


def test_after_ten_attempts_the_batch_comes_again(hot: World) -> None:
    client, table = faulty(hot)
    batch = entries(hot, 5)
    for n in range(10):
        client.after(n, conflict)

    with pytest.raises(Unavailable):
        count(table, batch, hot.now)

    assert client.writes == 10
    assert used(hot) == (0, 0)
    assert hot.redeliver(batch).counted == 5
    assert hot.redeliver(batch).already_counted == 5
    assert used(hot) == (15, 5)
    assert recount(hot.table, "acme", sleep=lambda _: None) == []


def test_eight_consumers_that_get_in_each_others_way_count_each_entry_once(hot: World) -> None:
    """Each is refused while the next one counts, and so on to the last. Then each finds its page
    of markers written on, and reads it again."""
    changes = entries(hot, 24)
    shares = [changes[n::8] for n in range(8)]
    clients = []

    def consume(place: int) -> None:
        client, table = faulty(hot)
        clients.append(client)
        if place < 7:
            client.after(0, overtaken(lambda: consume(place + 1)))
        assert count(table, shares[place], hot.now).counted == 3

    def overtaken(by: Callable[[], None]) -> Callable[[Callable[[], Any]], Any]:
        def refused(write: Callable[[], Any]) -> Any:
            by()
            return conflict(write)

        return refused

    consume(0)

    assert [client.writes for client in clients] == [3] * 7 + [1]
    assert used(hot) == (72, 24)
    assert recount(hot.table, "acme", sleep=lambda _: None) == []
