"""POST /v1/events: allocations, refunds, and the month that everything is posted to."""

from __future__ import annotations

import json

import pytest

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tests import builders
from tests.api.answers import (
    accepted,
    answer,
    duplicate,
    ingested,
    invalid,
    rejected,
)
from tests.api.charges import (
    MONTH,
    allocated,
    charge,
    earned,
    nothing_booked,
    refund,
    refused,
    spent,
)
from tests.api.posting import CONFLICT, post
from tests.builders import accept, created, told
from tests.world import World


@pytest.fixture
def market(world: World) -> World:
    """acme and rival are buyers; dset_1 is north's and dset_2 is south's."""
    return builders.market(world, "acme", "rival", north=["dset_1"], south=["dset_2"])


# ----------------------------------------------------------------------- allocations


NAMES = "must name datasets of dataset_ids, each at most once"
SUM = "must sum exactly to charged_amount:"


def test_wrong_allocations(market: World) -> None:
    accept(market, *created(north=["dset_3"]))
    wrong = [
        (f"{SUM} 0.00 is not 0.45", allocated()),
        (f"{SUM} 0.450001 is not 0.45", allocated(("dset_1", "0.45"), ("dset_2", "0.000001"))),
        (f"{SUM} 0.449999 is not 0.45", allocated(("dset_1", "0.2"), ("dset_2", "0.249999"))),
        (f"{SUM} 0.01 is not 0.00", allocated(("dset_1", "0.01"), charged="0")),
        (NAMES, allocated(("dset_1", "0.45"), ("dset_3", "0"))),
        (NAMES, allocated(("dset_none", "0.45"))),
        (NAMES, allocated(("dset_1", "0.2"), ("dset_1", "0.25"))),
    ]

    with market.unchanged():
        answered = market.send(*[sent for _, sent in wrong])

    assert answered == ingested(
        422, *[rejected(e, "invalid_event", f"data.allocations: {why}") for why, e in wrong]
    )


def test_allocations_say_who_earns_what(market: World) -> None:
    accept(market, allocated(("dset_2", "0.449999"), ("dset_1", "0.000001")))
    accept(market, allocated(("dset_2", "1000"), charged="1000.00"))

    assert spent(market) == 1_000_450_000
    assert earned(market, "north") == 1
    assert earned(market, "south") == 1_000_449_999


def test_without_allocations_datasets_earn_equally(market: World) -> None:
    """What cannot be split goes to the first ones by name."""
    three = ["dset_3", "dset_2", "dset_1"]
    accept(
        market,
        *created(south=["dset_3"]),
        told("search.performed", charged_amount="1", dataset_ids=["dset_2", "dset_1"]),
        told("search.performed", charged_amount="0.000004", dataset_ids=three),
    )

    assert earned(market, "north") == 500_000 + 2
    assert earned(market, "south") == 500_000 + 1 + 1


# --------------------------------------------------------------------------- refunds


def test_a_refund_takes_back_what_is_left_and_no_more(market: World) -> None:
    search = charge(market, "0.45", dataset_ids=["dset_1", "dset_2"])
    refused(
        market,
        refund(search, "0.450001"),
        "refund_exceeds_charge",
        "data.amount: at most 0.45 USD of the charge can still be refunded.",
    )
    accept(market, refund(search, "0.3"))
    assert spent(market) == 150_000
    refused(
        market,
        refund(search, "0.150001"),
        "refund_exceeds_charge",
        "data.amount: at most 0.15 USD of the charge can still be refunded.",
    )

    nothing, rest = refund(search, "0"), refund(search, "0.15")
    accept(market, nothing, rest)

    assert (spent(market), earned(market, "north"), earned(market, "south")) == (0, 0, 0)
    with market.unchanged():
        again = market.send(rest, nothing)
    assert again == ingested(202, duplicate(rest), duplicate(nothing))
    refused(
        market,
        refund(search, "0.000001"),
        "refund_exceeds_charge",
        "data.amount: at most 0.00 USD of the charge can still be refunded.",
    )


def test_refunds_in_the_request_of_their_charge(market: World) -> None:
    access = told("dataset.accessed", charged_amount="1")
    first, more, too_much = refund(access, "0.4"), refund(access, "0.5"), refund(access, "0.2")
    too_early = told("charge.refunded", charge_event={"source": "/marketplace", "id": access["id"]})

    answered = market.send(too_early, access, first, first, too_much | {"id": "x"}, more, too_much)

    unknown = (
        f"data.charge_event: no event {access['id']} of source /marketplace charged tenant acme."
    )
    assert answered == ingested(
        207,
        rejected(too_early, "unknown_charge", unknown),
        accepted(access),
        accepted(first),
        duplicate(first),
        accepted(too_much | {"id": "x"}),
        rejected(
            more,
            "refund_exceeds_charge",
            "data.amount: at most 0.40 USD of the charge can still be refunded.",
        ),
        accepted(too_much),
    )
    assert (spent(market), earned(market, "north")) == (200_000, 200_000)


def test_a_refund_before_a_repetition_of_its_charge(market: World) -> None:
    """A sender that repeats a request may have put the two into any order."""
    access = told("dataset.accessed", charged_amount="1")
    accept(market, access)
    first, second = refund(access, "0.4"), refund(access, "0.1")

    answered = market.send(first, access, second, access)

    assert answered == ingested(
        202, accepted(first), duplicate(access), accepted(second), duplicate(access)
    )
    assert spent(market) == 500_000


