"""GET /v1/provider/payouts: what a provider is paid for each month."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from tally.access.model.scopes import Scope
from tally.http.cursors import Cursors
from tally.payouts.model.statements import statement_id
from tests import builders
from tests.api.answers import INVALID_CURSOR, invalid, list_answer, success
from tests.api.statements import PAYOUTS, access, listed, look, move, state
from tests.world import World

JANUARY, FEBRUARY, MARCH, APRIL, MAY = (f"2026-0{month}" for month in range(1, 6))


@pytest.fixture
def trade(world: World) -> World:
    """acme buys what is north's and south's."""
    return builders.market(world, "acme", north=["dset_1", "dset_2"], south=["dset_9"])


# ---------------------------------------------------------------------------- the list


def test_the_references_statements(trade: World) -> None:
    state(trade, FEBRUARY, access(FEBRUARY, "980.50"))
    state(trade, MARCH, access(MARCH, "1249.55"), access(MARCH, "0.45", "dset_2"))
    for period in (FEBRUARY, MARCH):
        for status in ("processing", "paid"):
            assert move(trade, statement_id("north", period, "USD"), status).status == 200
    trade.now = "2026-04-05T10:02:00.000000000Z"

    answered = look(trade)

    reference = f"""{{
        "payouts": [
            {{
                "payout_statement_id": "{statement_id("north", MARCH, "USD")}",
                "billing_period_start": "2026-03-01T00:00:00Z",
                "billing_period_end": "2026-03-31T23:59:59Z",
                "gross_revenue": 1250.00,
                "seller_earnings": 875.00,
                "held_amount": 125.00,
                "released_amount": 750.00,
                "currency": "USD",
                "status": "paid",
                "created_at": "2026-04-01T06:00:00Z"
            }},
            {{
                "payout_statement_id": "{statement_id("north", FEBRUARY, "USD")}",
                "billing_period_start": "2026-02-01T00:00:00Z",
                "billing_period_end": "2026-02-28T23:59:59Z",
                "gross_revenue": 980.50,
                "seller_earnings": 686.35,
                "held_amount": 98.05,
                "released_amount": 588.30,
                "currency": "USD",
                "status": "paid",
                "created_at": "2026-03-01T06:00:00Z"
            }}
        ],
        "total": 2,
        "next_cursor": null
    }}"""
    exact = json.loads(reference, parse_float=Decimal)
    assert answered == list_answer(200, success(exact, timestamp="2026-04-05T10:02:00Z"))
    as_written = re.sub(r"(?<=[\[{])\s+|\s+(?=[\]}])", "", " ".join(reference.split()))
    assert answered.text.startswith(f'{{"data": {as_written}, "request_id": ')


def test_a_tenant_sees_its_own_statements_only(trade: World) -> None:
    state(trade, MARCH, access(MARCH, "10"), access(MARCH, "20", "dset_9"))
    trade.now = "2026-04-05T10:00:00.000000000Z"

    def whole(*payouts: object) -> object:
        return list_answer(200, success({"payouts": [*payouts], "total": len(payouts)} | LAST))

    norths = listed(MARCH, "10.00", "7.00", "1.00", "6.00")
    souths = listed(MARCH, "20.00", "14.00", "2.00", "12.00", tenant_id="south")
    assert look(trade, tenant_id="north") == whole(norths)
    assert look(trade, tenant_id="south") == whole(souths)
    assert look(trade, tenant_id="acme") == whole()


LAST = {"next_cursor": None}


def test_pages(trade: World) -> None:
    """Newest month first, whatever the order of the runs."""
    for period in (MARCH, JANUARY, FEBRUARY):
        state(trade, period, access(period, "1"))

    for limit, sizes in {1: [1, 1, 1], 2: [2, 1], 3: [3], 100: [3]}.items():
        url, pages = f"{PAYOUTS}?limit={limit}", []
        cursor: str | None = ""
        while cursor is not None:
            pages.append(trade.get(url + cursor, "north", Scope.BILLING_READ))
            following = pages[-1]["next_cursor"]
            cursor = following and f"&cursor={following}"
        met = [each["billing_period_start"][:7] for page in pages for each in page["payouts"]]
        assert met == [MARCH, FEBRUARY, JANUARY]
        assert [len(page["payouts"]) for page in pages] == sizes
        assert [page["total"] for page in pages] == [3] * len(pages)


def test_limits(trade: World) -> None:
    for limit in ("1", "100", "007"):
        assert look(trade, f"{PAYOUTS}?limit={limit}&unknown=x").status == 200
    for limit in (
        "0",
        "101",
        "-1",
        "abc",
        "",
        "1.5",
        "1.0",
        "1_0",
        "%201",
        "1e1",
        "9" * 30,
        "null",
    ):
        answered = look(trade, f"{PAYOUTS}?limit={limit}")
        (detail,) = answered.body["error"]["details"]
        assert answered == list_answer(400, invalid(("limit", detail["message"])))


def test_a_cursor_is_good_for_its_list_only(trade: World) -> None:
    for period in (FEBRUARY, MARCH):
        state(trade, period, access(period, "1"), access(period, "1", "dset_9"))
    trade.now = "2026-04-05T10:00:00.000000000Z"
    position = (MARCH, "USD")

    def of(*scope: str, secret: bytes = b"secret", at: tuple[str, ...] = position) -> str:
        return str(Cursors(lambda _: [secret], scope, tuple).write(at))

    own = of("north", "payouts", "period")
    wrong = {
        "tenant": of("south", "payouts", "period"),
        "endpoint": of("north", "searches", "period"),
        "sort": of("north", "payouts", "occurred_at"),
        "secret": of("north", "payouts", "period", secret=b"guess"),
        "length": of("north", "payouts", "period", at=(*position, "x")),
        "garbled": own[:-1],
        "empty": "",
        "made up": "abc",
        "no ascii": "%C3%A4",
    }

    answers = {what: look(trade, f"{PAYOUTS}?cursor={cursor}") for what, cursor in wrong.items()}

    first = trade.get(f"{PAYOUTS}?limit=1", "north", Scope.BILLING_READ)
    assert first["next_cursor"] == own
    assert look(trade, f"{PAYOUTS}?cursor={own}").body["data"]["payouts"] == [
        listed(FEBRUARY, "1.00", "0.70", "0.10", "0.60")
    ]
    assert look(trade, f"{PAYOUTS}?cursor={own}", "south") == list_answer(400, INVALID_CURSOR)
    assert answers == dict.fromkeys(wrong, list_answer(400, INVALID_CURSOR))
