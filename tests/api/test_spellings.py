"""Numbers and times are read in one spelling, wherever one is read.

Python itself reads `1_0`, ` 1`, `1e1` and digits of every script. The fields are found by their
types: a new one cannot be forgotten.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import quote

import pytest
from pydantic import AliasChoices, BaseModel

from dev.openapi.declared import sent_type
from dev.template import Route, routes
from tally.access.model.scopes import Scope
from tally.http.arguments import Query
from tally.intake.registry import EVENT_TYPES
from tally.wire.fields import Month, Timestamp
from tests.api.answers import answer, invalid
from tests.api.posting import assert_each_rejected
from tests.api.routes import for_audience
from tests.api.samples import TENANT, caller_of, sample
from tests.builders import charged_market, told
from tests.world import World

pytestmark = pytest.mark.slow


class Kind(Enum):
    """What a field holds, with spellings of it that are not ours."""

    NUMBER = (
        *("1_0", " 1", "1 ", "1\n", "\t1", "\u00a01", "+1", "--1", "1e0", "1E1", "1e-1", "0x1"),
        *("1.", ".5", "1,0", "1/2", "1f", "1j", "NaN", "Infinity", "-Infinity", "inf", "true"),
        *("\u0661", "\uff11", "\u0967", "\u00b2", "\u2167", "1\u06f0", "\u22121"),
    )
    DAY = (
        *("2026_04_05", "2026-04-05 ", " 2026-04-05", "2026-04-05\n", "20260405", "2026-4-5"),
        *("2026-W14-7", "2026-095", "+2026-04-05", "-2026-04-05", "2026-04", "05.04.2026"),
        *("\uff12\uff10\uff12\uff16-04-05", "\u0662\u0660\u0662\u0666-04-05", "1775347200"),
        *("2026-04-05T09:30", "2026-04-05 09:30:00Z", "20260405T093000Z", "2026-04-05TZ"),
    )
    TIME = (
        *("2026_04-06T09:30:00Z", " 2026-04-06T09:30:00Z", "2026-04-06T09:30:00Z "),
        *("2026-04-06T09:30:00Z\n", "20260406T093000Z", "2026-W15-1T09:30:00Z"),
        *("2026-096T09:30:00Z", "2026-04-06 09:30:00Z", "2026-04-06T09:30Z", "2026-04-06"),
        *("2026-04-06T09:30:00+0000", "2026-04-06T09:30:00+00", "2026-04-06T09:30:00 Z"),
        *("2026-04-06T09:30:00,5Z", "2026-04-06T09:30:00.Z", "2026-4-6T9:30:00Z"),
        *("+2026-04-06T09:30:00Z", "2026-04-06T09:30:0_0Z", "2026-04-06T09:30:00", "1775467800"),
        *("2026-04-06T09:30:00.1_0Z", "2026-04-06T09:30:00.0000000001Z", "1e9", "now"),
        *("\uff12026-04-06T09:30:00Z", "2026-04-06T09:30:\u0660\u0660Z"),
        *("2026-04-06T09:30:00.\u0661Z", "2026-04-06T09:30:00\u221201:00"),
    )
    MONTH = (
        *("2026_03", " 2026-03", "2026-03 ", "2026-03\n", "2026-3", "202603", "2026-03-01"),
        *("+2026-03", "-2026-03", "\uff12\uff10\uff12\uff16-03", "2026-\u0660\u0663", "2026-Q1"),
        *("2026-W03", "03-2026", "2.026e3"),
    )


class Field(NamedTuple):
    """`path` is `data.allocations.0.amount` as an error names it."""

    path: str
    kind: Kind

    def __str__(self) -> str:
        return self.path


def kind_of(hint: Any) -> Kind | None:
    """Of the numbers and times that a type admits; None if it admits neither, or any text."""
    known = {Timestamp: Kind.TIME, Month: Kind.MONTH, date: Kind.DAY, datetime: Kind.TIME}
    known |= dict.fromkeys((int, float, Decimal), Kind.NUMBER)
    if hint in known:
        return known[hint]
    parts = get_args(hint)[:1] if get_origin(hint) is Annotated else get_args(hint)
    kinds = [kind_of(part) for part in parts if part is not NoneType]
    return kinds[0] if kinds and all(kinds) else None


def model_in(hint: Any) -> type[BaseModel] | None:
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        return hint
    return next((model for part in get_args(hint) if (model := model_in(part))), None)


def fields_of(model: type[BaseModel], path: str = "") -> Iterator[Field]:
    """A model's numbers and times, at any depth; those in arrays in their first element."""
    hints = get_type_hints(model, include_extras=True)
    for attribute, declared in model.model_fields.items():
        alias, hint = declared.validation_alias, hints[attribute]
        name = str(alias.choices[0]) if isinstance(alias, AliasChoices) else attribute
        inner, kind = model_in(hint), kind_of(hint)
        if inner:
            yield from fields_of(
                inner, f"{path}{name}.0." if "list" in str(hint) else f"{path}{name}."
            )
        elif kind:
            yield Field(path + name, kind)


