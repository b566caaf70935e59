"""The books balance at every instant and say what the events say, whatever happens on the way."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.intake.accepting import Accepted
from tally.ledger.model.entries import EntrySide
from tests.builders import event
from tests.deliveries import Stream
from tests.faults import PLAIN_FAULTS, rival
from tests.spending import (
    WAITS_H,
    Event,
    spending,
)
from tests.store.books import (
    AuditedClient,
    Marketplace,
    access,
    audited,
    check_answers,
    check_ledger,
    digest,
    items_of,
    ledger,
    new_market,
    post,
    refund,
    search,
    settle,
)
from tests.world import World, new_world

# ------------------------------------------------------------------------ any history


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=spending(most=15), seed=st.integers(0, 2**32))
def test_the_books_balance_and_equal_the_events_after_any_faults(
    history: list[Event], seed: int
) -> None:
    random = Random(seed)
    with new_world() as world:
        marketplace = new_market(world)
        client, stream = audited(world), Stream(world, random)

        unsent = list(history)
        while unsent:
            size = random.randint(1, 8)
            events, unsent = unsent[:size], unsent[size:]
            events += [e for e, _ in marketplace.books.accepted.values() if random.random() < 0.1]
            random.shuffle(events)
            if random.random() < 0.3:
                marketplace.post_in_peace(events)
            else:
                for _ in range(random.randint(1, 2)):
                    fault = _fault(random, marketplace, stream, history)
                    client.after(random.randint(0, 3), fault)
                marketplace.post_until_answered(events)
            check_ledger(world, marketplace.books)
            stream.deliver(stream.next_batch())
            client.calm()
            world.wait(hours=random.choice(WAITS_H))
        # By now nothing changes but what was rejected for coming before what it speaks of.
        marketplace.post_in_peace(history)
        stream.drain()

        check_ledger(world, marketplace.books)
        check_answers(world, marketplace.books)


def _fault(random: Random, marketplace: Marketplace, stream: Stream, history: list[Event]) -> Any:
    """A plain fault, or a rival: another delivery or another request gets in between."""
    choice = random.randrange(len(PLAIN_FAULTS) + 3)
    if choice < len(PLAIN_FAULTS):
        return PLAIN_FAULTS[choice]
    if choice == len(PLAIN_FAULTS):
        return rival(lambda: stream.deliver(stream.next_batch()))
    events = random.sample(history, min(3, len(history)))
    return rival(lambda: marketplace.post_until_answered(events))


@pytest.fixture
def marketplace(world: World) -> Marketplace:
    return new_market(world)


@pytest.fixture
def client(world: World, marketplace: Marketplace) -> AuditedClient:
    assert marketplace.world is world
    return audited(world)


# -------------------------------------------------------------------- many providers


def test_a_charge_over_fifty_providers_is_one_transaction(world: World) -> None:
    world.tenant("ada")
    datasets, creations = [f"d{n:02}" for n in range(50)], []
    for n, dataset in enumerate(datasets):
        world.tenant(f"p{n:02}")
        creations.append(event("dataset.created", tenant_id=f"p{n:02}", dataset_id=dataset))
    assert post(world, *creations) == [Accepted()] * 50
    client = audited(world)
    wide = search("c", "0.000120", *datasets) | {"time": world.now}
    back = refund("r", "c", "0.000070") | {"time": world.now}

    assert post(world, wide, back) == [Accepted()] * 2
    assert client.writes == 3  # the registers, the charge, the refund
    assert Counter((entry.side, entry.amount) for entry in ledger(items_of(world))) == {
        (EntrySide.DEBIT, 120): 1,
        (EntrySide.DEBIT, -70): 1,
        (EntrySide.CREDIT, 3): 20,  # 120 = 50 * 2 + 20
        (EntrySide.CREDIT, 2): 30,
        (EntrySide.CREDIT, -2): 20,  # of 3: 1.75 each
        (EntrySide.CREDIT, -1): 30,  # of 2: 1.17 each
    }


# ------------------------------------------------------------------- the buyer's counters


def test_two_deliveries_of_first_accesses_at_once_count_the_dataset_once(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    world = marketplace.world
    marketplace.post([access("a1"), access("a2")])
    records = world.new_stream_records()
    one = [record for record in records if digest("a1") in str(record["dynamodb"]["Keys"])]
    other = [record for record in records if record not in one]
    client.after(0, rival(lambda: world.redeliver(other)))
    world.redeliver(one)
    settle(marketplace)
