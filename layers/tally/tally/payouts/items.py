"""Statements and payout runs as items, with their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from tally.kernel.instants import Instant
from tally.kernel.keys import Key
from tally.kernel.money import Micros
from tally.kernel.periods import Period
from tally.payouts.model.carrying import Carried, Release
from tally.payouts.model.statements import Line, Statement
from tally.payouts.model.statuses import PayoutStatus

PAYOUT_PREFIX = "PAYOUT#"
POINTER_SK = "PAYOUT"
LINES_PREFIX = "LINES#"
OLD_LINES = (f"{LINES_PREFIX}000", f"{LINES_PREFIX}999")
"""The first and the last sort key that lines may have of a statement that names no attempt."""
ATTEMPT_PREFIX = "att_"  # a letter first: no attempt's lines are among OLD_LINES
STATUS_PREFIX = "STATUS#"
RELEASE_SK = "RELEASE"
CARRY_PREFIX = "CARRY#"
RESERVES_PK = "RESERVES"
PAYOUT_RUNS_PK = "PAYOUTRUNS"
STARTED_RUNS_PK = "PAYOUTRUNLIST"
STARTED_RUN_PREFIX = "RUN#"


def payout_key(tenant_id: str, period: Period, currency: str) -> Key:
    """`TENANT#acme` / `PAYOUT#2026-03#USD`: a statement and its status, in its provider's list"""
    return Key(f"TENANT#{tenant_id}", f"{PAYOUT_PREFIX}{period}#{currency}")


def payout_by_id_key(statement_id: str) -> Key:
    """`PAYOUT#pst_5e88...` / `PAYOUT`: the provider, month and currency of a statement"""
    return Key(f"PAYOUT#{statement_id}", POINTER_SK)


def payout_lines_key(statement_id: str, attempt: str, last_dataset_id: str) -> Key:
    """`PAYOUT#pst_5e88...` / `LINES#att_7f3c...#dset_300`: lines of an attempt to make it, up to
    this dataset's, with the datasets' names"""
    return Key(f"PAYOUT#{statement_id}", f"{lines_prefix(attempt)}{last_dataset_id}")


def lines_prefix(attempt: str) -> str:
    """Of all lines of an attempt."""
    return f"{LINES_PREFIX}{attempt}#"


def lines_of_others(attempt: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The sort keys that lines of all other attempts lie between, before and behind its own."""
    first, own = f"{LINES_PREFIX}{ATTEMPT_PREFIX}", lines_prefix(attempt)
    return (first, own), (f"{own}~", f"{first}~")


def payout_status_key(statement_id: str, change: int) -> Key:
    """`PAYOUT#pst_5e88...` / `STATUS#0001`: a status, when it was set and by whom"""
    return Key(f"PAYOUT#{statement_id}", f"{STATUS_PREFIX}{change:04}")


def payout_release_key(statement_id: str) -> Key:
    """`PAYOUT#pst_5e88...` / `RELEASE`: its reserve was released"""
    return Key(f"PAYOUT#{statement_id}", RELEASE_SK)


def carry_key(tenant_id: str, currency: str) -> Key:
    """`TENANT#acme` / `CARRY#USD`: the balance that the next statement or release takes"""
    return Key(f"TENANT#{tenant_id}", f"{CARRY_PREFIX}{currency}")


def currency_carried(item: Mapping[str, Any]) -> str:
    """Of the item of a balance."""
    return str(item["SK"].removeprefix(CARRY_PREFIX))


def reserve_key(due_at: Instant, statement_id: str) -> Key:
    """`RESERVES` / `2026-07-01T06:00:00.000000000Z#pst_5e88...`: held until then"""
    return Key(RESERVES_PK, f"{due_at}#{statement_id}")


def held_reserve_key(tenant_id: str, reserve_sk: str) -> Key:
    """`TENANT#acme` / `RESERVE#2026-07-01T06:00:00.000000000Z#pst_5e88...`: the same, among the
    tenant's own"""
    return Key(f"TENANT#{tenant_id}", f"RESERVE#{reserve_sk}")


def due_at_of(reserve_sk: str) -> Instant:
    """When a reserve is due, by the sort key among all."""
    return reserve_sk.partition("#")[0]


def payout_run_key(period: Period, run_id: str) -> Key:
    """`PAYOUTRUNS` / `2026-03#run_k3j5...`: a run and its sums"""
    return Key(PAYOUT_RUNS_PK, f"{period}#{run_id}")


def started_run_key(started_at: Instant, period: Period, run_id: str) -> Key:
    """`PAYOUTRUNLIST` / `RUN#2026-04-01T06:00:00.000000000Z#2026-03#run_k3j5...`: for the list of
    all runs"""
    return Key(STARTED_RUNS_PK, f"{STARTED_RUN_PREFIX}{started_at}#{period}#{run_id}")


def started_runs_total_key() -> Key:
    """`PAYOUTRUNLIST` / `TOTAL`: how many runs there are in the list"""
    return Key(STARTED_RUNS_PK, "TOTAL")


def payout_outcome_key(run_id: str, tenant_id: str, currency: str) -> Key:
    """`PAYOUTRUN#run_k3j5...` / `acme#USD`: the outcome of one provider in a run"""
    return Key(payout_outcomes_pk(run_id), f"{tenant_id}#{currency}")


def payout_outcomes_pk(run_id: str) -> str:
    return f"PAYOUTRUN#{run_id}"


@dataclass(frozen=True, slots=True)
class Payout:
    """A statement and the status of its payment."""

    statement: Statement
    status: PayoutStatus


@dataclass(frozen=True, slots=True)
class StatedLines:
    """The lines of a statement: the attempt that wrote them, how many, and their sum, not rounded.

    Lines of other attempts do not count. They may be there: a statement's lines are written first.
    """

    attempt: str
    count: int
    exact: Micros


class NamedLine(NamedTuple):
    """A line, and the name that its dataset had when the statement was made."""

    line: Line
    name: str


@dataclass(frozen=True, slots=True)
class StatusChange:
    """`changed_by` is the id of an API key, or of the run that made the statement."""

    status: PayoutStatus
    changed_at: Instant
    changed_by: str


def key_of_statement(item: Mapping[str, Any]) -> Key:
    """The statement's own key, from any item that names its provider, month and currency."""
    return payout_key(item["tenant_id"], item["period"], item["currency"])


def statement_attributes(statement: Statement) -> dict[str, Any]:
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
        "number": statement.number,
        "created_at": statement.created_at,
    }