def test_a_refund_under_the_id_of_its_own_charge_is_a_conflict(market: World) -> None:
    before, new = told("dataset.accessed"), told("dataset.accessed")
    accept(market, before)
    of_before, of_new = (refund(each, "0.05", id=each["id"]) for each in (before, new))

    answered = market.send(of_before, new, of_new)

    assert answered == ingested(
        207,
        rejected(of_before, "event_conflict", CONFLICT),
        accepted(new),
        rejected(of_new, "event_conflict", CONFLICT),
    )
    nothing = told("charge.refunded", id="evt-charge")  # which names itself
    message = "data.charge_event: no event evt-charge of source /marketplace charged tenant acme."
    refused(market, nothing, "unknown_charge", message)


def test_a_refund_of_what_was_no_charge_of_the_tenant(market: World) -> None:
    """Another tenant's charge cannot be told from an event that does not exist."""
    rivals = told("dataset.accessed", tenant_id="rival")
    (no_charge,) = created(south=["dset_3"])
    own = told("dataset.accessed")
    back = refund(own, "0.05")
    accept(market, rivals, no_charge, own, back)

    named = {
        "unknown": {"source": "/marketplace", "id": "evt-none"},
        "another source's": {"source": "/elsewhere", "id": own["id"]},
        "another tenant's": {"source": "/marketplace", "id": rivals["id"]},
        "no charge": {"source": "/marketplace", "id": no_charge["id"]},
        "a refund": {"source": "/marketplace", "id": back["id"]},
    }
    sent = [
        told("charge.refunded", charge_event=charge_event, amount="9", currency="EUR")
        for charge_event in named.values()
    ]

    with market.unchanged():
        answered = market.send(*sent)

    messages = [
        f"data.charge_event: no event {n['id']} of source {n['source']} charged tenant acme."
        for n in named.values()
    ]
    assert answered == ingested(
        422,
        *[rejected(e, "unknown_charge", m) for e, m in zip(sent, messages, strict=True)],
    )


# ---------------------------------------------------------------- months, and history


# The present -> the time of a charge -> the month that it counts in.
POSTED = {
    "2026-04-05T10:00:00": {
        "2020-02-29T12:00:00": "2026-04",
        "2026-03-31T23:59:59.999999999": "2026-04",
        "2026-04-01T00:00:00": "2026-04",
    },
    "2026-04-30T23:58:00": {"2026-05-01T00:01:00": "2026-05"},
    "2026-05-01T04:59:59": {
        "2026-03-31T23:59:59": "2026-05",
        "2026-04-05T00:00:00": "2026-04",
        "2026-04-30T23:59:59": "2026-04",
        "2026-05-01T00:00:00": "2026-05",
    },
    "2026-05-01T05:00:00": {"2026-04-30T23:59:59": "2026-05"},
}


def test_a_charge_posts_to_its_month_while_that_is_open(market: World) -> None:
    expected = dict.fromkeys(("2020-02", "2026-03", "2026-04", "2026-05"), 0)
    bits = iter(range(20))
    for now, charges in POSTED.items():
        market.now = f"{now}.000000000Z"
        for time, month in charges.items():
            micros = 1 << next(bits)
            expected[month] += micros
            accept(market, told("dataset.accessed", f"{time}Z", charged_amount=f"0.{micros:06}"))

    assert {month: earned(market, "north", month) for month in expected} == expected
    assert {month: spent(market, month=month) for month in expected} == expected


def test_a_refund_posts_to_the_month_that_is_open(market: World) -> None:
    access = told("dataset.accessed", "2026-04-30T12:00:00Z")
    market.now = "2026-04-30T12:00:00.000000000Z"
    accept(market, access)
    market.now = "2026-05-02T00:00:00.000000000Z"

    accept(market, refund(access, "0.45") | {"time": "2026-04-30T13:00:00Z"})

    assert (spent(market), spent(market, month="2026-05")) == (450_000, -450_000)
    assert (earned(market, "north"), earned(market, "north", "2026-05")) == (450_000, -450_000)


BACKFILL = "/v1/events?backfill=true"


def test_history_posts_to_its_own_month(market: World) -> None:
    access = told("dataset.accessed", "2025-12-31T23:59:59Z")
    back = refund(access, "0.05") | {"time": "2026-01-02T00:00:00Z"}
    admin = market.key(PLATFORM, Scope.ADMIN)

    answered = market.request("POST", BACKFILL, key=admin, json_body=[access, back])

    assert answered == ingested(202, accepted(access), accepted(back))
    months = {month: spent(market, month=month) for month in ("2025-12", "2026-01", MONTH)}
    assert months == {"2025-12": 450_000, "2026-01": -50_000, MONTH: 0}
    with nothing_booked(market):
        assert market.send(access, back) == ingested(202, duplicate(access), duplicate(back))


def test_a_malformed_backfill(market: World) -> None:
    sent = json.dumps(told("dataset.accessed"))
    for value in ("", "maybe", "2", "null", "true,true", "[]", "truth"):
        with market.unchanged():
            answered = post(market, sent, query=f"?backfill={value}")

        (detail,) = answered.body["error"]["details"]
        assert answered == answer(400, invalid(("backfill", detail["message"])))


def test_no_backfill(market: World) -> None:
    sent = told("dataset.accessed", "2025-12-31T23:59:59Z")

    answered = post(market, json.dumps(sent), query="?backfill=false&unknown=x")

    assert answered == ingested(202, accepted(sent))
    assert (spent(market), spent(market, month="2025-12")) == (450_000, 0)
