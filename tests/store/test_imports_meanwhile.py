"""History that is imported again and again cannot keep a statement from being made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tally.ledger.items import ledger_pk, provider_month_key
from tally.payouts.model.statements import statement_id
from tally.payouts.verifying import all_statements, verify
from tests.faults import Crash, crash_after, rival
from tests.store.payouts import (
    APRIL,
    MARCH,
    access,
    check_stated,
    credited,
    faulty,
    import_history,
    open_market,
    run,
    statements,
    sums,
    units,
)
from tests.world import World

MONTH = provider_month_key(MARCH, "north", "USD")


@pytest.fixture
def market(world: World) -> World:
    open_market(world)
    import_history(world, access("10"))
    return world


@dataclass
class Beset:
    """A client whose statements meet a rival each; it counts how often the ledger is read."""

    real: Any
    rival: Callable[[], object]
    ledger_reads: int = 0

    def transact_write_items(self, **arguments: Any) -> Any:
        if statement_id("north", MARCH, "USD") in str(arguments):
            self.rival()
        return self.real.transact_write_items(**arguments)

    def query(self, **arguments: Any) -> Any:
        self.ledger_reads += ledger_pk("north", MARCH) in str(arguments)
        return self.real.query(**arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def test_a_statement_is_made_although_history_comes_at_each_attempt(market: World) -> None:
    """The import that got ahead is in it; those after that post to the present month."""
    undisturbed = market.table
    pauses: list[float] = []
    others = replace(market, table=undisturbed)
    client: Any = Beset(undisturbed.client, lambda: import_history(others, access("5")))
    market.table = replace(undisturbed, client=client, sleep=pauses.append)

    made = run(market)
    reads = client.ledger_reads
    market.table = undisturbed

    assert (sums(made), reads, len(pauses)) == ((1, 1, 0, 0), 2, 1)
    check_stated(market, "north", 15)
    assert credited(market, "north", APRIL) == units(5)
    assert market.table.get(MONTH, consistent=True) == {
        "PK": MONTH.pk,
        "SK": MONTH.sk,
        "tenant_id": "north",
        "currency": "USD",
        "imports": 2,
        "closed": statement_id("north", MARCH, "USD"),
    }


def test_a_month_stays_closed_to_history_if_its_statement_dies(market: World) -> None:
    """It is no statement yet, and is made when the message comes again."""
    client = faulty(market)

    def import_and_die_next() -> None:
        import_history(market, access("5"))
        client.after(0, crash_after)

    client.after(1, rival(import_and_die_next))
    with pytest.raises(Crash):
        run(market)
    import_history(market, access("7"))

    assert statements(market, "north") == []
    assert list(all_statements(market.table)) == []
    assert [credited(market, "north", each) for each in (MARCH, APRIL)] == [units(15), units(7)]
    assert sums(run(market)) == (1, 1, 0, 0)
    check_stated(market, "north", 15)
    assert verify(market.table, statement_id("north", MARCH, "USD")) is None


def test_a_statement_that_another_run_makes_meanwhile_is_left_alone(market: World) -> None:
    client = faulty(market)

    def import_and_let_another_run_state_it() -> None:
        import_history(market, access("5"))
        client.after(0, rival(lambda: run(market, run_id="run_2")))

    client.after(1, rival(import_and_let_another_run_state_it))

    assert sums(run(market)) == (1, 0, 1, 0)
    check_stated(market, "north", 15)
