"""Reserves, held until a payout run finds them due, and the balance that a provider carries.

What the provider owes by then is settled from the reserve. The release takes the carried balance
as statements do, in one transaction: neither can settle a debt that the other has settled. Of one
run, the statement comes first, whichever message does: the debt that it may leave is settled from
the reserve.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import batched
from typing import Any, NamedTuple

from tally.aws.queues import Queue
from tally.aws.retries import pauses
from tally.aws.table import Table
from tally.aws.transactions import Action, Cancelled
from tally.kernel.errors import Unavailable
from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.kernel.money import Micros
from tally.kernel.periods import Period
from tally.ledger.items import provider_month_places
from tally.payouts.items import (
    RESERVES_PK,
    carried_attributes,
    carried_from,
    carry_key,
    due_at_of,
    held_reserve_key,
    payout_release_key,
    release_attributes,
    reserve_key,
)
from tally.payouts.model.calendar import newest_ended
from tally.payouts.model.carrying import Carried, Release
from tally.payouts.model.statements import Statement

_RESERVES_A_MESSAGE = 25  # released within a second or two


class HeldReserve(NamedTuple):
    """What is held of a statement until then."""

    due_at: Instant
    statement_id: str
    period: Period
    currency: str
    amount: Micros


def hold(table: Table, statement: Statement, due_at: Instant) -> list[Action]:
    """Hold the reserve of a new statement until then: among all that will be due, and among the
    tenant's own."""
    attributes = {
        "statement_id": statement.statement_id,
        "tenant_id": statement.tenant_id,
        "period": statement.period,
        "currency": statement.currency,
        "amount": statement.held,
    }
    reserve = reserve_key(due_at, statement.statement_id)
    own = held_reserve_key(statement.tenant_id, reserve.sk)
    return [table.put_new(reserve, attributes), table.put_new(own, attributes)]


def reserves_of(table: Table, tenant_id: str) -> Iterator[HeldReserve]:
    """What is held of a tenant's statements, in the order in which it is released."""
    first = held_reserve_key(tenant_id, "")
    for item in table.query(first.pk, first.sk, consistent=True):
        due_at = due_at_of(item["SK"].removeprefix(first.sk))
        yield HeldReserve(
            due_at, item["statement_id"], item["period"], item["currency"], item["amount"]
        )


def note_existing(table: Table) -> int:
    """Note each reserve among its tenant's own, where that lacks because it was held before they
    were noted there. How many lacked; may be repeated at any time."""
    noted = 0
    for item in table.query(RESERVES_PK, consistent=True):
        own = held_reserve_key(item["tenant_id"], item["SK"])
        if table.get(own, consistent=True):
            continue
        held = Key(item["PK"], item["SK"])
        attributes = {name: value for name, value in item.items() if name not in ("PK", "SK")}
        with suppress(Cancelled):  # it was released meanwhile
            table.transact([table.must_exist(held), table.put(own, attributes)])
            noted += 1
    return noted


class DueReserves(NamedTuple):
    """Reserves to release, by their sort keys, in one message."""

    reserves: Sequence[str]

    def to_json(self) -> str:
        return json.dumps(self._asdict())


def send_due_reserves(table: Table, queue: Queue, now: Instant) -> int:
    """Have every reserve that is due released by the payout queue; how many there are.

    One that is sent twice is released once.
    """
    due = list(due_reserves(table, now))
    messages = batched(due, _RESERVES_A_MESSAGE, strict=False)
    queue.send_all(DueReserves(some).to_json() for some in messages)
    return len(due)


def due_reserves(table: Table, now: Instant) -> Iterator[str]:
    """The sort keys of the reserves that are due."""
    for item in table.query(RESERVES_PK, attributes=["SK"], consistent=True):
        if item["SK"] > reserve_key(now, "~").sk:
            return
        yield item["SK"]


def release_all(table: Table, reserve_sks: Iterable[str], now: Instant) -> int:
    """Release each that is due; how many were released. One that cannot be released does not keep
    the others from it: its error is raised at the end."""
    released, errors = 0, []
    for each in reserve_sks:
        try:
            released += release_due(table, each, now)
        except Exception as error:  # noqa: BLE001  raised below, whatever it is
            errors.append(error)
    if errors:
        raise errors[0]
    return released


def release_due(table: Table, reserve_sk: str, now: Instant) -> bool:
    """Release a reserve, unless its provider is still to get the statement of the latest ended
    month: that may leave a debt, and whoever makes it releases the reserve afterwards. False if it
    is not released."""
    held = table.get(Key(RESERVES_PK, reserve_sk), consistent=True)
    if held is None or _awaits_statement(table, held["tenant_id"], held["currency"], now):
        return False
    return release(table, reserve_sk, now)


def _awaits_statement(table: Table, tenant_id: str, currency: str, now: Instant) -> bool:
    places = provider_month_places(newest_ended(now), tenant_id, currency)
    noted = table.get_many(places).values()
    return bool(noted) and not any("closed" in item for item in noted)


def release_own(table: Table, tenant_id: str, currency: str, now: Instant) -> None:
    """Release what is due of a provider, whose statement was made."""
    for held in reserves_of(table, tenant_id):
        if held.due_at > now:
            return
        reserve = reserve_key(held.due_at, held.statement_id)
        if held.currency == currency and not release(table, reserve.sk, now):
            # An earlier release, which knows no list of a provider's own, may have released it.
            table.write(table.delete(held_reserve_key(tenant_id, reserve.sk)))


def release(table: Table, reserve_sk: str, now: Instant) -> bool:
    """Delete a reserve and note its release on the statement. False if it was released before."""
    key = Key(RESERVES_PK, reserve_sk)
    for pause in pauses():
        held = table.get(key, consistent=True)
        if held is None:
            return False
        try:
            table.transact(_release(table, key, held, now))
        except Cancelled:
            table.sleep(pause)  # another writer released it, or took the balance: read again
        else:
            return True
    raise Unavailable("Other writers keep changing what this provider carries; run this again.")


def _release(table: Table, key: Key, held: Mapping[str, Any], now: Instant) -> list[Action]:
    """The actions that release a reserve; a condition fails if what was read has changed."""
    carried_key = carry_key(held["tenant_id"], held["currency"])
    as_read = table.get(carried_key, consistent=True)
    carried = carried_from(as_read)
    released = Release(held["amount"], now, carried.amount, carried.moves + 1)
    return [
        table.delete(key, "attribute_exists(PK)"),
        table.delete(held_reserve_key(held["tenant_id"], key.sk)),
        table.put_new(payout_release_key(held["statement_id"]), release_attributes(released)),
        carry(table, carried_key, as_read, released.carried_over),
    ]


def carry(
    table: Table, key: Key, as_read: Mapping[str, Any] | None, carried_over: Micros
) -> Action:
    """Leave this balance, unless another statement or release took it since the item was read."""
    before = carried_from(as_read)
    attributes = carried_attributes(Carried(carried_over, before.moves + 1))
    if as_read is None:
        return table.put_new(key, attributes)
    unmoved, bound = "attribute_not_exists(moves)", {"amount": before.amount}
    if before.moves:
        unmoved, bound = "moves = :moves", bound | {"moves": before.moves}
    return table.put(key, attributes, f"amount = :amount AND {unmoved}", **bound)
