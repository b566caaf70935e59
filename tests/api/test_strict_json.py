"""Bodies that readers would understand in different ways are refused, wherever one is read.

A key that an object has twice, half of a surrogate pair, and names that hide or rearrange what
people read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

import botocore.session
import pytest
from pydantic import BaseModel

from dev.template import Route, routes
from tally.access.model.scopes import Scope
from tally.intake.registry import EVENT_TYPES
from tally.wire.fields import Identity, Name
from tests.api.answers import ingested, invalid, rejected
from tests.api.posting import post
from tests.api.routes import routes_where
from tests.api.samples import TENANT, caller_of, new_thing, sample
from tests.api.test_spellings import model_in
from tests.builders import charged_market, event, told
from tests.bus import Bus, new_bus
from tests.world import CREDENTIALS, World

pytestmark = pytest.mark.slow

TWICE = "must not be sent twice"
UNICODE = "must be valid Unicode"
HIDDEN = "must not contain control or text direction characters"
HALVES = ("\ud800", "x\udbff", "\udc00x", "\udfff", "\udc00\ud800")
HIDING = (
    *map(chr, (0, 1, 9, 10, 13, 0x1B, 0x1F, 0x7F, 0x80, 0x85, 0x9B, 0x9F)),
    *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
)

each_route_with_json = routes_where(
    lambda route: route.method in ("POST", "PUT", "PATCH") and not route.module.endpoint.raw_body
)


@pytest.fixture
def market(world: World) -> World:
    world.tenant(TENANT)
    return charged_market(world)


@pytest.fixture
def bus(market: World, monkeypatch: pytest.MonkeyPatch) -> Bus:
    sqs = botocore.session.get_session().create_client("sqs", **CREDENTIALS)
    return new_bus(market, sqs, monkeypatch)


def ask(world: World, route: Route, body: str) -> tuple[int, Any]:
    """Status and body of what the route answers to this text, about a thing that exists."""
    path = route.path.replace("{id}", new_thing(world, route, TENANT))
    headers = {"Content-Type": "application/json"}
    key = world.key(caller_of(route), *Scope)
    with world.unchanged():
        answered = world.request(route.method, path, key=key, headers=headers, body=body)
    return answered.status, answered.body


def body_of(route: Route) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(sample(route.function)["body"])
    return body


def with_member(whole: Mapping[str, Any], name: str, value: str) -> str:
    """The object's text with one more member, whose value is JSON."""
    return json.dumps(whole)[:-1] + f", {json.dumps(name)}: {value}}}"


# ----------------------------------------------------------------------------- bodies


@each_route_with_json
def test_a_key_twice_in_a_body(route: Route, market: World) -> None:
    """Also with the same value, in a field that is not known, and deep within one."""
    whole = body_of(route)
    bodies = {name: with_member(whole, name, json.dumps(whole[name])) for name in whole}
    bodies["x"] = with_member(whole, "x", "1")[:-1] + ', "x": 1}'
    bodies["x.0.y"] = with_member(whole, "x", '[{"y": 1, "\\u0079": 2}]')

    answers = {field: ask(market, route, body) for field, body in bodies.items()}

    assert answers == {field: (400, invalid((field, TWICE))) for field in bodies}


@each_route_with_json
def test_half_a_character_in_a_body(route: Route, market: World) -> None:
    """In a value or in a key, known or not."""
    whole = body_of(route)
    bodies = {
        (name, half): json.dumps(whole | {name: half}) for name in (*whole, "x") for half in HALVES
    }
    bodies |= {("x.0.y", half): json.dumps(whole | {"x": [{"y": half}]}) for half in HALVES}
    bodies |= {("?", half): json.dumps(whole | {half: 1}) for half in HALVES[:1]}

    answers = {case: ask(market, route, body) for case, body in bodies.items()}

    assert answers == {case: (400, invalid((case[0], UNICODE))) for case in bodies}


# ----------------------------------------------------------------------------- events

# What is wrong with an event -> its text, made of the event's.
FLAWS: Mapping[str, tuple[str, str]] = {
    "id": (TWICE, '"id": "other"'),
    "data": (TWICE, '"data": {}'),
    "extension": (TWICE, '"extension": 1, "extension": 1'),
    "extension.0.a": (TWICE, '"extension": [{"a": 1, "a": 1}]'),
    "extension.b": (UNICODE, '"extension": {"b": "\\ud800"}'),
    "extension.?": (UNICODE, '"extension": {"\\udc00": 1}'),
}


def flawed_events(whole: Mapping[str, Any]) -> dict[str, str]:
    """`field: what is wrong` -> an event."""
    ends = {f"{field}: {rule}": more for field, (rule, more) in FLAWS.items()}
    texts = {said: json.dumps(whole)[:-1] + f", {more}}}" for said, more in ends.items()}
    for name, value in whole["data"].items():
        data = with_member(whole["data"], name, json.dumps(value))
        texts[f"data.{name}: {TWICE}"] = with_member({**whole, "data": None}, "x", "0").replace(
            '"data": null', f'"data": {data}'
        )
    return texts


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_flaw_in_an_event(event_type: str, market: World) -> None:
    """It is refused; those beside it are not."""
    good, bad = event("object.uploaded", size_bytes=1), told(event_type)
    texts = flawed_events(bad)

    answered = post(market, f"[{json.dumps(good)}, {', '.join(texts.values())}]")

    told_ids = [_identity(text) for text in texts.values()]
    results = [
        rejected(identity, "invalid_event", message)
        for identity, message in zip(told_ids, texts, strict=True)
    ]
    sent = {"id": good["id"], "source": good["source"], "status": "accepted"}
    expected = ingested(207, sent, *results)
    assert (answered.status, answered.body) == (207, expected.body)


