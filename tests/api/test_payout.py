"""GET /v1/provider/payouts/{id}: what a statement says, in JSON and in CSV."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dev.gateway import PLATFORM, Answer
from tally.access.model.scopes import Scope
from tally.payouts.model.statements import statement_id
from tests import builders
from tests.api.answers import ALWAYS, answer, failure, success
from tests.api.statements import (
    PAYOUTS,
    access,
    amounts,
    assert_adds_up,
    detail,
    listed,
    look,
    refund,
    release_reserves,
    rewrite_lines,
    rows,
    shown,
    state,
)
from tests.builders import event, told
from tests.world import World

JANUARY, FEBRUARY, MARCH, APRIL, MAY = (f"2026-0{month}" for month in range(1, 6))


@pytest.fixture
def trade(world: World) -> World:
    """acme buys what is north's and south's."""
    return builders.market(world, "acme", north=["dset_1", "dset_2"], south=["dset_9"])


# ----------------------------------------------------------------------- one statement


LINES = [
    {
        "dataset_id": "dset_1",
        "dataset_name": "AP Invoices 2025",
        "amount": Decimal("0.783334"),
        "entry_count": 2,
    },
    {
        "dataset_id": "dset_2",
        "dataset_name": "AP Invoices 2025",
        "amount": Decimal("0.333333"),
        "entry_count": 1,
    },
]


def test_a_whole_statement(trade: World) -> None:
    """Its gross was rounded once; its lines are as exact as the ledger."""
    search = told(
        "search.performed",
        "2026-03-31T23:59:59Z",
        dataset_ids=["dset_1", "dset_2", "dset_9"],
        charged_amount="1",
    )
    run = state(trade, MARCH, search, access(MARCH, "0.45"))
    trade.now = "2026-04-05T10:00:00.000000000Z"

    answered = shown(trade, MARCH)

    expected = listed(MARCH, "1.12", "0.78", "0.11", "0.67") | {
        "fee_rate": "0.30",
        "reserve_rate": "0.10",
        "platform_fee": Decimal("0.34"),
        "carried_in": Decimal("0.00"),
        "carried_over": Decimal("0.00"),
        "reserve": {
            "held": Decimal("0.11"),
            "released": Decimal("0.00"),
            "still_held": Decimal("0.11"),
            "releases": [],
        },
        "attempts": 0,
        "status_history": [
            {
                "status": "pending",
                "changed_at": "2026-04-01T06:00:00Z",
                "changed_by": run.run_id,
            }
        ],
        "lines": LINES,
        "next_cursor": None,
    }
    assert answered == answer(200, success(expected), Vary="Accept")
    assert '"platform_fee": 0.34, "carried_in": 0.00, "carried_over": 0.00, ' in answered.text
    assert '"amount": 0.783334, "entry_count": 2}' in answered.text
    souths = detail(trade, MARCH, "south")
    assert [line["amount"] for line in souths["lines"]] == [Decimal("0.333333")]


def test_datasets_are_named_as_they_were(trade: World) -> None:
    state(trade, MARCH, access(MARCH, "1"))
    renamed = event("dataset.updated", tenant_id="north", name="New", time="2026-04-01T05:59:00Z")
    deleted = event("dataset.deleted", tenant_id="north", time="2026-06-01T05:59:00Z")
    assert trade.send(renamed).status == 202
    state(trade, APRIL, access(APRIL, "1"))
    state(trade, MAY, access(MAY, "1"), deleted)

    names = {
        period: [line["dataset_name"] for line in detail(trade, period)["lines"]]
        for period in (MARCH, APRIL, MAY)
    }

    assert names == {MARCH: ["AP Invoices 2025"], APRIL: ["New"], MAY: ["New"]}


def test_anothers_statement_is_none(trade: World) -> None:
    """Not even the buyer's who paid for it, nor the platform's."""
    state(trade, MARCH, access(MARCH, "1"))
    trade.now = "2026-04-05T10:00:00.000000000Z"
    foreign, unknown = statement_id("north", MARCH, "USD"), statement_id("north", APRIL, "USD")

    def none(payout_id: str) -> Answer:
        message = f"Payout {payout_id} does not exist."
        return answer(404, failure("not_found", message), Vary="Accept")

    for tenant_id in ("south", "acme", PLATFORM):
        for payout_id in (foreign, unknown, "pst_1", "-", "x" * 64):
            answered = look(trade, f"{PAYOUTS}/{payout_id}", tenant_id)
            assert answered == none(payout_id)
            as_csv = look(trade, f"{PAYOUTS}/{payout_id}", tenant_id, Accept="text/csv")
            assert as_csv == none(payout_id)


def test_a_negative_month_is_carried_over(trade: World) -> None:
    """Until there is enough to pay it from; nothing is held of it, and its fee is given back."""
    charge = access(MARCH, "10")
    state(trade, MARCH, charge)
    state(trade, APRIL, refund(APRIL, charge, "4"))
    state(trade, MAY, access(MAY, "1"))
    state(trade, "2026-06", access("2026-06", "10"))

    assert amounts(trade) == {
        ("2026-06", "USD"): ["10.00", "7.00", "1.00", "3.80"],
        (MAY, "USD"): ["1.00", "0.70", "0.10", "0.00"],
        (APRIL, "USD"): ["-4.00", "-2.80", "0.00", "0.00"],
        (MARCH, "USD"): ["10.00", "7.00", "1.00", "6.00"],
    }
    carried = {
        period: tuple(str(detail(trade, period)[name]) for name in CARRIED)
        for period in (MARCH, APRIL, MAY, "2026-06")
    }
    assert carried == {
        MARCH: ("0.00", "0.00", "3.00"),
        APRIL: ("0.00", "-2.80", "-1.20"),
        MAY: ("-2.80", "-2.20", "0.30"),
        "2026-06": ("-2.20", "0.00", "3.00"),
    }
    for period in carried:
        assert_adds_up(trade, period)


CARRIED = ("carried_in", "carried_over", "platform_fee")


def test_a_statements_history_says_who_and_when(trade: World) -> None:
    run = state(trade, MARCH, access(MARCH, "1"))
    payout_id = statement_id("north", MARCH, "USD")
    text, by = trade.new_key(PLATFORM, [Scope.ADMIN])
    url = f"/v1/admin/payouts/{payout_id}/status"
    moves = ("processing", "failed", "processing", "paid")
    attempts = []
    for status in moves:
        trade.wait(hours=1)
        assert trade.request("POST", url, key=text, json_body={"status": status}).status == 200
        attempts.append(detail(trade, MARCH)["attempts"])

    shown = detail(trade, MARCH)

    assert shown["status"] == "paid"
    assert attempts == [1, 1, 2, 2]
    made = {
        "status": "pending",
        "changed_at": "2026-04-01T06:00:00Z",
        "changed_by": run.run_id,
    }
    assert shown["status_history"] == [
        made,
        *[
            {
                "status": status,
                "changed_at": f"2026-04-01T{hour:02}:00:00Z",
                "changed_by": by.api_key_id,
            }
            for hour, status in enumerate(moves, start=7)
        ],
    ]


# --------------------------------------------------------------------------------- CSV


def test_a_statement_as_csv(trade: World) -> None:
    charge = access(MARCH, "10")
    state(trade, MARCH, charge)
    state(trade, APRIL, refund(APRIL, charge, "4"))
    search = told(
        "search.performed",
        "2026-05-05T09:00:00Z",
        dataset_ids=["dset_1", "dset_2", "dset_9"],
        charged_amount="40",
    )
    state(trade, MAY, search, access(MAY, "0.002", "dset_2"))
    trade.wait(days=91)
    release_reserves(trade)

    answered = shown(trade, MAY, "text/csv")

    text = """\
