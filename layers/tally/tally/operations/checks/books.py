"""The books balance, in each currency."""

from __future__ import annotations

from tally.aws.table import Table
from tally.kernel.instants import Instant
from tally.ledger.books import check_books
from tally.operations.results import Check, Result, store


def check_ledger(table: Table, now: Instant) -> Result:
    """Check the books of all time; OutOfTime if they do not fit into one check."""
    balances = check_books(table, now)
    wrong = {each.currency: 1 for each in balances if each.difference}
    return store(table, Check.BOOKS, Result(now, wrong, checked=len(balances)))
