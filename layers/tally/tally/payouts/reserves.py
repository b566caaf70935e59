"""Reserves: what a statement holds back, until a payout run finds it due and releases it."""

from __future__ import annotations

from collections.abc import Iterator

from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.payouts.items import (
    RESERVES_PK,
    Release,
    payout_release_key,
    release_attributes,
    reserve_key,
)
from tally.payouts.model.statements import Statement


def hold(table: Table, statement: Statement, due_at: Instant) -> Action:
    """Hold the reserve of a new statement until then."""
    attributes = {
        "statement_id": statement.statement_id,
        "tenant_id": statement.tenant_id,
        "period": statement.period,
        "currency": statement.currency,
        "amount": statement.held,
    }
    return table.put_new(reserve_key(due_at, statement.statement_id), attributes)


def due_reserves(table: Table, now: Instant) -> Iterator[str]:
    """The sort keys of the reserves that are due."""
    for item in table.query(RESERVES_PK, consistent=True):
        if item["SK"] > reserve_key(now, "~").sk:
            return
        yield item["SK"]


def release(table: Table, reserve_sk: str, now: Instant) -> bool:
    """Delete a reserve and note its release on the statement. False if it was released before."""
    key = Key(RESERVES_PK, reserve_sk)
    held = table.get(key, consistent=True)
    if held is None:
        return False
    noted = release_attributes(Release(held["amount"], now))
    try:
        table.transact(
            [
                table.delete(key, "attribute_exists(PK)"),
                table.put_new(payout_release_key(held["statement_id"]), noted),
            ]
        )
    except Cancelled:
        return False
    return True
