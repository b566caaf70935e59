"""POST /v1/admin/payout-runs and .../payouts/{id}/status: what the platform does for payouts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from dev.gateway import Answer
from tally.kernel.errors import NotFound
from tally.payouts.model.statements import statement_id
from tally.payouts.runs import list_runs
from tally.payouts.tasks import Task, do_task, note_failure
from tests import builders
from tests.api.answers import answer, failure, invalid, lacks, success
from tests.api.statements import access, amounts, detail, listed, move, move_as, start, state
from tests.builders import told
from tests.world import World

FEBRUARY, MARCH, APRIL = "2026-02", "2026-03", "2026-04"


@pytest.fixture
def trade(world: World) -> World:
    """acme buys what is north's and south's."""
    return builders.market(world, "acme", north=["dset_1", "dset_2"], south=["dset_9"])


# -------------------------------------------------------------------------------- runs


def begun(started: Answer, period: str, expected: int, status: str = "running") -> Answer:
    """The answer to a run that was begun."""
    data = {
        "payout_run_id": started.body["data"]["payout_run_id"],
        "period": period,
        "status": status,
        "expected": expected,
        "started_at": "2026-04-05T10:00:00Z",
    }
    return answer(202, success(data))


def test_a_run_expects_each_provider_of_the_month(trade: World) -> None:
    answered = trade.import_history(
        access(FEBRUARY, "1"),
        access(MARCH, "1"),
        access(MARCH, "1", "dset_2"),
        access(MARCH, "1", "dset_9"),
    )
    assert answered.status == 202

    runs = {period: start(trade, {"period": period}) for period in (FEBRUARY, MARCH)}

    for period, expected in ((FEBRUARY, 1), (MARCH, 2)):
        assert runs[period] == begun(runs[period], period, expected)
        assert re.fullmatch(r"run_[0-9a-f]{16}", runs[period].body["data"]["payout_run_id"])
    assert amounts(trade) == {}
    trade.do_tasks()
    assert list(amounts(trade)) == [(MARCH, "USD"), (FEBRUARY, "USD")]
    assert list(amounts(trade, "south")) == [(MARCH, "USD")]


def test_a_month_without_entries_has_no_statements(trade: World) -> None:
    assert trade.import_history(access(MARCH, "1")).status == 202

    started = start(trade, {"period": FEBRUARY, "unknown": 1})

    assert started == begun(started, FEBRUARY, 0, "finished")
    trade.do_tasks()
    assert amounts(trade) == {}


def test_running_again_changes_nothing(trade: World) -> None:
    """Not even what has changed since for statements to come, as are rates or names."""
    made = state(trade, MARCH, access(MARCH, "1"), access(MARCH, "2", "dset_9"))
    before = statements(trade)

    trade.wait(days=3)
    again = trade.run_payouts(MARCH)

    assert (made.expected, made.generated, made.unchanged) == (2, 2, 0)
    assert (again.expected, again.generated, again.unchanged) == (2, 0, 2)
    assert again.run_id != made.run_id
    assert statements(trade) == before


def statements(world: World) -> list[dict[str, Any]]:
    """All that is stored, but for the runs, who started them, and when keys were used."""
    others = ("PAYOUTRUN", "AUDIT#", "APIKEY#")
    return [item for item in world.items() if not item["PK"]["S"].startswith(others)]


def test_two_runs_at_once_make_one_statement(trade: World) -> None:
    assert trade.import_history(access(MARCH, "1")).status == 202
    runs = [start(trade, {"period": MARCH}) for _ in range(2)]

    trade.do_tasks()

    assert [run.body["data"]["expected"] for run in runs] == [1, 1]
    assert amounts(trade) == {(MARCH, "USD"): ["1.00", "0.70", "0.10", "0.60"]}
    assert len(detail(trade, MARCH)["status_history"]) == 1


def test_a_task_of_an_unknown_run_changes_nothing(trade: World) -> None:
    assert trade.import_history(access(MARCH, "1")).status == 202
    task = Task("run_unknown", "north", MARCH, "USD")

    with trade.unchanged():
        with pytest.raises(NotFound) as refusal:
            do_task(trade.table, task, trade.now, hold_for=timedelta(days=90))
        note_failure(trade.table, task, trade.now)

    assert refusal.value.message == "Payout run run_unknown of 2026-03 does not exist."
    assert list(list_runs(trade.table)) == []


def test_a_month_is_open_until_the_last_charge_is_in(trade: World) -> None:
    """Until 05:00, as charges post to it, and then five minutes for those under way."""
    opens = [
        ("2026-04-05T10:00:00.000000000Z", APRIL, 409),
        ("2026-04-05T10:00:00.000000000Z", "2026-05", 409),
        ("2026-04-05T10:00:00.000000000Z", "2027-03", 409),
        ("2026-04-05T10:00:00.000000000Z", "9999-12", 409),
        ("2026-04-30T23:59:59.999999999Z", APRIL, 409),
        ("2026-05-01T00:00:00.000000000Z", APRIL, 409),
        ("2026-05-01T05:00:00.000000000Z", APRIL, 409),
        ("2026-05-01T05:04:59.999999999Z", APRIL, 409),
        ("2026-05-01T05:04:59.999999999Z", MARCH, 202),
        ("2026-05-01T05:05:00.000000000Z", APRIL, 202),
        ("2027-01-01T05:04:59.999999999Z", "2026-12", 409),
        ("2027-01-01T05:05:00.000000000Z", "2026-12", 202),
        ("2028-03-01T05:04:59.999999999Z", "2028-02", 409),
        ("2028-03-01T05:05:00.000000000Z", "2028-02", 202),
    ]
    answers = []
    for now, period, _ in opens:
        trade.now = now
        answers.append((now, period, start(trade, {"period": period}).status))
    assert answers == opens

    trade.now = "2026-04-05T10:00:00.000000000Z"
    with trade.unchanged():
        refused = start(trade, {"period": APRIL})
    message = (
        f"Month {APRIL} stays open until 05:05 UTC on the 1st of the next month; "
        "start the run after that."
    )
    assert refused == answer(409, failure("period_open", message, ("period", message)))


def test_a_malformed_period_is_refused(trade: World) -> None:
    texts = ("2026-13", "2026-00", "2026-3", "", "2026-03-01", "2026-03\n", " 2026-03", "26-03")
    years = ("0000-00", "20260-12", "02026-03", "-2026-03", "2026/03", "202603", "now")
    digits = ("2\u0660\u0662\u0666-03", "202\uff16-03")
    others: tuple[Any, ...] = (None, 5, 2026.03, True, [], ["2026-03"], {})

    start(trade, {})  # makes the key
    with trade.unchanged():
        answers = {repr(p): start(trade, {"period": p}) for p in (*texts, *years, *digits, *others)}
        missing = start(trade, {})
        lists = start(trade, [])

    for period, refused in answers.items():
        (fault,) = refused.body["error"]["details"]
        assert refused == answer(400, invalid(("period", fault["message"]))), period
    assert missing == answer(400, invalid(("period", "is required")))
    (fault,) = lists.body["error"]["details"]
    assert lists == answer(400, invalid(("body", fault["message"])))


def test_no_month_is_before_the_year_2000(trade: World) -> None:
    trade.now = "2026-04-05T10:00:00.000000000Z"
    periods = ("1999-12", "0999-12", "0001-01", "0000-01")

    answers = {period: start(trade, {"period": period}) for period in periods}

    refused = answer(400, invalid(("period", "must not be before 2000-01-01")))
    assert answers == dict.fromkeys(periods, refused)
    assert start(trade, {"period": "2000-01"}).status == 202


# Now, a charge's time and amount -> the month whose statement has it.
CHARGES = {
    ("2026-04-01T00:00:00", "2026-03-31T23:59:59Z", "1"): "2026-03",
    ("2026-04-01T00:00:00", "2026-04-01T00:00:00Z", "2"): "2026-04",
    ("2026-04-01T00:00:00", "2026-04-01T01:59:59+02:00", "4"): "2026-03",
    ("2026-04-01T04:59:59", "2026-03-31T20:00:00Z", "8"): "2026-03",
    ("2026-04-01T05:00:00", "2026-03-31T20:00:00Z", "16"): "2026-04",
    ("2027-01-01T00:00:00", "2026-12-31T23:59:59.999999999Z", "32"): "2026-12",
    ("2027-01-01T00:00:00", "2027-01-01T00:00:00Z", "64"): "2027-01",
    ("2028-02-29T12:00:00", "2028-02-29T00:00:00Z", "128"): "2028-02",
    ("2028-03-01T00:00:00", "2028-02-29T23:59:59Z", "256"): "2028-02",
    ("2028-03-01T00:00:00", "2028-03-01T00:00:00Z", "512"): "2028-03",
}


def test_a_charge_is_in_the_statement_of_its_month(trade: World) -> None:
    for now, time, amount in CHARGES:
        trade.now = f"{now}.000000000Z"
        assert trade.send(told("dataset.accessed", time, charged_amount=amount)).status == 202
    for period in sorted(set(CHARGES.values())):
        state(trade, period)

    gross = {period: values[0] for (period, _), values in amounts(trade).items()}
    expected: dict[str, int] = {}
    for (_, _, amount), period in CHARGES.items():
        expected[period] = expected.get(period, 0) + int(amount)
    assert gross == {period: f"{whole}.00" for period, whole in expected.items()}
    assert detail(trade, "2028-02")["billing_period_end"] == "2028-02-29T23:59:59Z"
    assert detail(trade, "2026-12")["billing_period_end"] == "2026-12-31T23:59:59Z"


def test_each_currency_is_rounded_as_it_is_paid(trade: World) -> None:
    """JPY has no decimals, KWD three; a half goes to the even neighbour."""
    charged = {"JPY": "1000.5", "KWD": "0.1255", "USD": "0.125"}
    buyers = {
        currency: trade.tenant(f"buyer-{currency}", billing_currency=currency)
        for currency in charged
    }

    run = state(
        trade,
        MARCH,
        *[
            access(MARCH, amount, tenant_id=buyers[currency], currency=currency)
            for currency, amount in charged.items()
        ],
    )

    assert (run.expected, run.generated) == (3, 3)
    assert amounts(trade) == {
        (MARCH, "USD"): ["0.12", "0.08", "0.01", "0.07"],
        (MARCH, "KWD"): ["0.126", "0.088", "0.013", "0.075"],
        (MARCH, "JPY"): ["1000.00", "700.00", "100.00", "600.00"],
    }
    for currency, amount in charged.items():
        (line,) = detail(trade, MARCH, currency=currency)["lines"]
        assert str(line["amount"]) in (amount, f"{amount}0")


# ---------------------------------------------------------------------------- statuses


@pytest.fixture
def payout_id(trade: World) -> str:
    """north's statement of March: 10.00."""
    state(trade, MARCH, access(MARCH, "10"))
    trade.now = "2026-04-05T10:00:00.000000000Z"
    return statement_id("north", MARCH, "USD")