def statement_from(item: Mapping[str, Any]) -> Statement:
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
        number=item.get("number"),
        created_at=item["created_at"],
    )


def stated_lines_attributes(lines: StatedLines) -> dict[str, Any]:
    """Of the statement's item. They never change either."""
    return {"attempt": lines.attempt, "line_count": lines.count, "exact": lines.exact}


def stated_lines_from(item: Mapping[str, Any]) -> StatedLines | None:
    """None if the statement is from before it named an attempt: its lines are OLD_LINES."""
    if "attempt" not in item:
        return None
    return StatedLines(item["attempt"], item["line_count"], item["exact"])


def payout_from(item: Mapping[str, Any]) -> Payout:
    return Payout(statement_from(item), PayoutStatus(item["status"]))


def lines_attributes(lines: Sequence[Line], names: Mapping[str, str]) -> dict[str, Any]:
    """`names`: dataset -> its name, which is stored with its line."""
    rows = [[line.dataset_id, names[line.dataset_id], line.amount, line.entries] for line in lines]
    return {"lines": rows}


def lines_from(item: Mapping[str, Any]) -> list[NamedLine]:
    return [NamedLine(Line(dataset_id, *rest), name) for dataset_id, name, *rest in item["lines"]]


def change_attributes(change: StatusChange) -> dict[str, Any]:
    return {
        "status": change.status.value,
        "changed_at": change.changed_at,
        "changed_by": change.changed_by,
    }


def change_from(item: Mapping[str, Any]) -> StatusChange:
    return StatusChange(PayoutStatus(item["status"]), item["changed_at"], item["changed_by"])


def release_from(item: Mapping[str, Any]) -> Release:
    return Release(
        amount=item["amount"],
        released_at=item["released_at"],
        carried_in=item.get("carried_in", 0),
        number=item.get("number"),
    )


def release_attributes(release: Release) -> dict[str, Any]:
    return {
        "amount": release.amount,
        "released_at": release.released_at,
        "carried_in": release.carried_in,
        "number": release.number,
    }


def carried_from(item: Mapping[str, Any] | None) -> Carried:
    return Carried(item["amount"], item.get("moves", 0)) if item else Carried()


def carried_attributes(carried: Carried) -> dict[str, Any]:
    return {"amount": carried.amount, "moves": carried.moves}