def parameters_of(route: Route) -> Iterator[tuple[str, Any]]:
    """Name and type of what the route's function takes."""
    for each in route.module.endpoint.route.arguments:
        asked = isinstance(each.source, Query)
        yield each.wire_name, sent_type(each) if asked else each.kind


QUERIES = [
    (route, Field(name, kind))
    for route in routes()
    for name, hint in parameters_of(route)
    if model_in(hint) is None and (kind := kind_of(hint))
]
BODIES = [
    (route, field)
    for route in routes()
    for _, hint in parameters_of(route)
    if (model := model_in(hint))
    for field in fields_of(model)
]
EVENTS = [
    (event_type, field)
    for event_type, declared in EVENT_TYPES.items()
    for field in fields_of(declared.data)
]
ARRAYS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "allocations": [{"dataset_id": "dset_1", "amount": "0.45"}],
    "pricing_tiers": [
        {"tier": "A", "price_per_identification": "0.1", "min_usage": 0, "max_usage": 1}
    ],
}


def with_value(fields: Mapping[str, Any], path: str, value: str) -> dict[str, Any]:
    """The fields with another value somewhere within."""
    name, _, rest = path.partition(".")
    if not rest:
        return {**fields, name: value}
    first = ARRAYS[name][0]
    return {**fields, name: [with_value(first, rest.removeprefix("0."), value)]}


def test_all_of_them_are_found() -> None:
    assert {(str(route), *field) for route, field in QUERIES} == {
        ("GET /v1/admin/audit", "limit", Kind.NUMBER),
        ("GET /v1/admin/tenants", "limit", Kind.NUMBER),
        ("GET /v1/api-keys", "limit", Kind.NUMBER),
        ("GET /v1/admin/payout-runs", "limit", Kind.NUMBER),
        ("GET /v1/admin/payouts", "limit", Kind.NUMBER),
        ("GET /v1/admin/payouts", "period", Kind.MONTH),
        ("GET /v1/provider/datasets", "limit", Kind.NUMBER),
        ("GET /v1/provider/payouts", "limit", Kind.NUMBER),
        ("GET /v1/provider/payouts/upcoming", "limit", Kind.NUMBER),
        ("GET /v1/provider/series", "from", Kind.DAY),
        ("GET /v1/provider/series", "to", Kind.DAY),
        ("GET /v1/buyer/series", "from", Kind.DAY),
        ("GET /v1/buyer/series", "to", Kind.DAY),
        ("GET /v1/agent/activity/searches", "limit", Kind.NUMBER),
        ("DELETE /v1/agent/activity/searches/query-texts", "before", Kind.TIME),
        ("GET /v1/agent/activity/accesses", "limit", Kind.NUMBER),
        ("GET /partner/analytics", "startDate", Kind.DAY),
        ("GET /partner/analytics", "endDate", Kind.DAY),
        ("GET /partner/analytics/series", "startDate", Kind.DAY),
        ("GET /partner/analytics/series", "endDate", Kind.DAY),
        ("GET /partner/usage", "startDate", Kind.DAY),
        ("GET /partner/usage", "endDate", Kind.DAY),
        ("GET /partner/organizations", "page", Kind.NUMBER),
        ("GET /partner/organizations", "pageSize", Kind.NUMBER),
        ("GET /partner/organizations/usage", "month", Kind.MONTH),
        ("GET /partner/organizations/usage", "page", Kind.NUMBER),
        ("GET /partner/organizations/usage", "pageSize", Kind.NUMBER),
    }
    assert {(str(route), *field) for route, field in BODIES} == {
        ("POST /v1/admin/tenants", "fee_rate", Kind.NUMBER),
        ("POST /v1/admin/tenants", "reserve_rate", Kind.NUMBER),
        ("POST /v1/admin/tenants", "requests_per_minute", Kind.NUMBER),
        ("POST /v1/admin/tenants", "query_text_retention_days", Kind.NUMBER),
        ("PATCH /v1/admin/tenants/{id}", "fee_rate", Kind.NUMBER),
        ("PATCH /v1/admin/tenants/{id}", "reserve_rate", Kind.NUMBER),
        ("PATCH /v1/admin/tenants/{id}", "requests_per_minute", Kind.NUMBER),
        ("PATCH /v1/admin/tenants/{id}", "query_text_retention_days", Kind.NUMBER),
        ("POST /v1/api-keys/{id}/rotate", "grace_seconds", Kind.NUMBER),
        ("POST /v1/sessions", "ttl_seconds", Kind.NUMBER),
        ("POST /v1/admin/tenants/{id}/api-keys", "expires_at", Kind.TIME),
        ("POST /v1/api-keys", "expires_at", Kind.TIME),
        ("POST /v1/admin/payout-runs", "period", Kind.MONTH),
    }
    assert {(event_type, *field) for event_type, field in EVENTS} == {
        ("object.uploaded", "size_bytes", Kind.NUMBER),
        ("search.performed", "result_count", Kind.NUMBER),
        ("search.performed", "charged_amount", Kind.NUMBER),
        ("search.performed", "allocations.0.amount", Kind.NUMBER),
        ("dataset.accessed", "charged_amount", Kind.NUMBER),
        ("charge.refunded", "amount", Kind.NUMBER),
        ("partner.configured", "credit_pool_total", Kind.NUMBER),
        ("partner.configured", "billing_day_of_month", Kind.NUMBER),
        ("partner.configured", "pricing_tiers.0.price_per_identification", Kind.NUMBER),
        ("partner.configured", "pricing_tiers.0.min_usage", Kind.NUMBER),
        ("partner.configured", "pricing_tiers.0.max_usage", Kind.NUMBER),
        ("organization.created", "credits", Kind.NUMBER),
        ("organization.updated", "credits", Kind.NUMBER),
        ("identification.recorded", "quantity", Kind.NUMBER),
        ("identification.recorded", "credits", Kind.NUMBER),
        ("usage.recorded", "quantity", Kind.NUMBER),
    }


