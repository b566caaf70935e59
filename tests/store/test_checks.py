"""The scheduled checks: what they look at, what they find, and what they remember."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tally.counting.recount import all_tenants
from tally.kernel.keys import Key
from tally.ledger.items import CREDIT_PREFIX, ledger_pk
from tally.operations.checks.books import check_ledger
from tally.operations.checks.counters import RUNS, SAMPLE, check_counters
from tally.operations.checks.statements import check_statements
from tally.operations.results import Check, Result, results
from tally.operations.timed import OutOfTime, TimedTable
from tally.payouts.model.statements import statement_id
from tests.builders import event
from tests.store.recounts import BUYER, count_everything, repaired
from tests.world import NOW, World

MARCH, FEBRUARY = (statement_id("acme", f"2026-{month}", "USD") for month in ("03", "02"))


@pytest.fixture
def counted(world: World) -> World:
    """acme, with one of everything that is counted, counted."""
    return count_everything(world)


@pytest.fixture
def paid(world: World) -> World:
    """acme has statements of February and of March."""
    world.tenant("acme")
    world.send(event("dataset.created"))
    for month in ("02", "03"):
        charge = {"kind": "download", "charged_amount": "1.00", "currency": "USD"}
        world.import_history(event("dataset.accessed", f"2026-{month}-05T09:30:00Z", **charge))
        world.run_payouts(f"2026-{month}")
    return world


def make_wrong(world: World) -> None:
    world.table.transact([world.table.add(BUYER.key, {"searches": 1})])


def lose_credits(world: World, month: str) -> None:
    for entry in list(world.table.query(ledger_pk("acme", month), CREDIT_PREFIX)):
        world.table.transact([world.table.delete(Key(entry["PK"], entry["SK"]))])


def until(world: World, seconds_left: Callable[[], float]) -> TimedTable:
    table = world.table
    return TimedTable(table.client, table.name, table.sleep, seconds_left=seconds_left)


# -------------------------------------------------------------------------- counters


def test_counters_that_are_right(counted: World) -> None:
    """All fit into one sample: both tenants, and the payout runs."""
    assert check_counters(counted.table, NOW) == Result(NOW, checked=3)

    assert results(counted.table) == {Check.COUNTERS: Result(NOW)}


def test_counters_that_drift_are_named_until_they_are_repaired(counted: World) -> None:
    make_wrong(counted)

    found = check_counters(counted.table, NOW)

    difference = "TENANT#acme / TOTALS#BUYER: searches is 2, its records say 1"
    assert found == Result(NOW, {"acme": 1}, checked=3, differences=(difference,))
    assert check_counters(counted.table, NOW).wrong == {"acme": 1}
    repaired(counted)
    assert check_counters(counted.table, NOW) == Result(NOW, checked=3)


def test_what_drifts_is_looked_at_in_every_sample(world: World) -> None:
    count_everything(world)
    for number in range(3 * SAMPLE):
        world.tenant(f"t{number}")
    make_wrong(world)
    while "acme" not in check_counters(world.table, NOW).wrong:
        pass  # its turn comes

    assert [check_counters(world.table, NOW).wrong for _ in range(4)] == [{"acme": 1}] * 4
    repaired(world)
    assert check_counters(world.table, NOW).wrong == {}


def test_every_tenant_has_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2 * SAMPLE + 3):
        world.tenant(f"t{number}")
    looked_at: list[str] = []

    def look(_: object, name: str, **__: object) -> list[str]:
        looked_at.append(name)
        return []

    monkeypatch.setattr("tally.operations.checks.counters.recount", look)

    sizes = [check_counters(world.table, NOW).checked for _ in range(3)]

    everyone = [*all_tenants(world.table), RUNS]
    assert sorted(looked_at) == sorted(everyone)
    assert sizes == [SAMPLE, SAMPLE, len(everyone) - 2 * SAMPLE]
    check_counters(world.table, NOW)
    assert looked_at[len(everyone) :] == looked_at[:SAMPLE]


def test_a_tenant_that_takes_all_the_time_is_skipped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("small", "large"):
        world.tenant(name)
    looked_at: list[str] = []

    def look(_: object, name: str, **__: object) -> list[str]:
        looked_at.append(name)
        if name == "large":
            raise OutOfTime
        return []

    monkeypatch.setattr("tally.operations.checks.counters.recount", look)

    checks = [check_counters(world.table, NOW) for _ in range(4)]

    assert {check.skipped for check in checks} == {(), ("large",)}
    assert {"small", "platform", RUNS} < set(looked_at)


def test_a_tenant_that_never_rests_is_skipped(counted: World) -> None:
    counted.tenant("busy")

    def stir(_: float) -> None:
        make_wrong(counted)

    make_wrong(counted)
    table = counted.table
    restless = TimedTable(table.client, table.name, stir)

    assert check_counters(restless, NOW) == Result(NOW, checked=3, skipped=("acme",))


# ----------------------------------------------------------------------------- books


def test_books(paid: World) -> None:
    assert check_ledger(paid.table, "2026-04-06T02:00:00.000000000Z").wrong == {}
    lose_credits(paid, "2026-03")

    found = check_ledger(paid.table, "2026-04-06T02:00:00.000000000Z")

    assert found == Result("2026-04-06T02:00:00.000000000Z", {"USD": 1}, checked=1)
    assert results(paid.table)[Check.BOOKS].wrong == {"USD": 1}


def test_books_that_take_too_long_are_not_said_to_balance(paid: World) -> None:
    with pytest.raises(OutOfTime, match=r"^Time ran out after 0 items of PERIODS\.$"):
        check_ledger(until(paid, lambda: 59), NOW)

    assert results(paid.table) == {}


# ------------------------------------------------------------------------ statements


def test_statements_that_differ_are_named(paid: World) -> None:
    assert check_statements(paid.table, NOW) == Result(NOW, position=MARCH, checked=2)
    lose_credits(paid, "2026-03")

    found = check_statements(paid.table, NOW)

    said = f"{MARCH}: line dset_1: the statement says 1.00 of 1, the ledger nothing"
    assert found == Result(NOW, {MARCH: 1}, MARCH, checked=2, differences=(said,))


def test_statements_go_on_where_time_ran_out(paid: World, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    def verify(_: object, statement: str) -> None:
        if len(verified) % 2:
            verified.append("time is up")
            raise OutOfTime
        verified.append(statement)

    monkeypatch.setattr("tally.operations.checks.statements.verify", verify)

    first, second = (check_statements(paid.table, NOW) for _ in range(2))

    assert verified == [FEBRUARY, "time is up", MARCH, "time is up"]
    assert first == Result(NOW, position=FEBRUARY, checked=1, complete=False)
    assert second == Result(NOW, position=MARCH, checked=1, complete=False)


def test_without_statements_there_is_nothing_to_verify(world: World) -> None:
    assert check_statements(world.table, NOW) == Result(NOW)
