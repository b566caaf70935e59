"""Payout runs over very many providers, and very many reserves: what is sent, and in how many
messages."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tally.audit.model import SCHEDULE
from tally.aws.items import to_item
from tally.kernel.keys import Key
from tally.ledger.items import register_pks
from tally.ledger.model.entries import EntrySide
from tally.ledger.provider_months import ProviderMonth, announcement, months_of, statements_of
from tally.ledger.reads import tenants_of
from tally.payouts.items import RESERVES_PK, reserve_key
from tally.payouts.reserves import (
    DueReserves,
    due_reserves,
    release,
    release_all,
    send_due_reserves,
)
from tally.payouts.runs import get_run
from tally.payouts.starting import start_run
from tally.payouts.tasks import Bundle, Task, read_message
from tests.store.payouts import (
    FIRST_OF_APRIL,
    access,
    credited,
    import_history,
    open_market,
    post,
    run,
    units,
)
from tests.world import Tasks, World

pytestmark = pytest.mark.slow

FEBRUARY_2027 = "2027-02"


def register(world: World, period: str, providers: int) -> list[ProviderMonth]:
    """Providers of a month, without entries."""
    months = [ProviderMonth(f"p{n:05}", period, "USD") for n in range(providers)]
    for month in months:
        world.table.client.put_item(
            TableName=world.table.name, Item=to_item(month.key, announcement(month))
        )
    return months


@pytest.mark.parametrize(("providers", "messages"), [(200, 200), (201, 2), (450, 3)])
def test_a_start_sends_the_tasks_of_a_large_run_in_bundles(
    world: World, providers: int, messages: int
) -> None:
    months = register(world, "2026-03", providers)

    started = start_run(world.table, world.tasks, "run_1", "2026-03", world.now, by=SCHEDULE)

    assert started.expected == providers
    assert len(world.tasks.bodies) == messages
    tasks = [task for body in world.tasks.bodies for task in tasks_in(body)]
    assert tasks == [Task("run_1", *month) for month in months]


def test_a_large_run_ends_with_an_outcome_for_each_provider(world: World) -> None:
    """Also if the bundles come twice."""
    register(world, "2026-03", 201)
    start_run(world.table, world.tasks, "run_1", "2026-03", world.now, by=SCHEDULE)
    world.tasks.bodies *= 2

    world.do_tasks()

    made = get_run(world.table, "2026-03", "run_1")
    assert made
    assert (made.expected, made.unchanged, made.is_finished) == (201, 201, True)


def test_a_run_that_goes_on_with_more_providers_knows_what_was_done(world: World) -> None:
    months = register(world, "2026-03", 40)
    start_run(world.table, world.tasks, "run_1", "2026-03", world.now, by=SCHEDULE)
    world.do_tasks()
    register(world, "2026-03", 41)

    more = start_run(world.table, world.tasks, "run_1", "2026-03", world.now, by=SCHEDULE)

    assert (more.expected, more.unchanged, more.is_finished) == (41, len(months), False)
    assert more == get_run(world.table, "2026-03", "run_1")


def tasks_in(body: str) -> list[Task]:
    match read_message(body):
        case Bundle() as bundle:
            return list(bundle.tasks)
        case Task() as task:
            return [task]
        case DueReserves():
            raise AssertionError("a run sends no reserves")


# ---------------------------------------------------------------------------- register


def test_the_register_of_a_month_is_spread_and_read_whole(world: World) -> None:
    months = register(world, FEBRUARY_2027, 320)

    assert sorted(months_of(world.table, FEBRUARY_2027)) == months
    names = [month.tenant_id for month in months]
    assert sorted(tenants_of(world.table, FEBRUARY_2027, EntrySide.CREDIT)) == names
    assert list(statements_of(world.table, FEBRUARY_2027)) == []
    parts = Counter(month.key.pk for month in months)
    assert sorted(parts) == [pk for pk in sorted(register_pks(FEBRUARY_2027)) if pk.count("#") == 2]
    assert max(parts.values()) < 2 * 320 / 16


def test_months_from_before_keep_their_place() -> None:
    """Else a statement that closed a month would be forgotten."""
    assert register_pks("2026-12") == ["PERIOD#2026-12"]
    assert ProviderMonth("acme", "2026-12", "USD").key == ("PERIOD#2026-12", "PROVIDER#acme#USD")
    assert ProviderMonth("acme", "2027-01", "USD").key == (
        "PERIOD#2027-01#0e",
        "PROVIDER#acme#USD",
    )


def test_a_month_whose_register_is_spread_is_paid_once(world: World) -> None:
    open_market(world)
    world.now = "2027-03-01T06:00:00.000000000Z"
    import_history(world, access("100", month=FEBRUARY_2027))

    first = run(world, FEBRUARY_2027, "run_1")
    again = run(world, FEBRUARY_2027, "run_2")

    assert (first.expected, first.generated) == (1, 1)
    assert (again.expected, again.unchanged) == (1, 1)
    assert len(list(statements_of(world.table, FEBRUARY_2027))) == 1


def register_as_before(world: World, period: str) -> Key:
    """North's month, where a release writes it that spreads no register."""
    key = Key(f"PERIOD#{period}", "PROVIDER#north#USD")
    attributes = announcement(ProviderMonth("north", period, "USD"))
    world.table.client.put_item(TableName=world.table.name, Item=to_item(key, attributes))
    return key


