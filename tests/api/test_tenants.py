"""Tenants: creating one, and the bodies that are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from dev.gateway import PLATFORM
from tally.access.model.scopes import Scope
from tally.access.tenants import get_tenant
from tests import builders
from tests.api.answers import (
    NOT_JSON,
    NOT_UTF8,
    answer,
    failure,
    invalid,
    invalid_body,
    success,
)
from tests.api.keys import ACMES_KEYS, KEYS, TENANTS, assert_each_invalid, post, post_raw
from tests.world import World

DEFAULTS = {
    "billing_currency": "USD",
    "fee_rate": "0.30",
    "reserve_rate": "0.10",
    "requests_per_minute": None,
    "query_text_retention_days": None,
}
TO_ANY = [TENANTS, ACMES_KEYS, KEYS]


@pytest.fixture
def market(world: World) -> World:
    """Tenants acme and rival. Acme's only key, and the platform's, is its administrator's."""
    builders.market(world, "acme", "rival")
    for tenant_id in ("acme", PLATFORM):
        world.key(tenant_id, Scope.ADMIN)
    return world


# --------------------------------------------------------------------------- tenants


def test_a_tenant_with_defaults(market: World) -> None:
    answered = post(market, TENANTS, {"tenant_id": "new", "display_name": "New Übersee GmbH"})

    tenant = {"tenant_id": "new", "display_name": "New Übersee GmbH"} | DEFAULTS
    assert answered == answer(201, success(tenant | {"created_at": "2026-04-05T10:00:00Z"}))
    assert get_tenant(market.table, "new") is not None


def test_a_tenant_with_everything(market: World) -> None:
    given = {
        "tenant_id": "-_" + "x" * 62,
        "display_name": "N" * 256,
        "billing_currency": "EUR",
        "fee_rate": "0.123456",
        "reserve_rate": 0.876544,
        "requests_per_minute": 1_000_000,
        "query_text_retention_days": 36_500,
    }

    answered = post(market, TENANTS, given | {"unknown": 1})

    shown = given | {"reserve_rate": "0.876544", "created_at": "2026-04-05T10:00:00Z"}
    assert answered == answer(201, success(shown))


def test_a_tenant_gets_an_id_if_it_brings_none(market: World) -> None:
    answers = [post(market, TENANTS, {"display_name": "New"}) for _ in range(2)]

    ids = [answered.body["data"]["tenant_id"] for answered in answers]
    assert len(set(ids)) == 2
    for tenant_id, answered in zip(ids, answers, strict=True):
        assert re.fullmatch(r"tnt_[0-9a-f]{16}", tenant_id)
        tenant = {"tenant_id": tenant_id, "display_name": "New"} | DEFAULTS
        assert answered == answer(201, success(tenant | {"created_at": "2026-04-05T10:00:00Z"}))


def test_a_tenants_id_is_taken_once(market: World) -> None:
    with market.unchanged():
        answered = post(market, TENANTS, {"tenant_id": "acme", "display_name": "Other"})

    message = "Tenant acme already exists."
    assert answered == answer(409, failure("already_exists", message, ("tenant_id", message)))


NO_RATE: tuple[Any, ...] = (
    *("abc", "", None, True, [], {}, "NaN", "-NaN", "Infinity", -0.01, "-0.01"),
    *(1.000001, "1.000001", 2, "0.1234567", 0.1234567, "0.3000000"),
    *("1e-7", "1e-6", "1e999999999", "1e-999999999", "0e-999999999", "0e999999999"),
    *("0.1_0", "1_0e-2", " 0.1 ", "0.1\n", "\u00a00.1", "+0.1", "-0.0"),
    *("0,1", "10%", ".1", "1."),
    *("\u0660.\u0661", "\uff10.\uff11", "\u0967", "0x0", "0.1f", "1/10"),
    *(10**400, 1e-7, 1e300),
)

NO_NUMBER: tuple[Any, ...] = ("", "5", True, 5.0, 5.5, 1e300, 10**400, [], {}, "\u0665")

WRONG_TENANTS: Mapping[str, tuple[Any, ...]] = {
    "tenant_id": (5, "", "x" * 65, "a b", "a#b", "a\n", "ä", [], "\ud800"),
    "display_name": (5, None, "", "   ", "x" * 257, "a\0b", "a\nb", [], "\ud800"),
    "billing_currency": (5, None, "", "usd", "US", "USDD", "USD\n", "ÄÖÜ", "\ud800"),
    "fee_rate": NO_RATE,
    "reserve_rate": NO_RATE,
    "requests_per_minute": (*NO_NUMBER, -1, 1_000_001),
    "query_text_retention_days": (*NO_NUMBER, 0, 36_501),
}


@pytest.mark.parametrize("field", WRONG_TENANTS)
def test_wrong_values_of_a_tenant(field: str, market: World) -> None:
    # The other rate leaves room for any.
    valid = {"display_name": "New", "fee_rate": 0, "reserve_rate": 0}

    bodies = [valid | {field: value} for value in WRONG_TENANTS[field]]

    assert_each_invalid(market, TENANTS, bodies, field)


