"""POST /v1/events: what a buyer is charged, what it gets back, and in which month."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from tally.domain.charges import EntrySide
from tally.domain.scopes import Scope
from tally.store.ledger import entries
from tests.api.answers import (
    accepted,
    answer,
    duplicate,
    failure,
    ingested,
    invalid,
    invalid_body,
    rejected,
)
from tests.api.posting import CONFLICT, post, post_as, told
from tests.world import PLATFORM, World, event

MONTH = "2026-04"
LARGEST = "999999999999.999999"


@pytest.fixture
def market(world: World) -> World:
    """acme and rival are buyers; dset_1 is north's and dset_2 is south's."""
    for tenant_id in ("acme", "rival", "north", "south"):
        world.tenant(tenant_id)
    assert world.send(*created(north=["dset_1"], south=["dset_2"])).status == 202
    return world


def created(**owned: Sequence[str]) -> list[dict[str, Any]]:
    """Provider -> its new datasets."""
    return [
        event("dataset.created", "2026-01-01T00:00:00Z", tenant_id=owner, dataset_id=dataset_id)
        for owner, dataset_ids in owned.items()
        for dataset_id in dataset_ids
    ]


def take(world: World, *events: Mapping[str, Any]) -> None:
    """The events are accepted."""
    answered = world.send(*events)
    assert answered.status == 202, answered


def charge(world: World, amount: str, **data: Any) -> dict[str, Any]:
    """An accepted search of acme's; the event."""
    search = told("search.performed", charged_amount=amount, **data)
    take(world, search)
    return search


def refund(of: Mapping[str, Any], amount: str, **data: Any) -> dict[str, Any]:
    named = {"source": of["source"], "id": of["id"]}
    return told("charge.refunded", charge_event=named, amount=amount, **data)


def spent(world: World, tenant_id: str = "acme", month: str = MONTH) -> int:
    """What the buyer's summary says of a month, when it is that month; in micro-units."""
    world.deliver()
    now, world.now = world.now, f"{month}-15T00:00:00.000000000Z"
    total: Decimal = world.get("/v1/buyer/spend", tenant_id)["total_spend"]
    world.now = now
    return int(total * 1_000_000)


def earned(world: World, provider_id: str, month: str = MONTH) -> int:
    """A provider's credits of a month, in micro-units."""
    return sum(e.amount for e in entries(world.table, provider_id, month, EntrySide.CREDIT))


def refused(world: World, sent: Mapping[str, Any], code: str, message: str) -> None:
    """The event is rejected in these words, and nothing is stored."""
    with world.unchanged():
        answered = world.send(sent)

    assert answered == ingested(422, rejected(sent, code, message))


@contextmanager
def nothing_booked(world: World) -> Iterator[None]:
    """Nothing is stored but registers, which are written ahead: of nothing they do no harm."""
    before = booked(world)
    yield
    assert booked(world) == before


def booked(world: World) -> list[dict[str, Any]]:
    return [item for item in world.items() if not item["PK"]["S"].startswith("PERIOD")]


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
            *(".5", "5.", "+1", "1e3", "1.2.3", "\u0660.\u0664\u0665", "\uff14", "\ud800"),
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
        answer(400, invalid_body(f"The body is not valid JSON: {amount} is no number."))
        for _, amount in cases
    ]


@each_amount
def test_one_amount_has_many_spellings(event_type: str, market: World) -> None:
    take(market, told("dataset.accessed", id="evt-charge", charged_amount="1"))
    sent = written(event_type, '"0.45"')
    same = ["0.45", "0.450", "0.450000", "45e-2", "4.5E-1", '"0.450"', '"00.450000"']
    bodies = [sent.replace('"0.45"', amount) for amount in same]
    assert post(market, sent).status == 202

    with market.unchanged():
        answered = post(market, f"[{','.join(bodies)}]")

    assert answered == ingested(202, *[duplicate(json.loads(sent))] * len(same))


@each_amount
def test_another_amount_under_a_known_id_is_a_conflict(event_type: str, market: World) -> None:
    take(market, told("dataset.accessed", id="evt-charge", charged_amount="1"))
    sent = told(event_type)
    take(market, sent)
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
    take(market, refund(largest, LARGEST), refund(smallest, "0.000001"))
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
    take(market, *free, allocated, unallocated)

    assert (spent(market), earned(market, "north")) == (0, 0)
    assert market.get("/v1/agent/activity/searches", "acme")["total"] == 3
    assert market.get("/v1/agent/activity/accesses", "acme")["total"] == 1
    refused(
        market,
        refund(free[0], "0.01"),
        "refund_exceeds_charge",
        "Only 0.00 USD of the charge are left.",
    )


