"""GET /v1/provider/payouts/{id}: a statement with more lines than one answer may hold."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import Any

import pytest

from dev.gateway import PLATFORM, Answer
from tally.payouts.model.statements import statement_id
from tests import builders
from tests.api.answers import INVALID_CURSOR, answer
from tests.api.statements import PAYOUTS, access, forget_attempt, rewrite_lines, state
from tests.world import NOW, World

pytestmark = pytest.mark.slow

MARCH, APRIL = "2026-03", "2026-04"
MOST_BYTES = 5 * 1024 * 1024
LINES = 5000
NAME = '"' * 256  # twice as long in JSON, and again in what Lambda hands over
EACH = 123_456


@pytest.fixture
def trade(world: World) -> World:
    """North has statements for March and April, and March has very many lines."""
    builders.market(world, "acme", north=["dset_1"])
    state(world, MARCH, access(MARCH, "1"))
    state(world, APRIL, access(APRIL, "1"))
    rewrite_lines(world, MARCH, [(f"dset_{n:05}", NAME, EACH, 1) for n in range(LINES)])
    return world


def ask(world: World, query: str = "", period: str = MARCH, accept: str = "*/*") -> Answer:
    url = f"{PAYOUTS}/{statement_id('north', period, 'USD')}{query}"
    return world.request("GET", url, key=world.key("north"), headers={"Accept": accept})


def parts_of(world: World, accept: str = "*/*") -> list[Answer]:
    parts = [ask(world, accept=accept)]
    while query := next_of(parts[-1]):
        parts.append(ask(world, query, accept=accept))
    return parts


def next_of(answered: Answer) -> str | None:
    """The query for the next part."""
    if answered.body is None:
        link = answered.headers.get("Link", "")
        return link.removeprefix("<").removesuffix('>; rel="next"') or None
    cursor = answered.body["data"]["next_cursor"]
    return cursor and f"?cursor={cursor}"


def handed_over(answered: Answer) -> int:
    return len(json.dumps(answered.text, ensure_ascii=False).encode())


def without_lines(answered: Answer) -> dict[str, Any]:
    return {k: v for k, v in answered.body["data"].items() if k not in ("lines", "next_cursor")}


def test_lines_come_in_parts_of_one_statement(trade: World) -> None:
    parts = parts_of(trade)

    assert len(parts) == 2
    assert all(handed_over(part) <= MOST_BYTES for part in parts)
    lines = [line for part in parts for line in part.body["data"]["lines"]]
    assert [line["dataset_id"] for line in lines] == [f"dset_{n:05}" for n in range(LINES)]
    assert {line["amount"] for line in lines} == {Decimal("0.123456")}
    assert without_lines(parts[0]) == without_lines(parts[1])


def test_csv_comes_in_the_same_parts(trade: World) -> None:
    """Each has a header; the last has the rows that belong to no dataset, and they are of all."""
    parts = parts_of(trade, "text/csv")

    assert len(parts) == 2
    assert all(handed_over(part) <= MOST_BYTES for part in parts)
    read = [list(csv.DictReader(part.text.splitlines())) for part in parts]
    kinds = [[row["kind"] for row in rows] for rows in read]
    (first, last) = kinds
    assert set(first) == {"line"}
    assert [kind for kind in last if kind != "line"] == [
        *("rounding", "platform fee", "held", "carried in", "carried over"),
    ]
    assert (first + last).count("line") == LINES
    (rounding,) = (row for row in read[1] if row["kind"] == "rounding")
    exact = LINES * Decimal(EACH).scaleb(-6)
    assert Decimal(rounding["amount"]) == Decimal("1.00") - exact  # the gross was that of one line


def test_parts_of_a_statement_from_before_it_named_an_attempt(trade: World) -> None:
    asked = [parts_of(trade, accept) for accept in ("*/*", "text/csv")]

    forget_attempt(trade, MARCH)

    assert [parts_of(trade, accept) for accept in ("*/*", "text/csv")] == asked


def test_a_cursor_is_good_for_its_statement_only(trade: World) -> None:
    query = next_of(ask(trade))
    assert query

    trade.now = NOW
    for wrong, period in {query: APRIL, query[:-1]: MARCH, "?cursor=": MARCH}.items():
        assert ask(trade, wrong, period) == answer(400, INVALID_CURSOR, Vary="Accept")


def test_nobody_else_can_use_it(trade: World) -> None:
    query = next_of(ask(trade))

    url = f"{PAYOUTS}/{statement_id('north', MARCH, 'USD')}{query}"
    for tenant_id in ("acme", PLATFORM):
        answered = trade.request("GET", url, key=trade.key(tenant_id))
        assert answered.status == 400
