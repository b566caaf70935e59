"""Charges and refunds as double entries: what a buyer owes is what is owed to the providers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.activity.model import DatasetAccessed, SearchPerformed, charge_for
from tally.counting.registry import contribution
from tally.ledger.counters import (
    BuyerDay,
    DatasetDay,
    DatasetMonth,
    ProviderDay,
    SpendTotals,
)
from tally.ledger.model.charges import Charge, Part, SpendKind
from tally.ledger.model.entries import EntrySide, LedgerEntry, Months, Posting, charged, refunded
from tally.ledger.model.refunds import refund

TIME = "2026-04-05T09:30:00.000000000Z"
OWNERS = {"d1": "north", "d2": "south", "d3": "south", "mine": "ada"}
POSTING = Posting("e1", SpendKind.SEARCH, "USD", TIME, TIME)
SEARCH = SearchPerformed(
    tenant_id="ada",
    search_activity_id="sa_1",
    query_text="invoices",
    dataset_ids=("d3", "d1", "d2"),
    result_count=3,
    amount=10,
    currency="USD",
    allocations={},
    time=TIME,
)
ACCESS = DatasetAccessed("ada", "d1", None, "download", 7, "USD", TIME)


APRIL = Months("2026-04")


def debit(amount: int, tenant_id: str = "ada") -> LedgerEntry:
    return LedgerEntry(POSTING, EntrySide.DEBIT, tenant_id, "2026-04", amount, {})


def credit(provider_id: str, **lines: int) -> LedgerEntry:
    return LedgerEntry(
        POSTING, EntrySide.CREDIT, provider_id, "2026-04", sum(lines.values()), lines
    )


def test_a_search_is_split_equally_over_its_datasets_in_the_order_of_their_ids() -> None:
    assert charge_for(SEARCH, OWNERS) == Charge(
        "ada",
        SpendKind.SEARCH,
        "USD",
        (Part("d1", "north", 4), Part("d2", "south", 3), Part("d3", "south", 3)),
    )


def test_a_search_with_allocations_is_split_by_them_alone() -> None:
    charge = charge_for(replace(SEARCH, allocations={"d3": 9, "d1": 1}), OWNERS)
    assert charge.parts == (Part("d1", "north", 1), Part("d3", "south", 9))


def test_an_access_is_retrieval_of_one_dataset() -> None:
    assert charge_for(ACCESS, OWNERS) == Charge(
        "ada", SpendKind.RETRIEVAL, "USD", (Part("d1", "north", 7),)
    )


def test_a_provider_of_several_datasets_gets_one_credit_with_a_line_each() -> None:
    charge = charge_for(SEARCH, OWNERS)
    assert charged(charge, POSTING, APRIL) == [
        debit(10),
        credit("north", d1=4),
        credit("south", d2=3, d3=3),
    ]


def test_a_refund_is_the_same_entries_negative() -> None:
    charge = charge_for(SEARCH, OWNERS)
    after, parts = refund(charge, 5)
    assert refunded(after, parts, POSTING, APRIL) == [
        debit(-5),
        credit("north", d1=-2),
        credit("south", d2=-2, d3=-1),
    ]
    assert after.left == 5


def test_history_may_count_in_another_month_for_some_providers() -> None:
    charge = charge_for(SEARCH, OWNERS)
    months = Months("2026-03", {"north": "2026-04"})
    assert [(entry.tenant_id, entry.period) for entry in charged(charge, POSTING, months)] == [
        ("ada", "2026-03"),
        ("north", "2026-04"),
        ("south", "2026-03"),
    ]


def test_a_part_of_nothing_has_no_line_and_a_provider_of_nothing_no_credit() -> None:
    charge = charge_for(replace(SEARCH, amount=1), OWNERS)
    assert charged(charge, POSTING, APRIL) == [debit(1), credit("north", d1=1)]


@pytest.mark.parametrize("fact", [replace(SEARCH, amount=0), replace(ACCESS, amount=0)])
def test_a_charge_of_nothing_has_no_entries_and_nothing_to_refund(
    fact: SearchPerformed | DatasetAccessed,
) -> None:
    charge = charge_for(fact, OWNERS)
    assert charged(charge, POSTING, APRIL) == []
    assert charge.left == 0


def test_a_refund_of_nothing_has_no_entries_and_changes_nothing() -> None:
    charge = charge_for(ACCESS, OWNERS)
    assert refund(charge, 0) == (charge, ())
    assert refunded(charge, (), POSTING, APRIL) == []


def test_a_buyer_that_is_its_own_provider_owes_itself() -> None:
    charge = charge_for(replace(ACCESS, dataset_id="mine"), OWNERS)
    assert charged(charge, POSTING, APRIL) == [debit(7), credit("ada", mine=7)]


@given(
    st.integers(0, 10**18 - 1),
    st.lists(st.sampled_from(sorted(OWNERS)), min_size=1, unique=True),
    st.data(),
)
def test_the_credits_of_every_posting_sum_to_its_debit(
    amount: int, datasets: list[str], data: st.DataObject
) -> None:
    charge = charge_for(replace(SEARCH, amount=amount, dataset_ids=tuple(datasets)), OWNERS)
    postings = [charged(charge, POSTING, APRIL)]
    for _ in range(3):
        charge, parts = refund(charge, data.draw(st.integers(0, charge.left)))
        postings.append(refunded(charge, parts, POSTING, APRIL))
    for entries in postings:
        debits = [entry.amount for entry in entries if entry.side is EntrySide.DEBIT]
        credits_ = [entry.amount for entry in entries if entry.side is EntrySide.CREDIT]
        assert len(debits) == bool(entries)
        assert sum(credits_) == sum(debits)
    assert sum(entries[0].amount for entries in postings if entries) == charge.left


@pytest.mark.parametrize("kind", SpendKind)
def test_debits_alone_are_spend_each_of_its_kind_and_month(kind: SpendKind) -> None:
    posting = replace(POSTING, kind=kind)
    spent = contribution(replace(debit(-5), posting=posting, period="2026-03"))
    assert spent == {
        (SpendTotals("ada", "2026-03"), kind.value): -5,
        (BuyerDay("ada", "2026-04-05"), kind.value): -5,
    }
    of_credit = contribution(replace(credit("north", d1=-5), posting=posting))
    assert {type(totals) for totals, _ in of_credit} == {ProviderDay, DatasetDay, DatasetMonth}
