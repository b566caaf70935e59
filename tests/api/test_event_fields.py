"""POST /v1/events: what each field of an event may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tally.intake.registry import EVENT_TYPES
from tests.api.answers import accepted, ingested, rejected
from tests.api.posting import NO_ID, NO_TEXT, assert_each_rejected, deep, post, without
from tests.builders import REQUIRED, charged_market, event, told
from tests.world import World

NO_NAME = (*NO_TEXT, "", "x" * 257, "a\nb", "a\x7f", "\ud800")
NO_OBJECT: tuple[Any, ...] = (5, True, None, "dset_1", [], [{}])
NO_COUNT: tuple[Any, ...] = (-1, 10**12, 10**400, 1.5, 3.0, "1", True, [], {})
NO_CURRENCY = (*NO_TEXT, "", "usd", "US", "USDD", "USD\n", "U$D", "ÄÖÜ", "\ud800")


@pytest.fixture
def market(world: World) -> World:
    return charged_market(world)


def test_the_types_are_the_contracts() -> None:
    assert set(EVENT_TYPES) == set(REQUIRED)


@pytest.mark.slow
@pytest.mark.parametrize("event_type", REQUIRED)
def test_an_event_has_all_of_its_fields(event_type: str, market: World) -> None:
    whole = told(event_type)
    envelope = ("specversion", "id", "source", "type", "time", "data")
    lacking = {field: without(field, whole) for field in envelope}
    lacking |= {
        f"data.{field}": whole | {"data": without(field, whole["data"])}
        for field in REQUIRED[event_type]
    }

    assert_each_rejected(market, lacking)
    assert market.send(whole) == ingested(202, accepted(whole))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("specversion", (*NO_TEXT, "0.3", "1", "1.00", 1.0)),
        ("id", NO_NAME[len(NO_TEXT) :]),
        ("source", NO_NAME[len(NO_TEXT) :]),
        ("type", ("", "x" * 257, "no.such", "object.Uploaded", "object.uploaded ", "\ud800")),
        ("data", (5, None, [], "{}", [{}])),
    ],
)
def test_wrong_values_in_the_envelope(field: str, wrong: tuple[Any, ...], market: World) -> None:
    events = {repr(value): told("object.uploaded") | {field: value} for value in wrong}

    assert_each_rejected(market, events, field)


@pytest.mark.parametrize("field", ["id", "source"])
def test_an_identity_that_is_no_text_is_told_as_null(field: str, market: World) -> None:
    events = [told("object.uploaded") | {field: value} for value in NO_TEXT]

    with market.unchanged():
        answered = market.send(*events)

    message = f"{field}: must be a string"
    results = [rejected(sent | {field: None}, "invalid_event", message) for sent in events]
    assert answered == ingested(422, *results)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event_type", "field", "wrong"),
    [
        ("object.uploaded", "tenant_id", NO_ID),
        ("object.uploaded", "dataset_id", NO_ID),
        ("object.uploaded", "object_id", NO_ID),
        ("dataset.created", "tenant_id", NO_ID),
        ("dataset.created", "dataset_id", NO_ID),
        ("dataset.created", "name", (*NO_TEXT, "", " ", "\t", "x" * 257, "a\0b", "\ud800")),
        ("object.uploaded", "size_bytes", (-1, 2**63, 10**400, 1.5, "1", True, None, [], {})),
        ("search.performed", "tenant_id", NO_ID),
        ("search.performed", "search_activity_id", tuple(v for v in NO_ID if v is not None)),
        ("search.performed", "query_text", (*NO_TEXT, "x" * 10_001, "\ud800")),
        ("search.performed", "dataset_ids", (5, True, None, "dset_1", {}, {"dset_1": 1}, [])),
        ("search.performed", "result_count", (-1, 2**31, 1.5, 3.0, "3", True, None, [], {})),
        ("search.performed", "currency", NO_CURRENCY),
        ("search.performed", "allocations", (5, True, "dset_1", {}, {"dset_1": "0.45"})),
        ("dataset.accessed", "tenant_id", NO_ID),
        ("dataset.accessed", "dataset_id", NO_ID),
        ("dataset.accessed", "object_id", tuple(v for v in NO_ID if v is not None)),
        ("dataset.accessed", "kind", (*NO_TEXT, "", "search", "Download", "download ", "\ud800")),
        ("dataset.accessed", "currency", NO_CURRENCY),
        ("charge.refunded", "tenant_id", NO_ID),
        ("charge.refunded", "charge_event", NO_OBJECT),
        ("charge.refunded", "currency", NO_CURRENCY),
        ("charge.refunded", "reason", (5, 1.5, True, [], {}, "x" * 1001, "\ud800")),
        ("partner.configured", "partner_id", NO_ID),
        ("partner.configured", "credit_pool_total", (*NO_COUNT, None)),
        ("partner.configured", "billing_mode", tuple(v for v in NO_ID if v is not None)),
        ("partner.configured", "billing_day_of_month", (0, 29, -1, 1.5, "1", True, [], {})),
        ("partner.configured", "pricing_tiers", (5, True, "A", {}, {"tier": "A"})),
        ("partner.configured", "currency", tuple(v for v in NO_CURRENCY if v is not None)),
        ("organization.created", "partner_id", NO_ID),
        ("organization.created", "organization_id", NO_ID),
        ("organization.created", "name", (*NO_NAME, " ")),
        ("organization.updated", "name", (*NO_NAME, " ")),
        ("organization.created", "external_id", tuple(v for v in NO_NAME if v is not None)),
        ("organization.created", "status", (5, True, [], {}, "", "Active", "deleted", "\ud800")),
        ("organization.created", "tier", (5, True, [], {}, "", "free", "paid ", "\ud800")),
        ("organization.created", "credits", NO_COUNT),
        ("organization.created", "metadata", (5, 1.5, True, "{}", [], [{}])),
        ("organization.deleted", "organization_id", NO_ID),
        ("identification.recorded", "organization_id", NO_ID),
        ("identification.recorded", "quantity", (*NO_COUNT, None)),
        ("identification.recorded", "credits", NO_COUNT),
        ("usage.recorded", "partner_id", NO_ID),
        ("usage.recorded", "kind", (*NO_NAME, " ")),
        ("usage.recorded", "quantity", (*NO_COUNT, None)),
    ],
)
def test_wrong_values_in_the_data(
    event_type: str, field: str, wrong: tuple[Any, ...], market: World
) -> None:
    events = {repr(value): told(event_type, **{field: value}) for value in wrong}

    assert_each_rejected(market, events, f"data.{field}")


def test_wrong_values_deep_in_the_data(market: World) -> None:
    """The one of many that is wrong is named by its number."""
    known = {"source": "/marketplace", "id": "evt-charge"}
    whole = {"dataset_id": "dset_1", "amount": "0.45"}
    wrong: Mapping[str, list[dict[str, Any]]] = {
        "data.dataset_ids.1": [{"dataset_ids": ["dset_1", each]} for each in NO_ID],
        "data.charge_event.source": [{"charge_event": known | {"source": s}} for s in NO_NAME],
        "data.charge_event.id": [
            *[{"charge_event": known | {"id": each}} for each in NO_NAME],
            {"charge_event": without("id", known)},
        ],
        "data.allocations.0": [{"allocations": [part]} for part in NO_OBJECT],
        "data.allocations.0.dataset_id": [
            *[{"allocations": [whole | {"dataset_id": each}]} for each in NO_ID],
            {"allocations": [without("dataset_id", whole)]},
        ],
        "data.allocations.1.amount": [{"allocations": [whole, without("amount", whole)]}],
    }
    for field, cases in wrong.items():
        event_type = "charge.refunded" if "charge_event" in field else "search.performed"
        events = {repr(data): told(event_type, **data) for data in cases}
        assert_each_rejected(market, events, field)


TIER: dict[str, Any] = {
    "tier": "A",
    "price_per_identification": "0.10",
    "min_usage": 0,
    "max_usage": 10,
}
CAMEL_TIER: dict[str, Any] = {
    "tier": "A",
    "pricePerIdentification": "0.10",
    "minUsage": 0,
    "maxUsage": 10,
}
FIFTY_TIERS = [TIER | {"min_usage": n * 10, "max_usage": n * 10 + 10} for n in range(50)]
OPTIONAL_TERMS = ("billing_mode", "billing_day_of_month", "pricing_tiers", "currency")
OPTIONAL_FIELDS = ("external_id", "status", "tier", "credits", "metadata")


def test_wrong_values_in_pricing_tiers(market: World) -> None:
    """They are blamed as they were spelled: one thing has two spellings."""
    no_amount: tuple[Any, ...] = (
        True,
        None,
        [],
        {},
        "",
        "x",
        "-1",
        "0.0000001",
        "1000000000000",
        -1,
        10**12,
    )
    no_tier: tuple[Any, ...] = ("", "x" * 65, "\ud800", -1, 10**12, 1.5, True, None, [], {})
    wrong: Mapping[str, list[list[Any]]] = {
        "data.pricing_tiers.0": [[each] for each in NO_OBJECT],
        "data.pricing_tiers.0.tier": [
            *[[TIER | {"tier": each}] for each in no_tier],
            [without("tier", TIER)],
        ],
        "data.pricing_tiers.0.price_per_identification": [
            *[[TIER | {"price_per_identification": each}] for each in no_amount],
            [without("price_per_identification", TIER)],
            [without("pricePerIdentification", CAMEL_TIER)],
        ],
        "data.pricing_tiers.0.pricePerIdentification": [
            [CAMEL_TIER | {"pricePerIdentification": "-1"}]
        ],
        "data.pricing_tiers.0.min_usage": [
            *[[TIER | {"min_usage": each}] for each in (*NO_COUNT, None)],
            [without("min_usage", TIER)],
        ],
        "data.pricing_tiers.0.minUsage": [[CAMEL_TIER | {"minUsage": "0"}]],
        "data.pricing_tiers.0.max_usage": [[TIER | {"max_usage": each}] for each in NO_COUNT],
        "data.pricing_tiers.1.maxUsage": [[TIER, CAMEL_TIER | {"minUsage": 10, "maxUsage": "x"}]],
        "data.pricing_tiers": [
            [TIER | {"min_usage": 2}],
            [TIER | {"max_usage": 0}],
            [TIER, TIER],
            [TIER, TIER | {"min_usage": 12, "max_usage": 20}],
            [TIER | {"max_usage": None}, TIER | {"min_usage": 11, "max_usage": 20}],
            [*FIFTY_TIERS, TIER | {"min_usage": 500, "max_usage": None}],
        ],
    }
    for field, cases in wrong.items():
        events = {repr(each): told("partner.configured", pricing_tiers=each) for each in cases}
        assert_each_rejected(market, events, field)


# `{"a":"..."}` has eight bytes around the text, and ü has two.
LONGEST = [{"a": "x" * 4088}, {"a": "ü" * 2044}]


def test_metadata_has_bounds(market: World) -> None:
    too_long: list[dict[str, Any]] = [
        {"a": "x" * 4089},
        {"a": "ü" * 2044 + "x"},
        {"a": ["x"] * 2000},
    ]
    wrong = [*too_long, deep(17), deep(100), {"a": [], "b": deep(16)}]
    events = {
        repr(each): told(event_type, metadata=each)
        for each in wrong
        for event_type in ("organization.created", "organization.updated")
    }

    assert_each_rejected(market, events, "data.metadata")
    allowed: list[dict[str, Any]] = [{}, deep(16), *LONGEST]
    right = [told("organization.updated", metadata=each) for each in allowed]
    assert market.send(*right) == ingested(202, *map(accepted, right))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("dataset.created", {"dataset_id": "a" * 64}),
        ("dataset.created", {"dataset_id": "-_AZaz09"}),
        ("dataset.created", {"dataset_id": "dset_2", "name": "💶 " * 128}),
        ("object.uploaded", {"object_id": "_", "size_bytes": 0}),
        ("object.uploaded", {"size_bytes": 2**63 - 1}),
        ("search.performed", {"query_text": "", "result_count": 0}),
        ("search.performed", {"query_text": "💶\n\0" * 3333 + "x", "result_count": 2**31 - 1}),
        ("search.performed", {"search_activity_id": "a" * 64, "allocations": None}),
        ("dataset.accessed", {"kind": "retrieval", "object_id": None}),
        ("dataset.accessed", {"kind": "download", "object_id": "no-such-object"}),
        ("charge.refunded", {"reason": "ä" * 1000}),
        ("charge.refunded", {"reason": None}),
        ("partner.configured", {"credit_pool_total": 0, "billing_day_of_month": 28}),
        ("partner.configured", {"credit_pool_total": 10**12 - 1, "billing_mode": "a" * 64}),
        ("partner.configured", dict.fromkeys(OPTIONAL_TERMS)),
        ("partner.configured", {"pricing_tiers": []}),
        ("partner.configured", {"pricing_tiers": [TIER | {"tier": "💶" * 64}]}),
        ("partner.configured", {"pricing_tiers": [CAMEL_TIER | {"tier": 10**12 - 1}]}),
        ("partner.configured", {"pricing_tiers": [without("max_usage", TIER | {"tier": 0})]}),
        ("partner.configured", {"pricing_tiers": FIFTY_TIERS}),
        ("organization.created", {"organization_id": "a" * 64, "name": "💶 " * 128}),
        ("organization.created", {"external_id": "💶 " * 128, "credits": 10**12 - 1}),
        ("organization.updated", dict.fromkeys(OPTIONAL_FIELDS)),
        ("identification.recorded", {"quantity": 0, "credits": 0}),
        ("identification.recorded", {"quantity": 10**12 - 1, "credits": 10**12 - 1}),
        ("identification.recorded", {"credits": None}),
        ("usage.recorded", {"kind": "💶 " * 128, "quantity": 0}),
        ("usage.recorded", {"kind": "identification", "quantity": 10**12 - 1}),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_values_at_their_bounds(event_type: str, data: dict[str, Any], market: World) -> None:
    sent = told(event_type, **data)

    assert market.send(sent) == ingested(202, accepted(sent))


def test_depth_in_fields_that_nobody_reads_does_no_harm(market: World) -> None:
    sent = event("dataset.updated")
    deep = json.dumps(sent)[:-1] + ', "unknown": ' + "[" * 5000 + "]" * 5000 + "}"

    assert post(market, deep) == ingested(202, accepted(sent))
