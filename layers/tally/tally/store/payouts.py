"""Statements: made once, listed, moved through their statuses, their reserves released."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import batched
from typing import Any, NamedTuple

from tally.domain.charges import EntrySide
from tally.domain.errors import NotFound, Unavailable
from tally.domain.instants import Instant, plus
from tally.domain.money import Micros
from tally.domain.payouts import (
    Line,
    PayoutStatus,
    Statement,
    check_transition,
    lines_of,
    make_statement,
)
from tally.domain.periods import Period
from tally.store import keys
from tally.store.keys import Key
from tally.store.ledger import entries
from tally.store.table import Action, Cancelled, Table
from tally.store.tenants import get_tenant

# With the longest names a line takes 1.1 KB, and an item holds 400 KB.
_LINES_PER_ITEM = 300
_ATTEMPTS = 20


class Position(NamedTuple):
    period: Period
    currency: str


@dataclass(frozen=True, slots=True)
class Payout:
    """A statement without its lines, and how far its payment is."""

    statement: Statement
    status: PayoutStatus


@dataclass(frozen=True, slots=True)
class PayoutPage:
    """`last` is the position to go on behind; None on the last page. `total` counts all."""

    payouts: Sequence[Payout]
    total: int
    last: Position | None


@dataclass(frozen=True, slots=True)
class StatusChange:
    status: PayoutStatus
    changed_at: Instant
    changed_by: str


@dataclass(frozen=True, slots=True)
class Release:
    """A statement's reserve, released: the provider's from then on."""

    amount: Micros
    released_at: Instant


@dataclass(frozen=True, slots=True)
class PayoutDetail:
    """`names`: dataset -> what it was called when the statement was made."""

    payout: Payout
    names: Mapping[str, str]
    changes: Sequence[StatusChange]
    release: Release | None


# ---------------------------------------------------------------------------- making


class ProviderMonth(NamedTuple):
    """What one statement is about."""

    tenant_id: str
    period: Period
    currency: str


@dataclass(frozen=True, slots=True)
class Making:
    """What a statement does not take from the ledger: when, by which run, how long to hold."""

    now: Instant
    made_by: str
    hold_for: timedelta


def make(table: Table, month: ProviderMonth, how: Making, along: Sequence[Action]) -> bool:
    """Make a provider's statement from the ledger, with all that belongs to it, in one step.

    False if there is one already, or nothing to state. `along` is written with a new one;
    Cancelled if a condition of it fails.
    """
    tenant_id, period, currency = month
    for _ in range(_ATTEMPTS):
        statement_key = keys.payout(tenant_id, period, currency)
        register_key = keys.period_provider(period, tenant_id, currency)
        carry_key = keys.carry(tenant_id, currency)
        read = table.get_many([statement_key, register_key, carry_key])
        if statement_key in read:
            return False
        lines = ledger_lines(table, month)
        if not lines:
            return False
        tenant = get_tenant(table, tenant_id)
        if tenant is None:
            raise RuntimeError(f"{tenant_id} has entries in the ledger but is no tenant")
        statement = make_statement(
            tenant_id=tenant_id,
            period=period,
            currency=currency,
            fee_rate=tenant.fee_rate,
            reserve_rate=tenant.reserve_rate,
            carried_in=read.get(carry_key, {}).get("amount", 0),
            created_at=how.now,
            lines=lines,
        )
        actions = _actions(table, statement, read, how)
        try:
            table.transact([*actions, *along])
        except Cancelled as cancelled:
            if not all(reason is None or reason.is_condition for reason in cancelled.reasons):
                raise
            if any(cancelled.reasons[len(actions) :]):
                raise  # the caller's own condition
            continue  # another run, or history that was imported meanwhile: look again
        return True
    raise Unavailable("Too many writers change the same month; send the request again.")


def ledger_lines(table: Table, month: ProviderMonth) -> tuple[Line, ...]:
    """A provider's month by dataset, straight from the ledger, an entry at a time."""
    return lines_of(
        entry
        for entry in entries(table, month.tenant_id, month.period, EntrySide.CREDIT)
        if entry.posting.currency == month.currency
    )