def _identity(text: str) -> dict[str, Any]:
    document = json.loads(text)
    return {"id": document["id"], "source": document["source"]}


@pytest.mark.parametrize(
    ("event_type", "field"),
    [
        ("organization.created", "metadata"),
        ("search.performed", "query_text"),
        ("charge.refunded", "reason"),
    ],
)
def test_half_a_character_in_text_of_an_event(event_type: str, field: str, market: World) -> None:
    """Also in text that Tally only keeps."""
    deep = field == "metadata"
    events = [
        told(event_type) | {"data": told(event_type)["data"] | {field: {"a": h} if deep else h}}
        for h in HALVES
    ]

    with market.unchanged():
        answered = market.send(*events)

    message = f"data.{field}{'.a' if deep else ''}: {UNICODE}"
    results = [rejected(each, "invalid_event", message) for each in events]
    assert (answered.status, answered.body) == (422, ingested(422, *results).body)


def test_a_flaw_in_an_event_on_the_bus(bus: Bus) -> None:
    """Also among the fields that the event's envelope shares with EventBridge's."""
    texts = flawed_events(told("object.uploaded"))

    with bus.world.unchanged():
        for text in texts.values():
            bus.put(f'{{"source": "/bus", "detail-type": "thing", "detail": {text}}}')
        bus.settle()

    found = sorted((each.code, each.message) for each in bus.rejections())
    assert found == sorted(("invalid_event", message) for message in texts)


# ------------------------------------------------------------------------------ names


def names_in(model: type[BaseModel]) -> Iterator[str]:
    """The fields that hold what people call a thing."""
    for field, hint in get_type_hints(model, include_extras=True).items():
        if hint in (Name, Identity) or Name in get_args(hint):
            yield field


def body_model(route: Route) -> type[BaseModel]:
    """What the route's function takes as the body."""
    arguments = route.module.endpoint.route.arguments
    return next(model for each in arguments if (model := model_in(each.kind)))


BODY_NAMES = [
    (route, field)
    for route in routes()
    if route.method in ("POST", "PUT", "PATCH") and not route.module.endpoint.raw_body
    for field in names_in(body_model(route))
]
EVENT_NAMES = [
    (event_type, field)
    for event_type, declared in EVENT_TYPES.items()
    for field in names_in(declared.data)
]


BODY_ROUTES = [
    route
    for route in routes()
    if route.method in ("POST", "PUT", "PATCH") and not route.module.endpoint.raw_body
]


@pytest.mark.parametrize("route", BODY_ROUTES, ids=str)
def test_a_body_that_is_no_object(route: Route, market: World) -> None:
    """Also where all fields may be left out."""
    bodies = ("1", "1.5", "1e300", '"text"', "[]", "true", "false")

    answers = {body: ask(market, route, body) for body in bodies}

    assert answers == dict.fromkeys(bodies, (400, invalid(("body", "must be an object"))))


def test_all_names_are_found() -> None:
    found = {(str(route), field) for route, field in BODY_NAMES}
    assert found >= {
        ("POST /v1/admin/tenants", "display_name"),
        ("POST /v1/admin/tenants/{id}/api-keys", "name"),
        ("POST /v1/api-keys", "name"),
    }
    assert set(EVENT_NAMES) >= {
        ("dataset.created", "name"),
        ("dataset.updated", "name"),
        ("organization.created", "name"),
        ("organization.created", "external_id"),
        ("organization.updated", "name"),
        ("organization.updated", "external_id"),
        ("usage.recorded", "kind"),
    }


@pytest.mark.parametrize(("route", "field"), BODY_NAMES, ids=str)
def test_a_name_hides_nothing(route: Route, field: str, market: World) -> None:
    bodies = {c: json.dumps(body_of(route) | {field: f"Acme{c}x"}) for c in HIDING}

    answers = {c: ask(market, route, body) for c, body in bodies.items()}

    assert answers == {c: (400, invalid((field, HIDDEN))) for c in bodies}


@pytest.mark.parametrize(("event_type", "field"), EVENT_NAMES, ids=str)
def test_a_name_in_an_event_hides_nothing(event_type: str, field: str, market: World) -> None:
    data = told(event_type)["data"]
    events = [told(event_type) | {"data": data | {field: f"Acme{c}x"}} for c in HIDING]

    with market.unchanged():
        answered = market.send(*events)

    results = [rejected(each, "invalid_event", f"data.{field}: {HIDDEN}") for each in events]
    assert (answered.status, answered.body) == (422, ingested(422, *results).body)


def test_a_pricing_tiers_name_hides_nothing(market: World) -> None:
    tier = {"price_per_identification": "0.1", "min_usage": 0}
    events = [
        event("partner.configured", credit_pool_total=1, pricing_tiers=[tier | {"tier": f"A{c}"}])
        for c in HIDING
    ]

    with market.unchanged():
        answered = market.send(*events)

    message = f"data.pricing_tiers.0.tier: {HIDDEN}"
    results = [rejected(each, "invalid_event", message) for each in events]
    assert (answered.status, answered.body) == (422, ingested(422, *results).body)


def test_names_may_be_of_any_script_and_have_marks_of_direction(market: World) -> None:
    """U+200E, U+200F and U+061C are part of ordinary text; so are joiners and emoji."""
    for n, name in enumerate(
        ("Ärzte", "مستودع\u200f", "港", "A\u200eB", "\U0001f469\u200d\U0001f52c")
    ):
        sent = event("dataset.created", dataset_id=f"dset_n{n}", name=name)
        assert market.send(sent).status == 202, name
