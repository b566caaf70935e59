"""Statements against the ledger: equal, or what differs is named."""

from __future__ import annotations

from argparse import Namespace

import pytest

from ops.deployment import Deployment
from ops.money import list_payout_runs, verify_payouts
from tally.kernel.keys import Key
from tally.ledger.items import CREDIT_PREFIX, ledger_pk
from tally.payouts.items import payout_key
from tally.payouts.model.statements import statement_id
from tally.payouts.verifying import all_statements, verify
from tests.api.samples import import_a_charge
from tests.api.statements import forget_attempt, rewrite_lines
from tests.builders import event
from tests.world import World

MARCH = statement_id("acme", "2026-03", "USD")


@pytest.fixture
def paid(world: World) -> World:
    """acme has a statement of 1.00 for March."""
    world.tenant("acme")
    import_a_charge(world, "acme")
    world.run_payouts("2026-03")
    return world


def test_a_statement_equals_the_ledger(paid: World) -> None:
    assert list(all_statements(paid.table)) == [MARCH]
    assert verify(paid.table, MARCH) is None


def test_a_refund_after_the_statement_is_the_next_ones(paid: World) -> None:
    (entry,) = paid.table.query(ledger_pk("acme", "2026-03"), CREDIT_PREFIX)
    (mark,) = paid.table.query(f"EVENT#{entry['entry_id']}")
    refund = event(
        "charge.refunded",
        charge_event={"source": mark["source"], "id": mark["event_id"]},
        amount="0.40",
        currency="USD",
    )
    assert paid.send(refund).status == 202
    assert verify(paid.table, MARCH) is None


def test_a_line_that_differs_is_named(paid: World) -> None:
    lines = [("dset_of_acme", "AP Invoices 2025", 2_000_000, 1)]
    rewrite_lines(paid, "2026-03", lines, tenant_id="acme")
    difference = verify(paid.table, MARCH)
    assert difference == "line dset_of_acme: the statement says 2.00 of 1, the ledger 1.00 of 1"


@pytest.mark.parametrize("dataset_id", ["dset_nobodys", "dset_of_acme_2"])
def test_a_line_too_many_is_named(paid: World, dataset_id: str) -> None:
    """Before and after the one that is right."""
    lines = [("dset_of_acme", "AP Invoices 2025", 1_000_000, 1), (dataset_id, "N", 1_000_000, 1)]
    rewrite_lines(paid, "2026-03", sorted(lines), tenant_id="acme")
    difference = verify(paid.table, MARCH)
    assert difference == f"line {dataset_id}: the statement says 1.00 of 1, the ledger nothing"


def test_a_statement_from_before_it_named_an_attempt(paid: World) -> None:
    forget_attempt(paid, "2026-03", "acme")
    assert verify(paid.table, MARCH) is None
    more = paid.table.add(payout_key("acme", "2026-03", "USD"), {"fee": 10_000})
    paid.table.transact([more])
    assert verify(paid.table, MARCH) == "fee is 0.31, and should be 0.30"


def test_a_line_that_is_not_in_the_ledger_is_named(paid: World) -> None:
    (entry,) = paid.table.query(ledger_pk("acme", "2026-03"), CREDIT_PREFIX)
    paid.table.transact([paid.table.delete(Key(entry["PK"], entry["SK"]))])
    difference = verify(paid.table, MARCH)
    assert difference == "line dset_of_acme: the statement says 1.00 of 1, the ledger nothing"


@pytest.mark.parametrize(
    ("field", "difference"),
    [
        ("exact", "the sum of its lines is 1.01, and should be 1.00"),
        ("gross", "gross is 1.01, and should be 1.00"),
        ("fee", "fee is 0.31, and should be 0.30"),
        ("held", "held is 0.11, and should be 0.10"),
        ("carried_in", "carried_in is 0.01, and should be 0.00"),
    ],
)
def test_an_amount_that_differs_is_named(field: str, difference: str, paid: World) -> None:
    more = paid.table.add(payout_key("acme", "2026-03", "USD"), {field: 10_000})
    paid.table.transact([more])
    assert verify(paid.table, MARCH) == difference


def test_the_commands(paid: World, capsys: pytest.CaptureFixture[str]) -> None:
    deployed = Deployment(paid.table, {}, s3=None, sqs=None)

    assert verify_payouts(deployed, Namespace(payout=[])) == 0
    assert capsys.readouterr().out == f"{MARCH}: equal\n"
    assert verify_payouts(deployed, Namespace(payout=["pst_none"])) == 1
    assert capsys.readouterr().out == "pst_none: there is no such statement\n"
    assert list_payout_runs(deployed, Namespace()) == 0
    run = "2026-03  finished: expected 1, generated 1, unchanged 0, failed 0\n"
    assert capsys.readouterr().out.endswith(run)