@pytest.fixture
def market(world: World) -> World:
    world.tenant(TENANT)
    return charged_market(world)


@pytest.mark.parametrize(("route", "field"), QUERIES, ids=str)
def test_in_a_query(route: Route, field: Field, market: World) -> None:
    key = market.key(caller_of(route), *Scope)

    for value in field.kind.value:
        if value == "2026-04" and field.path in ("from", "to"):
            continue  # a series may be asked for by months
        url = f"{route.path}?{field.path}={quote(value)}"
        answered = market.request(route.method, url, key=key)

        said = _said(answered.body, field.path)
        expected = answer(400, invalid((field.path, said)))
        assert answered == for_audience(route, expected), repr(value)


@pytest.mark.parametrize(("route", "field"), BODIES, ids=str)
def test_in_a_body(route: Route, field: Field, market: World) -> None:
    key = market.key(caller_of(route), *Scope)
    body = json.loads(sample(route.function)["body"])

    with market.unchanged():
        for value in field.kind.value:
            sent = with_value(body, field.path, value)
            url = route.path.replace("{id}", "acme")
            answered = market.request(route.method, url, key=key, json_body=sent)

            said = _said(answered.body, field.path)
            assert answered == answer(400, invalid((field.path, said))), repr(value)


@pytest.mark.parametrize(("event_type", "field"), EVENTS, ids=str)
def test_in_an_event(event_type: str, field: Field, market: World) -> None:
    whole = told(event_type)
    events = {
        repr(value): told(event_type) | {"data": with_value(whole["data"], field.path, value)}
        for value in field.kind.value
    }

    assert_each_rejected(market, events, f"data.{field.path}")


def test_in_the_time_of_an_event(market: World) -> None:
    events = {repr(value): told("dataset.updated", value) for value in Kind.TIME.value}

    assert_each_rejected(market, events, "time")


def _said(body: Any, field: str) -> str:
    """What an error, as either audience gets it, says of a field."""
    details = body["error"]["details"] if "error" in body else body["details"]
    told_of = details if isinstance(details, dict) else {d["field"]: d["message"] for d in details}
    return str(told_of.get(field))
