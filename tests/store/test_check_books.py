"""The check of the books sees every cent on both sides, and what is missing on one."""

from __future__ import annotations

from argparse import Namespace
from datetime import timedelta
from typing import Any

import pytest

from ops import money
from ops.deployment import Deployment
from tally.kernel.instants import plus
from tally.kernel.keys import Key
from tally.ledger.books import Balance, check_books
from tally.ledger.items import CREDIT_PREFIX, DEBIT_PREFIX, ledger_pk
from tests.builders import event
from tests.world import NOW, World

USD: dict[str, Any] = {"charged_amount": "0.45", "currency": "USD"}
EUR: dict[str, Any] = {"charged_amount": "1.00", "currency": "EUR"}
LATER = plus(NOW, timedelta(minutes=2))


@pytest.fixture
def market(world: World) -> World:
    """acme's dset_1, searched and refunded in dollars, accessed in euros."""
    world.tenant("acme")
    world.tenant("europe", billing_currency="EUR")
    search = event(
        "search.performed", query_text="q", dataset_ids=["dset_1"], result_count=1, **USD
    )
    refund = event(
        "charge.refunded",
        charge_event={"source": search["source"], "id": search["id"]},
        amount="0.05",
        currency="USD",
    )
    access = event("dataset.accessed", tenant_id="europe", kind="download", **EUR)
    assert world.send(event("dataset.created"), search, refund, access).status == 202
    return world


def test_balanced_books(market: World) -> None:
    assert check_books(market.table, LATER) == [
        Balance("EUR", 1_000_000, 0, 1_000_000, 0),
        Balance("USD", 450_000, 50_000, 450_000, 50_000),
    ]


def test_what_may_still_be_on_its_way_is_not_looked_at(market: World) -> None:
    market.wait(seconds=1)
    market.send(event("dataset.accessed", kind="download", **USD))

    assert check_books(market.table, LATER)[1].debits == 450_000
    assert check_books(market.table, plus(LATER, timedelta(seconds=1)))[1].debits == 900_000


def test_a_lost_credit_shows(market: World) -> None:
    (credit,) = market.table.query(ledger_pk("acme", "2026-04"), CREDIT_PREFIX, limit=1)
    market.table.transact([market.table.delete(Key(credit["PK"], credit["SK"]))])

    differences = [balance.difference for balance in check_books(market.table, LATER)]

    assert sorted(map(abs, differences)) == [0, abs(credit["amount"])]


def test_the_command_prints_them(
    market: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(money, "current_instant", lambda: LATER)
    deployed = Deployment(market.table, {}, s3=None, sqs=None)

    assert money.check_books(deployed, Namespace()) == 0

    assert capsys.readouterr().out.splitlines() == [
        "currency       debits      refunds      credits    reversals",
        "EUR              1.00         0.00         1.00         0.00  balanced",
        "USD              0.45         0.05         0.45         0.05  balanced",
        "As of 2026-04-05T10:00:00Z the books balance.",
    ]

    market.table.transact([market.table.delete(debit_of(market))])
    assert money.check_books(deployed, Namespace()) == 1

    assert capsys.readouterr().out.splitlines()[1:] == [
        "EUR              0.00         0.00         1.00         0.00  off by -1.00",
        "USD              0.45         0.05         0.45         0.05  balanced",
        "As of 2026-04-05T10:00:00Z the books do not balance.",
    ]


def debit_of(market: World) -> Key:
    (debit,) = market.table.query(ledger_pk("europe", "2026-04"), DEBIT_PREFIX)
    return Key(debit["PK"], debit["SK"])


def test_no_books_yet(world: World) -> None:
    assert check_books(world.table, NOW) == []
