"""Compares answers and the ledger with what is expected, and yields differences in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.load.market import Market
from dev.load.truth import Truth
from tally.aws.table import Table
from tally.kernel.instants import to_instant
from tally.ledger.books import check_books
from tally.ledger.model.entries import EntrySide
from tally.ledger.reads import entries


def differences(what: str, told: Mapping[Any, Any], expected: Mapping[Any, Any]) -> Iterator[str]:
    """Each name whose value differs."""
    for name in sorted(told.keys() | expected.keys()):
        if told.get(name) != expected.get(name):
            yield f"{what}: {name} is {told.get(name)}, not {expected.get(name)}"


def cut(told: Mapping[str, Any], expected: Mapping[str, Any]) -> Mapping[str, Any]:
    """Only the fields for which a value is expected."""
    return {name: value for name, value in told.items() if name in expected}


def wrong_sums(table: Table, made: Market, expected: Truth) -> Iterator[str]:
    """Wrong sums of the ledger, net of refunds: debits by buyer, credits by dataset."""
    debits: Counter[str] = Counter()
    for buyer in made.buyers:
        for entry in entries(table, buyer, made.period, EntrySide.DEBIT):
            debits[buyer] += entry.amount
    yield from differences("debits", debits, expected.debits)
    posted: Counter[tuple[str, str, str]] = Counter()
    for provider in made.providers:
        for entry in entries(table, provider, made.period, EntrySide.CREDIT):
            for dataset_id, amount in entry.lines.items():
                posted[provider, entry.posting.currency, dataset_id] += amount
    yield from differences("credits", {k: n for k, n in posted.items() if n}, expected.credits)
    if sum(debits.values()) != sum(posted.values()):
        yield f"debits are {sum(debits.values())} in all, credits {sum(posted.values())}"


def wrong_balances(table: Table) -> Iterator[str]:
    for balance in check_books(table, to_instant(datetime.now(UTC)), timedelta(0)):
        if balance.difference:
            yield f"the books do not balance: {balance}"
