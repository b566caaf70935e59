"""POST /v1/events: what a buyer is charged, and for whose dataset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests import builders
from tests.api.answers import (
    accepted,
    answer,
    duplicate,
    ingested,
    invalid_body,
    rejected,
)
from tests.api.charges import charge, earned, nothing_booked, refund, refused, spent
from tests.api.posting import CONFLICT, post
from tests.builders import accept, created, event, told
from tests.world import World

LARGEST = "999999999999.999999"


@pytest.fixture
def market(world: World) -> World:
    """acme and rival are buyers; dset_1 is north's and dset_2 is south's."""
    return builders.market(world, "acme", "rival", north=["dset_1"], south=["dset_2"])


# --------------------------------------------------------------------------- amounts


# Event type -> the field that is the amount.
AMOUNTS = {
    "search.performed": "charged_amount",
    "dataset.accessed": "charged_amount",
    "charge.refunded": "amount",
}
each_amount = pytest.mark.parametrize("event_type", AMOUNTS)


NO_NUMBER = "must be a number"
NEGATIVE = "must not be negative"
TOO_FINE = "must have at most 6 decimals"
TOO_MUCH = "must be below 10^12"
# As the amount is written in JSON -> what is wrong with it.
WRONG_AMOUNTS: Mapping[str, str] = {
    "-1": NEGATIVE,
    "-0.01": NEGATIVE,
    '"-0.01"': NEGATIVE,
    "-1e-6": NEGATIVE,
    "-1e999": NEGATIVE,
    "0.1234567": TOO_FINE,
    '"0.1234567"': TOO_FINE,
    "0.4500000": TOO_FINE,
    "1e-7": TOO_FINE,
    "0e-7": TOO_FINE,
    repr(0.1 + 0.2): TOO_FINE,
    f'"{0.1 + 0.2!r}"': TOO_FINE,
    f'"0.{"0" * 30}1"': TOO_FINE,
    f"{LARGEST}9": TOO_FINE,
    "1000000000000": TOO_MUCH,
    '"1000000000000"': TOO_MUCH,
    '"1000000000000.00"': TOO_MUCH,
    '"10000000000000000"': TOO_MUCH,
    "1000000000000.000001": TOO_MUCH,
    "1e12": TOO_MUCH,
    "1e999": TOO_MUCH,
    "9" * 400: TOO_MUCH,
    f'"{"9" * 2000}"': TOO_MUCH,
    **dict.fromkeys(("true", "false", "null", "[]", "{}", "[0.45]"), NO_NUMBER),
    **{
        json.dumps(text): NO_NUMBER
        for text in (
            *("NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "inf", "free", "0.45 USD", "$0.45"),
            *("", "-", " 0.45", "0.45 ", "0.45\n", "0,45", "1_000", "1,000.00", "0x1", "--1"),
            *(".5", "5.", "+1", "1e3", "1.2.3", "\u0660.\u0664\u0665", "\uff14", "\ud7ff"),
        )
    },
}


def written(event_type: str, amount: str) -> str:
    """An event in JSON with the amount as it is written there."""
    return json.dumps(told(event_type, **{AMOUNTS[event_type]: "?"})).replace('"?"', amount)


@each_amount
def test_wrong_amounts(event_type: str, market: World) -> None:
    bodies = [written(event_type, amount) for amount in WRONG_AMOUNTS]

    with market.unchanged():
        answered = post(market, f"[{','.join(bodies)}]")

    results = answered.body["data"]["results"]
    said = {
        amount: (result["error"]["code"], result["error"]["message"])
        for amount, result in zip(WRONG_AMOUNTS, results, strict=True)
    }
    field = f"data.{AMOUNTS[event_type]}"
    assert said == {a: ("invalid_event", f"{field}: {why}") for a, why in WRONG_AMOUNTS.items()}
    assert answered == ingested(422, *results)


def test_wrong_amounts_of_an_allocation(market: World) -> None:
    whole = told("search.performed", allocations=[{"dataset_id": "dset_1", "amount": "?"}])
    bodies = [json.dumps(whole).replace('"?"', amount) for amount in WRONG_AMOUNTS]

    with market.unchanged():
        answered = post(market, f"[{','.join(bodies)}]")

    said = [result["error"]["message"] for result in answered.body["data"]["results"]]
    assert said == [f"data.allocations.0.amount: {why}" for why in WRONG_AMOUNTS.values()]
    assert answered.status == 422


def test_an_amount_that_is_not_json_spoils_the_request(market: World) -> None:
    good = json.dumps(told("dataset.accessed"))
    cases = [(kind, amount) for kind in AMOUNTS for amount in ("NaN", "Infinity", "-Infinity")]

    with market.unchanged():
        answers = [post(market, f"[{good},{written(*case)}]") for case in cases]

    assert answers == [
        answer(400, invalid_body(f"The body is not valid JSON: {amount} is not a JSON number."))
        for _, amount in cases
    ]


@each_amount
def test_one_amount_has_many_spellings(event_type: str, market: World) -> None:
    accept(market, told("dataset.accessed", id="evt-charge", charged_amount="1"))
    sent = written(event_type, '"0.45"')
    same = ["0.45", "0.450", "0.450000", "45e-2", "4.5E-1", '"0.450"', '"00.450000"']
    bodies = [sent.replace('"0.45"', amount) for amount in same]
    assert post(market, sent).status == 202

    with market.unchanged():
        answered = post(market, f"[{','.join(bodies)}]")

    assert answered == ingested(202, *[duplicate(json.loads(sent))] * len(same))


@each_amount
def test_another_amount_under_a_known_id_is_a_conflict(event_type: str, market: World) -> None:
    accept(market, told("dataset.accessed", id="evt-charge", charged_amount="1"))
    sent = told(event_type)
    accept(market, sent)
    others = [
        sent | {"data": sent["data"] | {AMOUNTS[event_type]: amount}}
        for amount in ("0.450001", "0", "1000")
    ]

    with market.unchanged():
        answered = market.send(*others)

    assert answered == ingested(422, *[rejected(e, "event_conflict", CONFLICT) for e in others])


def test_any_other_content_of_a_charge_is_a_conflict(market: World) -> None:
    sent = charge(market, "0.45", search_activity_id="sa_1", dataset_ids=["dset_1", "dset_2"])
    others = [
        sent | {"data": sent["data"] | changed}
        for changed in (
            {"tenant_id": "rival"},
            {"search_activity_id": "sa_2"},
            {"query_text": "other"},
            {"dataset_ids": ["dset_1"]},
            {"dataset_ids": ["dset_none"]},  # would be rejected as it stands
            {"result_count": 4},
            {"currency": "EUR"},
            {"allocations": [{"dataset_id": "dset_1", "amount": "0.45"}]},
        )
    ]
    others.append(told("dataset.accessed", id=sent["id"]))

    with nothing_booked(market):
        answered = market.send(*others)

    assert answered == ingested(422, *[rejected(e, "event_conflict", CONFLICT) for e in others])


def test_the_largest_amount_and_the_smallest(market: World) -> None:
    largest, smallest = charge(market, LARGEST), charge(market, "0.000001")
    market.deliver()

    listed = market.request("GET", "/v1/agent/activity/searches", key=market.key("acme"))
    summary = market.request("GET", "/v1/buyer/spend", key=market.key("acme"))

    for amount in (LARGEST, "0.000001"):
        assert f'"charged_amount": {amount},' in listed.text
    assert '"total_spend": 1000000000000.00,' in summary.text
    accept(market, refund(largest, LARGEST), refund(smallest, "0.000001"))
    assert spent(market) == 0


def test_what_costs_nothing_is_listed_and_posts_nothing(market: World) -> None:
    free = [told("search.performed", charged_amount=0), told("dataset.accessed", charged_amount=0)]
    allocated = told(
        "search.performed",
        charged_amount="0.00",
        dataset_ids=["dset_1", "dset_2"],
        allocations=[{"dataset_id": "dset_1", "amount": 0}],
    )
    unallocated = told("search.performed", charged_amount=0, allocations=[])
    accept(market, *free, allocated, unallocated)

    assert (spent(market), earned(market, "north")) == (0, 0)
    assert market.get("/v1/agent/activity/searches", "acme")["total"] == 3
    assert market.get("/v1/agent/activity/accesses", "acme")["total"] == 1
    refused(
        market,
        refund(free[0], "0.01"),
        "refund_exceeds_charge",
        "data.amount: at most 0.00 USD of the charge can still be refunded.",
    )


# ------------------------------------------------------------------- whose and of what


@pytest.mark.parametrize(
    ("event_type", "field"),
    [("search.performed", "dataset_ids"), ("dataset.accessed", "dataset_id")],
)
def test_a_dataset_must_exist(event_type: str, field: str, market: World) -> None:
    wrong: Any = ["dset_1", "dset_none"] if field == "dataset_ids" else "dset_none"

    sent = told(event_type, **{field: wrong})

    message = f"data.{field}: dataset dset_none does not exist."
    refused(market, sent, "unknown_dataset", message)


def test_a_dataset_must_not_be_deleted_by_then(market: World) -> None:
    accept(market, event("dataset.deleted", "2026-04-04T12:00:00Z", tenant_id="north"))
    late, in_time = "2026-04-04T12:00:00Z", "2026-04-04T11:59:59.999999999Z"
    fields = {"search.performed": "dataset_ids", "dataset.accessed": "dataset_id"}
    wrong, right = ([told(each, time) for each in fields] for time in (late, in_time))

    with market.unchanged():
        answered = market.send(*wrong)

    messages = [f"data.{field}: dataset dset_1 does not exist." for field in fields.values()]
    refusals = [
        rejected(each, "unknown_dataset", message)
        for each, message in zip(wrong, messages, strict=True)
    ]
    assert answered == ingested(422, *refusals)
    assert market.send(*right) == ingested(202, *map(accepted, right))


def test_a_refused_charge_may_be_sent_again_once_its_dataset_exists(market: World) -> None:
    early = told("dataset.accessed", dataset_id="dset_3")
    refused(market, early, "unknown_dataset", "data.dataset_id: dataset dset_3 does not exist.")

    (missing,) = created(south=["dset_3"])

    assert market.send(missing, early) == ingested(202, accepted(missing), accepted(early))


def test_too_many_datasets_and_repeated_ones(market: World) -> None:
    wrong = {
        "must have at most 50 items": [f"dset_{n}" for n in range(51)],
        "must have 1 or more items": [],
        "must name each dataset once": ["dset_1", "dset_2", "dset_1"],
    }
    for why, dataset_ids in wrong.items():
        sent = told("search.performed", dataset_ids=dataset_ids)
        refused(market, sent, "invalid_event", f"data.dataset_ids: {why}")


def test_fifty_datasets(market: World) -> None:
    dataset_ids = [f"many_{n:02}" for n in range(50)]
    accept(market, *created(south=dataset_ids))

    accept(market, told("search.performed", charged_amount="1", dataset_ids=dataset_ids))

    (search,) = market.get("/v1/agent/activity/searches", "acme")["searches"]
    assert search["dataset_ids"] == dataset_ids
    assert (spent(market), earned(market, "south")) == (1_000_000, 1_000_000)


def test_a_charge_is_in_the_buyers_billing_currency(market: World) -> None:
    accept(market, told("dataset.accessed", id="evt-charge"))
    sent = [told(event_type, currency="EUR") for event_type in AMOUNTS]

    with market.unchanged():
        answered = market.send(*sent)

    message = "data.currency: tenant acme is billed in USD, not in EUR."
    assert answered == ingested(422, *[rejected(e, "currency_mismatch", message) for e in sent])