def _actions(
    table: Table,
    statement: Statement,
    read: Mapping[Key, Mapping[str, Any]],
    how: Making,
) -> list[Action]:
    """All items of a new statement, on condition that nothing that it was made of has changed."""
    tenant_id, period, currency = statement.tenant_id, statement.period, statement.currency
    statement_id = statement.statement_id
    register = keys.period_provider(period, tenant_id, currency)
    imports = read.get(register, {}).get("imports")
    carry_key = keys.carry(tenant_id, currency)
    carried = read.get(carry_key, {}).get("amount")
    named = {"tenant_id": tenant_id, "period": period, "currency": currency}
    actions = [
        table.put_new(
            keys.payout(tenant_id, period, currency),
            _attributes_of(statement) | {"status": PayoutStatus.PENDING.value, "changes": 1},
        ),
        table.put_new(keys.payout_by_id(statement_id), named),
        # Closes the month to imported history, which counts itself there.
        table.update(
            register,
            "SET closed = :closed, tenant_id = :tenant_id, currency = :currency",
            "attribute_not_exists(imports)" if imports is None else "imports = :imports",
            closed=statement_id,
            tenant_id=tenant_id,
            currency=currency,
            **({} if imports is None else {"imports": imports}),
        ),
        table.put(
            carry_key,
            {"amount": statement.carried_over},
            "attribute_not_exists(PK)" if carried is None else "amount = :carried",
            **({} if carried is None else {"carried": carried}),
        ),
        table.add(keys.payout_totals(tenant_id), {"payouts": 1}),
        _note_status(
            table,
            statement_id,
            1,
            StatusChange(PayoutStatus.PENDING, statement.created_at, how.made_by),
        ),
    ]
    names = _names(table, [line.dataset_id for line in statement.lines])
    for n, chunk in enumerate(batched(statement.lines, _LINES_PER_ITEM, strict=False)):
        rows = [
            [each.dataset_id, names[each.dataset_id], each.amount, each.entries] for each in chunk
        ]
        actions.append(table.put_new(keys.payout_lines(statement_id, n), {"lines": rows}))
    if statement.held:
        due = keys.reserve(plus(how.now, how.hold_for), statement_id)
        held = {"statement_id": statement_id, "amount": statement.held}
        actions.append(table.put_new(due, named | held))
    return actions


def _names(table: Table, dataset_ids: Sequence[str]) -> dict[str, str]:
    found = table.get_many([keys.dataset(dataset_id) for dataset_id in dataset_ids])
    return {dataset_id: found[keys.dataset(dataset_id)]["name"] for dataset_id in dataset_ids}


def _attributes_of(statement: Statement) -> dict[str, Any]:
    return {
        "statement_id": statement.statement_id,
        "tenant_id": statement.tenant_id,
        "period": statement.period,
        "currency": statement.currency,
        "fee_rate": str(statement.fee_rate),
        "reserve_rate": str(statement.reserve_rate),
        "gross": statement.gross,
        "fee": statement.fee,
        "held": statement.held,
        "carried_in": statement.carried_in,
        "created_at": statement.created_at,
    }


def _statement_from(item: Mapping[str, Any], lines: tuple[Line, ...] = ()) -> Statement:
    return Statement(
        tenant_id=item["tenant_id"],
        period=item["period"],
        currency=item["currency"],
        fee_rate=Decimal(item["fee_rate"]),
        reserve_rate=Decimal(item["reserve_rate"]),
        gross=item["gross"],
        fee=item["fee"],
        held=item["held"],
        carried_in=item["carried_in"],
        created_at=item["created_at"],
        lines=lines,
    )


# --------------------------------------------------------------------------- reading


def list_payouts(
    table: Table, tenant_id: str, *, limit: int, after: Position | None = None
) -> PayoutPage:
    """A page of a provider's statements, newest month first."""
    items = list(
        table.query(
            keys.tenant(tenant_id).pk,
            keys.PAYOUT_PREFIX,
            after=after and keys.payout(tenant_id, *after).sk,
            limit=limit + 1,
            newest_first=True,
            consistent=True,
        )
    )
    total = (table.get(keys.payout_totals(tenant_id), consistent=True) or {}).get("payouts", 0)
    page = [_payout_from(item) for item in items[:limit]]
    end = page[-1].statement if len(items) > limit else None
    return PayoutPage(page, total, Position(end.period, end.currency) if end else None)