def moved(status: str) -> Answer:
    """The answer to a change."""
    statement = listed(MARCH, "10.00", "7.00", "1.00", "6.00", status=status)
    return answer(200, success(statement))


# Present status -> those that may follow.
FOLLOWING = {
    "pending": ["processing"],
    "processing": ["paid", "failed"],
    "failed": ["processing"],
    "paid": [],
}
# Present status -> how to get there from the one before.
WAY = ("pending", "processing", "failed", "processing", "paid")


def test_a_payment_may_go_from_status_to_status(trade: World, payout_id: str) -> None:
    for present in WAY:
        if present != "pending":
            assert move(trade, payout_id, present) == moved(present)
        with trade.unchanged():
            for wanted in FOLLOWING:
                if wanted not in FOLLOWING[present]:
                    refused = move(trade, payout_id, wanted)
                    others = " or ".join(FOLLOWING[present]) or "nothing else"
                    message = f"A {present} payout cannot become {wanted}; it can become {others}."
                    body = failure("invalid_transition", message, ("status", message))
                    assert refused == answer(409, body)
    assert detail(trade, MARCH)["status"] == "paid"


def test_a_malformed_status_is_refused(trade: World, payout_id: str) -> None:
    wrong: tuple[Any, ...] = ("PAID", "", "refunded", " paid", "paid\n", None, 5, True, [], {})
    with trade.unchanged():
        answers = {repr(status): move(trade, payout_id, status) for status in wrong}
        missing = move_as(trade, "platform", payout_id, {})

    for status, refused in answers.items():
        (fault,) = refused.body["error"]["details"]
        assert refused == answer(400, invalid(("status", fault["message"]))), status
    assert "must be one of: pending, processing, paid, failed" in answers["'PAID'"].text
    assert missing == answer(400, invalid(("status", "is required")))


def test_an_unknown_payout_is_not_found(trade: World, payout_id: str) -> None:
    unknown = (statement_id("north", APRIL, "USD"), "pst_1", payout_id[:-1], payout_id.upper())
    with trade.unchanged():
        for each in unknown:
            message = f"Payout {each} does not exist."
            assert move(trade, each, "processing") == answer(404, failure("not_found", message))


def test_a_tenants_own_admin_pays_nobody(trade: World, payout_id: str) -> None:
    for tenant_id in ("north", "acme"):
        for each in (payout_id, "pst_1"):
            refused = move_as(trade, tenant_id, each, {"status": "processing"})
            assert refused == lacks("admin:* of the platform tenant")
        refused = start(trade, {"period": MARCH}, tenant_id)
        assert refused == lacks("admin:* of the platform tenant")
    assert detail(trade, MARCH)["status"] == "pending"