period,kind,dataset_id,dataset_name,entries,amount,reserve,currency,note
2026-05,line,dset_1,AP Invoices 2025,1,13.333334,,USD,
2026-05,line,dset_2,AP Invoices 2025,2,13.335333,,USD,
2026-05,rounding,,,,0.001333,,USD,to the currency's minor unit
2026-05,platform fee,,,,-8.00,,USD,0.30 of 26.67
2026-05,held,,,,-2.67,2.67,USD,0.10 of 26.67
2026-05,carried in,,,,-2.80,,USD,from the statement before
2026-05,carried over,,,,0.00,,USD,to the next statement
2026-05,reserve released,,,,,-2.67,USD,2026-08-31T06:00:00Z
"""
    headers = {"Content-Type": "text/csv; charset=utf-8", "X-Request-Id": "req_00000000"}
    assert answered == Answer(200, ALWAYS | headers | {"Vary": "Accept"}, None)
    assert answered.text == text.replace("\n", "\r\n")
    assert_adds_up(trade, MAY)


def test_csv_is_for_those_who_ask_for_it(trade: World) -> None:
    state(trade, MARCH, access(MARCH, "1"))
    url = f"{PAYOUTS}/{statement_id('north', MARCH, 'USD')}"
    key = trade.key("north")

    for name, accept in (("accept", "text/csv"), ("ACCEPT", "Text/CSV; charset=utf-8")):
        as_csv = trade.request("GET", url, key=key, headers={name: accept})
        assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8", accept
    plain = trade.request("GET", url, key=key)
    for accept in ("*/*", "application/json", "", "image/png", "text/csv;q=0", "xtext/csv"):
        assert trade.request("GET", url, key=key, headers={"Accept": accept}) == plain


# A dataset's name -> its cell in the CSV, as it is written.
CELLS = {
    "Ships, ports": '"Ships, ports"',
    'The "best" of': '"The ""best"" of"',
    "Größe 港": "Größe 港",
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-A1": "'-A1",
    "@SUM(A1)": "'@SUM(A1)",
    '=HYPERLINK("http://x","y")': '"\'=HYPERLINK(""http://x"",""y"")"',
    "a=b": "a=b",
    "'=1": "'=1",
    # No event has those; who reads the file is safe all the same.
    "two\nlines": '"two\nlines"',
    "two\rlines": '"two\rlines"',
    "\t=1": "'\t=1",
    "\r=1": '"\'\r=1"',
    "\n=1": '"\'\n=1"',
}


def test_names_do_no_harm(trade: World) -> None:
    state(trade, MARCH, access(MARCH, "1"))
    rewrite_lines(trade, MARCH, [(f"dset_{n:02}", name, 1, 1) for n, name in enumerate(CELLS)])

    text = shown(trade, MARCH, "text/csv").text

    head = "period,kind,dataset_id,dataset_name,entries,amount,reserve,currency,note\r\n"
    written = [
        f"2026-03,line,dset_{n:02},{cell},1,0.000001,,USD,\r\n"
        for n, cell in enumerate(CELLS.values())
    ]
    assert text.startswith(head + "".join(written) + "2026-03,rounding,")


def test_ids_do_no_harm(trade: World) -> None:
    """One may begin with a hyphen, and would be a number or a cell."""
    ids = {"-1": "'-1", "-A1": "'-A1", "_": "_"}
    created = [
        event("dataset.created", "2026-01-01T00:00:00Z", tenant_id="north", dataset_id=dataset_id)
        for dataset_id in ids
    ]
    assert trade.send(*created).status == 202
    state(trade, MARCH, *[access(MARCH, "1", dataset_id) for dataset_id in ids])

    read = rows(shown(trade, MARCH, "text/csv").text)

    assert [row["dataset_id"] for row in read if row["kind"] == "line"] == list(ids.values())
    assert [line["dataset_id"] for line in detail(trade, MARCH)["lines"]] == list(ids)