# ------------------------------------------------------------------- whose and of what


@pytest.mark.parametrize(
    ("event_type", "field"),
    [("search.performed", "dataset_ids"), ("dataset.accessed", "dataset_id")],
)
def test_a_dataset_must_exist(event_type: str, field: str, market: World) -> None:
    wrong: Any = ["dset_1", "dset_none"] if field == "dataset_ids" else "dset_none"

    sent = told(event_type, **{field: wrong})

    refused(market, sent, "unknown_dataset", "There is no dataset dset_none.")


def test_a_dataset_must_not_be_deleted_by_then(market: World) -> None:
    take(market, event("dataset.deleted", "2026-04-04T12:00:00Z", tenant_id="north"))
    late, in_time = "2026-04-04T12:00:00Z", "2026-04-04T11:59:59.999999999Z"
    types = ("search.performed", "dataset.accessed")
    wrong, right = ([told(each, time) for each in types] for time in (late, in_time))

    with market.unchanged():
        answered = market.send(*wrong)

    message = "There is no dataset dset_1."
    assert answered == ingested(422, *[rejected(e, "unknown_dataset", message) for e in wrong])
    assert market.send(*right) == ingested(202, *map(accepted, right))


def test_a_refused_charge_may_be_sent_again_once_its_dataset_exists(market: World) -> None:
    early = told("dataset.accessed", dataset_id="dset_3")
    refused(market, early, "unknown_dataset", "There is no dataset dset_3.")

    (missing,) = created(south=["dset_3"])

    assert market.send(missing, early) == ingested(202, accepted(missing), accepted(early))


def test_too_many_datasets_and_repeated_ones(market: World) -> None:
    wrong = {
        "List should have at most 50 items after validation, not 51": [
            f"dset_{n}" for n in range(51)
        ],
        "List should have at least 1 item after validation, not 0": [],
        "must name each dataset once": ["dset_1", "dset_2", "dset_1"],
    }
    for why, dataset_ids in wrong.items():
        sent = told("search.performed", dataset_ids=dataset_ids)
        refused(market, sent, "invalid_event", f"data.dataset_ids: {why}")


def test_fifty_datasets(market: World) -> None:
    dataset_ids = [f"many_{n:02}" for n in range(50)]
    take(market, *created(south=dataset_ids))

    take(market, told("search.performed", charged_amount="1", dataset_ids=dataset_ids))

    (search,) = market.get("/v1/agent/activity/searches", "acme")["searches"]
    assert search["dataset_ids"] == dataset_ids
    assert (spent(market), earned(market, "south")) == (1_000_000, 1_000_000)


def test_a_charge_is_in_the_buyers_billing_currency(market: World) -> None:
    take(market, told("dataset.accessed", id="evt-charge"))
    sent = [told(event_type, currency="EUR") for event_type in AMOUNTS]

    with market.unchanged():
        answered = market.send(*sent)

    message = "Tenant acme is billed in USD, not in EUR."
    assert answered == ingested(422, *[rejected(e, "currency_mismatch", message) for e in sent])


# ----------------------------------------------------------------------- allocations


def allocated(*parts: tuple[str, str], charged: str = "0.45") -> dict[str, Any]:
    """A search of dset_1 and dset_2 with these parts."""
    return told(
        "search.performed",
        charged_amount=charged,
        dataset_ids=["dset_1", "dset_2"],
        allocations=[{"dataset_id": dataset_id, "amount": amount} for dataset_id, amount in parts],
    )


NAMES = "must name datasets of dataset_ids, each at most once"
SUM = "must sum exactly to charged_amount:"


def test_wrong_allocations(market: World) -> None:
    take(market, *created(north=["dset_3"]))
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
    take(market, allocated(("dset_2", "0.449999"), ("dset_1", "0.000001")))
    take(market, allocated(("dset_2", "1000"), charged="1000.00"))

    assert spent(market) == 1_000_450_000
    assert earned(market, "north") == 1
    assert earned(market, "south") == 1_000_449_999


def test_without_allocations_datasets_earn_equally(market: World) -> None:
    """What cannot be split goes to the first ones by name."""
    three = ["dset_3", "dset_2", "dset_1"]
    take(
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
        "Only 0.45 USD of the charge are left.",
    )
    take(market, refund(search, "0.3"))
    assert spent(market) == 150_000
    refused(
        market,
        refund(search, "0.150001"),
        "refund_exceeds_charge",
        "Only 0.15 USD of the charge are left.",
    )

    nothing, rest = refund(search, "0"), refund(search, "0.15")
    take(market, nothing, rest)

    assert (spent(market), earned(market, "north"), earned(market, "south")) == (0, 0, 0)
    with market.unchanged():
        again = market.send(rest, nothing)
    assert again == ingested(202, duplicate(rest), duplicate(nothing))
    refused(
        market,
        refund(search, "0.000001"),
        "refund_exceeds_charge",
        "Only 0.00 USD of the charge are left.",
    )


