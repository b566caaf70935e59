"""Refunds and charges that meet rivals or die half way: the books balance all the same."""

from __future__ import annotations

from typing import Any

import pytest

from tally.kernel.events import event_key
from tally.ledger.items import charge_from
from tally.ledger.model.charges import Charge
from tally.ledger.spend import spend_of
from tests.faults import Crash, crash_after, crash_before, rival
from tests.store.books import (
    AuditedClient,
    Marketplace,
    access,
    audited,
    items_of,
    new_market,
    refund,
    search,
    settle,
)
from tests.world import World

pytestmark = pytest.mark.slow


def charge_of(marketplace: Marketplace, event_id: str) -> Charge:
    """As it stands after its refunds."""
    charge = charge_from(items_of(marketplace.world)[event_key("/test", event_id)])
    assert charge
    return charge


# ----------------------------------------------------------------- refunds beside rivals


@pytest.fixture
def marketplace(world: World) -> Marketplace:
    return new_market(world)


@pytest.fixture
def client(world: World, marketplace: Marketplace) -> AuditedClient:
    assert marketplace.world is world
    return audited(world)


def test_two_refunds_of_one_charge_at_once_take_no_more_than_the_charge(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    marketplace.post([search("c", "1.00", "d1", "d2")])
    first: list[str] = []
    client.after(0, rival(lambda: first.extend(marketplace.post([refund("r1", "c", "0.60")]))))
    assert marketplace.post([refund("r2", "c", "0.60")]) == ["refund_exceeds_charge"]
    assert first == ["accepted"]
    settle(marketplace)


def test_two_refunds_of_one_charge_at_once_both_count_if_there_is_enough(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    marketplace.post([search("c", "0.000005", "d1", "d2", "d4")])
    first: list[str] = []
    client.after(0, rival(lambda: first.extend(marketplace.post([refund("r1", "c", "0.000002")]))))
    assert marketplace.post([refund("r2", "c", "0.000003")]) == ["accepted"]
    assert first == ["accepted"]
    settle(marketplace)
    assert charge_of(marketplace, "c").left == 0


def test_several_refunds_of_one_charge_in_one_request(marketplace: Marketplace) -> None:
    marketplace.post([search("c", "1.00", "d1", "d2", "d3")])
    assert marketplace.post(
        [refund("r1", "c", "0.50"), refund("r2", "c", "0.60"), refund("r3", "c", "0.50")]
    ) == ["accepted", "refund_exceeds_charge", "accepted"]
    settle(marketplace)
    assert charge_of(marketplace, "c").left == 0


def test_a_refund_in_the_request_of_its_charge(marketplace: Marketplace) -> None:
    """They are decided in the order sent: a refund cannot come first."""
    assert marketplace.post(
        [
            refund("r1", "c", "0.25"),
            access("c"),
            refund("r2", "c", "0.25"),
            refund("r3", "c", "0.75"),
        ]
    ) == ["unknown_charge", "accepted", "accepted", "accepted"]
    settle(marketplace)


def test_a_refund_beside_a_repetition_of_its_charge(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    marketplace.post([access("c")])
    before = client.writes
    assert marketplace.post([refund("r", "c", "0.40"), access("c")]) == ["accepted", "duplicate"]
    assert client.writes == before + 1  # the mark was read for the refund
    changed = access("c", "2.00")
    assert marketplace.post([refund("s", "c", "0.40"), changed]) == ["accepted", "event_conflict"]
    settle(marketplace)


@pytest.mark.parametrize("amount", ["0.00", "0.40", "1.00", "2.00"])
def test_a_refund_under_the_id_of_its_own_charge_is_a_conflict(
    marketplace: Marketplace, amount: str
) -> None:
    own = refund("c", "c", amount)
    assert marketplace.post([own]) == ["unknown_charge"]
    assert marketplace.post([access("c"), own]) == ["accepted", "event_conflict"]
    with marketplace.world.unchanged():
        assert marketplace.post([own]) == ["event_conflict"]


def test_a_refund_is_no_charge_that_could_be_refunded(marketplace: Marketplace) -> None:
    marketplace.post([access("c"), refund("r", "c", "0.40")])
    assert marketplace.post([refund("rr", "r", "0.10")]) == ["unknown_charge"]


@pytest.mark.parametrize("fault", [crash_before, crash_after])
@pytest.mark.parametrize("nth", [0, 1])
def test_a_charge_that_died_half_way_is_whole_when_it_is_sent_again(
    marketplace: Marketplace, client: AuditedClient, fault: Any, nth: int
) -> None:
    """Registers come first: one of nothing does no harm, an entry without one would be lost."""
    client.after(nth, fault)
    with pytest.raises(Crash):
        marketplace.post([search("c", "1.00", "d1", "d2")])
    arrived = fault is crash_after and nth == 1
    assert marketplace.post([search("c", "1.00", "d1", "d2")]) == [
        "duplicate" if arrived else "accepted"
    ]
    settle(marketplace)


def test_the_same_charge_in_two_requests_at_once_is_posted_once(
    marketplace: Marketplace, client: AuditedClient
) -> None:
    first: list[str] = []
    client.after(1, rival(lambda: first.extend(marketplace.post([access("c")]))))
    assert marketplace.post([access("c")]) == ["duplicate"]
    assert first == ["accepted"]
    settle(marketplace)


def test_a_charge_is_posted_to_march_until_five_o_clock(marketplace: Marketplace) -> None:
    late = [access(c) | {"time": "2026-03-31T23:59:59Z"} for c in ("early", "late")]
    world = marketplace.world
    for now, each in zip(("04:59:59.999999999", "05:00:00.000000000"), late, strict=True):
        world.now = f"2026-04-01T{now}Z"
        assert marketplace.post([each]) == ["accepted"]
    assert marketplace.post([refund("r", "early", "0.40")]) == ["accepted"]
    settle(marketplace)
    assert [spend_of(world.table, "ada", m).retrieval for m in ("2026-03", "2026-04")] == [
        1_000_000,
        600_000,
    ]