def all_payouts(table: Table, tenant_id: str) -> Iterator[Payout]:
    """Every statement of a provider, oldest month first."""
    for item in table.query(keys.tenant(tenant_id).pk, keys.PAYOUT_PREFIX, consistent=True):
        yield _payout_from(item)


def get_payout(table: Table, statement_id: str) -> PayoutDetail | None:
    """A statement with its lines and its history, in two calls. None if there is no such."""
    parts: dict[str, list[dict[str, Any]]] = {}
    named: dict[str, Any] | None = None
    for item in table.query(keys.payout_by_id(statement_id).pk, consistent=True):
        if item["SK"] == keys.payout_by_id(statement_id).sk:
            named = item
        else:
            parts.setdefault(item["SK"].partition("#")[0], []).append(item)
    stored = named and table.get(_key_by(named), consistent=True)
    if not stored:
        return None
    rows = [row for item in parts.get("LINES", ()) for row in item["lines"]]
    lines = tuple(Line(dataset_id, amount, count) for dataset_id, _, amount, count in rows)
    released = parts.get(keys.RELEASE_SK)
    return PayoutDetail(
        payout=Payout(_statement_from(stored, lines), PayoutStatus(stored["status"])),
        names={dataset_id: name for dataset_id, name, _, _ in rows},
        changes=[
            StatusChange(PayoutStatus(item["status"]), item["changed_at"], item["changed_by"])
            for item in parts.get("STATUS", ())
        ],
        release=Release(released[0]["amount"], released[0]["released_at"]) if released else None,
    )


def _key_by(item: Mapping[str, Any]) -> Key:
    return keys.payout(item["tenant_id"], item["period"], item["currency"])


def _payout_from(item: Mapping[str, Any]) -> Payout:
    return Payout(_statement_from(item), PayoutStatus(item["status"]))


# -------------------------------------------------------------------------- statuses


def change_status(
    table: Table, statement_id: str, wanted: PayoutStatus, now: Instant, by: str
) -> Payout:
    """The payout with its new status. NotFound, or InvalidTransition if it may not get there."""
    for _ in range(_ATTEMPTS):
        named = table.get(keys.payout_by_id(statement_id), consistent=True)
        stored = named and table.get(_key_by(named), consistent=True)
        if not stored:
            raise NotFound(f"There is no payout {statement_id}.")
        check_transition(PayoutStatus(stored["status"]), wanted)
        change = stored["changes"] + 1
        move = table.update(
            _key_by(stored),
            "SET #status = :wanted, changes = :change",
            "changes = :changes",
            wanted=wanted.value,
            change=change,
            changes=stored["changes"],
        )
        move["Update"]["ExpressionAttributeNames"] = {"#status": "status"}
        try:
            noted = StatusChange(wanted, now, by)
            table.transact([move, _note_status(table, statement_id, change, noted)])
        except Cancelled as cancelled:
            if not any(reason and reason.is_condition for reason in cancelled.reasons):
                raise
            continue  # somebody else changed it: is it still allowed?
        return Payout(_statement_from(stored), wanted)
    raise Unavailable("Others change this payout all the time; send the request again.")


def _note_status(table: Table, statement_id: str, n: int, change: StatusChange) -> Action:
    attributes = {
        "status": change.status.value,
        "changed_at": change.changed_at,
        "changed_by": change.changed_by,
    }
    return table.put_new(keys.payout_status(statement_id, n), attributes)


# -------------------------------------------------------------------------- reserves


def due_reserves(table: Table, now: Instant) -> Iterator[str]:
    """The statements whose reserve is to be released by now: their keys among the reserves."""
    for item in table.query(keys.RESERVES_PK, consistent=True):
        if item["SK"] > keys.reserve(now, "~").sk:
            return
        yield item["SK"]


def release(table: Table, reserve_sk: str, now: Instant) -> bool:
    """Release a reserve by an entry of its own; False if it was before."""
    key = Key(keys.RESERVES_PK, reserve_sk)
    held = table.get(key, consistent=True)
    if held is None:
        return False
    released = {"amount": held["amount"], "released_at": now}
    try:
        table.transact(
            [
                table.delete(key, "attribute_exists(PK)"),
                table.put_new(keys.payout_release(held["statement_id"]), released),
            ]
        )
    except Cancelled as cancelled:
        if not any(reason and reason.is_condition for reason in cancelled.reasons):
            raise
        return False
    return True
