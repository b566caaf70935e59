"""Reading statements: a provider's list, and one statement with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tally.access.items import tenant_key
from tally.aws.pages import Page, cut
from tally.aws.table import Table
from tally.kernel.money import Micros
from tally.kernel.periods import Period
from tally.payouts.counters import StatementTotals
from tally.payouts.items import (
    LINES_PREFIX,
    OLD_LINES,
    PAYOUT_PREFIX,
    POINTER_SK,
    RELEASE_SK,
    STATUS_PREFIX,
    NamedLine,
    Payout,
    StatedLines,
    StatusChange,
    change_from,
    key_of_statement,
    lines_from,
    lines_prefix,
    payout_by_id_key,
    payout_from,
    payout_key,
    payout_lines_key,
    payout_release_key,
    release_from,
    stated_lines_from,
)
from tally.payouts.model.carrying import Release

type Item = Mapping[str, Any]


class PayoutPosition(NamedTuple):
    """A place in a provider's list of statements."""

    period: Period
    currency: str


class LinePosition(NamedTuple):
    """A place among the lines of one statement, which are in the order of their datasets."""

    dataset_id: str


@dataclass(frozen=True, slots=True)
class PayoutDetail:
    """`exact` is the sum of all lines, and `lines` are those that follow a position, read as they
    are taken."""

    payout: Payout
    changes: Sequence[StatusChange]
    release: Release | None
    exact: Micros
    lines: Iterable[NamedLine]


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


def get_payout(
    table: Table, statement_id: str, after: LinePosition | None = None
) -> PayoutDetail | None:
    """A statement with its history, and the lines that follow a position; None if there is none.

    In two calls if its lines are in one item, else in one more for each MB of lines.
    """
    about, last_lines = _about(table, statement_id)
    pointer = next((item for item in about if item["SK"] == POINTER_SK), None)
    stored = pointer and table.get(key_of_statement(pointer), consistent=True)
    if not stored:
        return None
    stated = stated_lines_from(stored)
    items = _line_items(table, statement_id, stated, after, last_lines)
    lines: Iterable[NamedLine] = (line for item in items for line in lines_from(item))
    if stated is None:  # such statements have few lines, and nothing else has their sum
        lines = list(lines)
    return PayoutDetail(
        payout=payout_from(stored),
        changes=[change_from(item) for item in about if item["SK"].startswith(STATUS_PREFIX)],
        release=next((release_from(item) for item in about if item["SK"] == RELEASE_SK), None),
        exact=stated.exact if stated else sum(each.line.amount for each in lines),
        lines=(each for each in lines if after is None or each.line.dataset_id > after.dataset_id),
    )


def _about(table: Table, statement_id: str) -> tuple[Sequence[Item], Item | None]:
    """All items of a statement but lines, and the last one with lines, if there is one."""
    about: list[Item] = []
    # Backwards: the lines come last, and there may be very many.
    for item in table.query(payout_by_id_key(statement_id).pk, newest_first=True, consistent=True):
        if item["SK"].startswith(LINES_PREFIX):
            return about[::-1], item
        about.append(item)
    return about[::-1], None


def _line_items(
    table: Table,
    statement_id: str,
    stated: StatedLines | None,
    after: LinePosition | None,
    last: Item | None,
) -> Iterable[Item]:
    """Items with the lines that follow, and maybe some lines before."""
    pk = payout_by_id_key(statement_id).pk
    if stated is None:
        return table.query(pk, between=OLD_LINES, consistent=True)
    prefix = lines_prefix(stated.attempt)
    if last and last["SK"].startswith(prefix) and len(last["lines"]) == stated.count:
        return [last]
    # An item is named after its last line: those before do not reach beyond the position.
    behind = after and payout_lines_key(statement_id, stated.attempt, after.dataset_id).sk
    return table.query(pk, prefix, after=behind, consistent=True)