def test_whom_an_earlier_release_registered_is_paid_once(world: World) -> None:
    """It was replaced in the middle of a month whose register is spread."""
    open_market(world)
    world.now = "2027-02-20T06:00:00.000000000Z"
    post(world, access("100", month=FEBRUARY_2027))
    month = ProviderMonth("north", FEBRUARY_2027, "USD")
    world.table.transact([world.table.delete(month.key)])
    register_as_before(world, FEBRUARY_2027)
    world.now = "2027-03-01T06:00:00.000000000Z"

    made = run(world, FEBRUARY_2027, "run_1")

    assert (made.expected, made.generated) == (1, 1)
    assert list(months_of(world.table, FEBRUARY_2027)) == [month]
    assert list(tenants_of(world.table, FEBRUARY_2027, EntrySide.CREDIT)) == ["north"]
    assert len(list(statements_of(world.table, FEBRUARY_2027))) == 1


def test_a_month_that_an_earlier_release_closed_takes_no_history(world: World) -> None:
    open_market(world)
    key = register_as_before(world, FEBRUARY_2027)
    world.table.transact([world.table.update(key, "SET closed = :closed", closed="pst_1")])
    world.now = "2027-03-02T06:00:00.000000000Z"

    import_history(world, access("100", month=FEBRUARY_2027))

    months = (FEBRUARY_2027, "2027-03")
    assert [credited(world, "north", each) for each in months] == [0, units(100)]


# ---------------------------------------------------------------------------- reserves


def test_reserves_are_released_by_messages_of_some(world: World) -> None:
    """Those that are not due stay."""
    for n in range(60):
        hold(world, "2026-03-01T06:00:00.000000000Z", f"pst_{n:03}")
    hold(world, "2026-07-01T06:00:00.000000000Z", "pst_later")
    world.now = FIRST_OF_APRIL

    assert send_due_reserves(world.table, world.tasks, world.now) == 60
    sent = [len(message_of(body).reserves) for body in world.tasks.bodies]
    assert sent == [25, 25, 10]
    world.tasks.bodies *= 2  # at least once
    world.do_tasks()

    assert list(due_reserves(world.table, "2026-06-30T00:00:00.000000000Z")) == []
    (left,) = world.table.query(RESERVES_PK)
    assert left["statement_id"] == "pst_later"


def test_a_reserve_that_cannot_be_released_keeps_no_other(world: World) -> None:
    due_at = "2026-03-01T06:00:00.000000000Z"
    for n in range(3):
        hold(world, due_at, f"pst_{n}")
    broken = reserve_key(due_at, "pst_0")
    world.table.transact([world.table.update(broken, "REMOVE amount")])
    reserves = [reserve_key(due_at, f"pst_{n}").sk for n in range(3)]

    with pytest.raises(KeyError, match="amount"):
        release_all(world.table, reserves, world.now)

    assert [item["statement_id"] for item in world.table.query(RESERVES_PK)] == ["pst_0"]


def message_of(body: str) -> DueReserves:
    message = read_message(body)
    assert isinstance(message, DueReserves)
    return message


def hold(world: World, due_at: str, statement_id: str) -> None:
    reserve: dict[str, Any] = {
        "statement_id": statement_id,
        "tenant_id": f"of-{statement_id}",
        "period": "2026-03",
        "currency": "USD",
        "amount": 1_000_000,
    }
    item = to_item(reserve_key(due_at, statement_id), reserve)
    world.table.client.put_item(TableName=world.table.name, Item=item)


def test_nothing_is_sent_if_nothing_is_due(world: World) -> None:
    tasks = Tasks()
    queue: Any = tasks
    assert send_due_reserves(world.table, queue, world.now) == 0
    assert tasks.bodies == []
    assert release(world.table, "2026-03-01T06:00:00.000000000Z#pst_none", world.now) is False