def test_what_is_wrong_with_a_rate_is_said(market: World) -> None:
    rule = "must be a plain decimal from 0 to 1 with at most 6 decimals, such as 0.30"

    for rate in NO_RATE:
        answered = post(market, TENANTS, {"display_name": "New", "fee_rate": rate})
        assert answered == answer(400, invalid(("fee_rate", rule))), rate


RATES: Mapping[str, str] = {
    '"0"': "0",
    '"1"': "1",
    '"0.000001"': "0.000001",
    '"0.999999"': "0.999999",
    '"1.000000"': "1.000000",
    "0": "0",
    "1": "1",
    "0.999999": "0.999999",
    "1.000000": "1.000000",
    # What libraries write for 0.000001, 0 and 1.
    "1e-06": "0.000001",
    "1E-6": "0.000001",
    "-0.0": "0.0",
    "1e0": "1",
}


@pytest.mark.parametrize("field", ["fee_rate", "reserve_rate"])
def test_rates_at_their_bounds(field: str, market: World) -> None:
    other = "reserve_rate" if field == "fee_rate" else "fee_rate"
    bodies = [f'{{"display_name": "N", "{field}": {rate}, "{other}": 0}}' for rate in RATES]

    answers = [post_raw(market, TENANTS, body, "application/json") for body in bodies]

    assert [answered.status for answered in answers] == [201] * len(RATES)
    assert [answered.body["data"][field] for answered in answers] == list(RATES.values())


def test_rates_take_no_more_than_all(market: World) -> None:
    rates: list[dict[str, Any]] = [
        {"fee_rate": "0.9", "reserve_rate": "0.100001"},
        {"fee_rate": 1, "reserve_rate": 1},
        {"fee_rate": "0.91"},
        {"reserve_rate": "0.71"},
    ]

    assert_each_invalid(market, TENANTS, [{"display_name": "New"} | each for each in rates], "body")


def test_every_fault_of_a_request_is_named(market: World) -> None:
    answered = post(market, TENANTS, {"tenant_id": "?", "fee_rate": 3})

    details = answered.body["error"]["details"]
    assert [detail["field"] for detail in details] == ["tenant_id", "display_name", "fee_rate"]
    faults = [(detail["field"], detail["message"]) for detail in details]
    assert answered == answer(400, invalid(*faults))


# ----------------------------------------------------------------- bodies of any kind


NO_JSON: Mapping[str | bytes, str] = {
    "{": "The body is not valid JSON: Expecting property name",
    '{"name": NaN}': "The body is not valid JSON: NaN is not a JSON number.",
    b'{"name": "\xff"}': "The body is not valid UTF-8.",
    "[" * 65_536: "The body is nested too deeply.",
    f'{{"name": {"9" * 5000}}}': "The body contains a number that is too long.",
    '{"name": 1e999999999999999999999}': "The body contains a number that is too long.",
    '{"fee_rate": 1e-999999999}': "The body contains a number that is too long.",
}


@pytest.mark.parametrize("url", TO_ANY)
def test_a_body_that_is_no_json_is_refused(url: str, market: World) -> None:
    with market.unchanged():
        answers = {body: post_raw(market, url, body, "application/json") for body in NO_JSON}

    for body, answered in answers.items():
        message = answered.body["error"]["message"]
        assert message.startswith(NO_JSON[body])
        assert answered == answer(400, invalid_body(message))


@pytest.mark.parametrize("url", TO_ANY)
def test_a_body_that_is_no_object_is_refused(url: str, market: World) -> None:
    with market.unchanged():
        answers = [
            post_raw(market, url, body, "application/json")
            for body in ("", "null", "5", "[]", '"x"')
        ]

    missing = answer(400, invalid(("body", "is required")))
    other = answer(400, invalid(("body", "must be an object")))
    assert answers == [missing] * 2 + [other] * 3


@pytest.mark.parametrize("url", TO_ANY)
def test_other_media_types_are_refused(url: str, market: World) -> None:
    expected = {
        "text/plain": NOT_JSON,
        "application/x-www-form-urlencoded": NOT_JSON,
        "multipart/form-data": NOT_JSON,
        "multipart/form-data; boundary=x": NOT_JSON,
        "application/jsonx": NOT_JSON,
        "application/json; charset=utf-16": NOT_UTF8,
    }

    with market.unchanged():
        answers = {kind: post_raw(market, url, '{"name": "N"}', kind) for kind in expected}

    assert answers == {kind: answer(415, body) for kind, body in expected.items()}


@pytest.mark.parametrize(
    "content_type", [None, "Application/JSON", "application/json;charset=UTF8"]
)
def test_json_may_be_sent_as(content_type: str | None, market: World) -> None:
    assert post_raw(market, TENANTS, '{"display_name": "N"}', content_type).status == 201
