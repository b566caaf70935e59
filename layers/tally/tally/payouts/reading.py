"""Reading statements: a provider's list, and one statement with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tally.access.items import tenant_key
from tally.aws.pages import Page, cut
from tally.aws.table import Table
from tally.kernel.periods import Period
from tally.payouts.counters import StatementTotals
from tally.payouts.items import (
    LINES_PREFIX,
    PAYOUT_PREFIX,
    POINTER_SK,
    RELEASE_SK,
    STATUS_PREFIX,
    Payout,
    StatusChange,
    change_from,
    key_of_statement,
    lines_from,
    payout_by_id_key,
    payout_from,
    payout_key,
    payout_release_key,
    release_from,
)
from tally.payouts.model.carrying import Release
from tally.payouts.model.statements import Line


class PayoutPosition(NamedTuple):
    """A place in a provider's list of statements."""

    period: Period
    currency: str


class LinePosition(NamedTuple):
    """A place among the lines of one statement, which are in the order of their datasets."""

    dataset_id: str


@dataclass(frozen=True, slots=True)
class PayoutDetail:
    """`names`: dataset -> its name when the statement was made."""

    payout: Payout
    names: Mapping[str, str]
    changes: Sequence[StatusChange]
    release: Release | None

    def lines(self, after: LinePosition | None = None) -> Page[Line, LinePosition]:
        """All lines of the statement that follow."""
        lines = self.payout.statement.lines
        rest = [line for line in lines if after is None or line.dataset_id > after.dataset_id]
        return Page(rest, len(lines), more=False, position=lambda row: LinePosition(row.dataset_id))


def list_payouts(
    table: Table, tenant_id: str, *, limit: int, after: PayoutPosition | None = None
) -> Page[Payout, PayoutPosition]:
    """A page of a provider's statements, newest month first."""
    items = table.query(
        tenant_key(tenant_id).pk,
        PAYOUT_PREFIX,
        after=after and payout_key(tenant_id, *after).sk,
        limit=limit + 1,
        newest_first=True,
        consistent=True,
    )
    payouts, more = cut([payout_from(item) for item in items], limit)
    total = (table.get(StatementTotals(tenant_id).key, consistent=True) or {}).get("payouts", 0)
    return Page(
        payouts,
        total,
        more,
        lambda row: PayoutPosition(row.statement.period, row.statement.currency),
    )


def all_payouts(table: Table, tenant_id: str) -> Iterator[Payout]:
    """Every statement of a provider, oldest month first."""
    for item in table.query(tenant_key(tenant_id).pk, PAYOUT_PREFIX, consistent=True):
        yield payout_from(item)


def releases_of(table: Table, statement_ids: Sequence[str]) -> Iterator[Release]:
    """The released reserves of these statements."""
    for item in table.get_many([payout_release_key(each) for each in statement_ids]).values():
        yield release_from(item)


def get_payout(table: Table, statement_id: str) -> PayoutDetail | None:
    """A statement with its lines and its history, in two calls; None if it does not exist."""
    items = list(table.query(payout_by_id_key(statement_id).pk, consistent=True))
    pointer = next((item for item in items if item["SK"] == POINTER_SK), None)
    stored = pointer and table.get(key_of_statement(pointer), consistent=True)
    if not stored:
        return None
    chunks = [item for item in items if item["SK"].startswith(LINES_PREFIX)]
    lines = [line for chunk in chunks for line in lines_from(chunk)]
    return PayoutDetail(
        payout=payout_from(stored, tuple(line for line, _ in lines)),
        names={line.dataset_id: name for line, name in lines},
        changes=[change_from(item) for item in items if item["SK"].startswith(STATUS_PREFIX)],
        release=next((release_from(item) for item in items if item["SK"] == RELEASE_SK), None),
    )