def test_refunds_in_the_request_of_their_charge(market: World) -> None:
    access = told("dataset.accessed", charged_amount="1")
    first, more, too_much = refund(access, "0.4"), refund(access, "0.5"), refund(access, "0.2")
    too_early = told("charge.refunded", charge_event={"source": "/marketplace", "id": access["id"]})

    answered = market.send(too_early, access, first, first, too_much | {"id": "x"}, more, too_much)

    unknown = f"No event {access['id']} of /marketplace charged tenant acme."
    assert answered == ingested(
        207,
        rejected(too_early, "unknown_charge", unknown),
        accepted(access),
        accepted(first),
        duplicate(first),
        accepted(too_much | {"id": "x"}),
        rejected(more, "refund_exceeds_charge", "Only 0.40 USD of the charge are left."),
        accepted(too_much),
    )
    assert (spent(market), earned(market, "north")) == (200_000, 200_000)


def test_a_refund_before_a_repetition_of_its_charge(market: World) -> None:
    """A sender that repeats a request may have put the two into any order."""
    access = told("dataset.accessed", charged_amount="1")
    take(market, access)
    first, second = refund(access, "0.4"), refund(access, "0.1")

    answered = market.send(first, access, second, access)

    assert answered == ingested(
        202, accepted(first), duplicate(access), accepted(second), duplicate(access)
    )
    assert spent(market) == 500_000


def test_a_refund_under_the_id_of_its_own_charge_is_a_conflict(market: World) -> None:
    before, new = told("dataset.accessed"), told("dataset.accessed")
    take(market, before)
    of_before, of_new = (refund(each, "0.05", id=each["id"]) for each in (before, new))

    answered = market.send(of_before, new, of_new)

    assert answered == ingested(
        207,
        rejected(of_before, "event_conflict", CONFLICT),
        accepted(new),
        rejected(of_new, "event_conflict", CONFLICT),
    )
    nothing = told("charge.refunded", id="evt-charge")  # which names itself
    message = "No event evt-charge of /marketplace charged tenant acme."
    refused(market, nothing, "unknown_charge", message)


def test_a_refund_of_what_was_no_charge_of_the_tenant(market: World) -> None:
    """Another tenant's charge cannot be told from an event that does not exist."""
    rivals = told("dataset.accessed", tenant_id="rival")
    (no_charge,) = created(south=["dset_3"])
    own = told("dataset.accessed")
    back = refund(own, "0.05")
    take(market, rivals, no_charge, own, back)

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

    messages = [f"No event {n['id']} of {n['source']} charged tenant acme." for n in named.values()]
    assert answered == ingested(
        422,
        *[rejected(e, "unknown_charge", m) for e, m in zip(sent, messages, strict=True)],
    )


# ---------------------------------------------------------------------- tenants' keys


def test_a_tenants_own_key_may_be_charged_but_not_refund(market: World) -> None:
    search, access = told("search.performed"), told("dataset.accessed")
    assert post_as(market, "acme", search, access) == ingested(
        202, accepted(search), accepted(access)
    )
    sent = [refund(search, "0.05"), told("charge.refunded")]

    with market.unchanged():
        answered = post_as(market, "acme", *sent)

    message = "Only the platform's sender may refund: it takes from the providers."
    assert answered == ingested(422, *[rejected(e, "not_permitted", message) for e in sent])


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
            take(market, told("dataset.accessed", f"{time}Z", charged_amount=f"0.{micros:06}"))

    assert {month: earned(market, "north", month) for month in expected} == expected
    assert {month: spent(market, month=month) for month in expected} == expected


def test_a_refund_posts_to_the_month_that_is_open(market: World) -> None:
    access = told("dataset.accessed", "2026-04-30T12:00:00Z")
    market.now = "2026-04-30T12:00:00.000000000Z"
    take(market, access)
    market.now = "2026-05-02T00:00:00.000000000Z"

    take(market, refund(access, "0.45") | {"time": "2026-04-30T13:00:00Z"})

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


def test_history_needs_an_administrator(market: World) -> None:
    sent = [told("dataset.accessed", "2025-12-31T23:59:59Z")]
    keys = [market.key(tenant_id) for tenant_id in (PLATFORM, "acme")]

    with market.unchanged():
        answers = [market.request("POST", BACKFILL, key=key, json_body=sent) for key in keys]

    message = "?backfill=true needs a key with the scope admin:*."
    assert answers == [answer(403, failure("insufficient_scope", message))] * 2


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
