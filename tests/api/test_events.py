"""POST /v1/events: what is an event, what is a repetition, and what is neither."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tally.domain.scopes import Scope
from tally.http.cloudevents import EVENT_TYPES
from tests.api.answers import (
    NOT_UTF8,
    accepted,
    answer,
    duplicate,
    failure,
    ingested,
    invalid_body,
    rejected,
)
from tests.world import PLATFORM, Answer, World, event, proxy_event

MIB = 1024 * 1024
ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"
CONFLICT = "An event with this source and id but other content was accepted before."


@pytest.fixture
def market(world: World) -> World:
    """Tenants acme, whose dataset is dset_1, and rival, whose is dset_9. acme was charged once."""
    world.tenant("acme")
    world.tenant("rival")
    answered = world.send(
        event("dataset.created", "2026-01-01T00:00:00Z"),
        event("dataset.created", "2026-01-01T00:00:00Z", tenant_id="rival", dataset_id="dset_9"),
        told("dataset.accessed") | {"id": "evt-charge"},
    )
    assert answered.status == 202
    return world


def post(world: World, body: str | bytes, content_type: str | None = JSON) -> Answer:
    """A body of any kind from the platform's sender."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    sender = world.key(PLATFORM, Scope.EVENTS_WRITE)
    return world.request("POST", "/v1/events", key=sender, headers=headers, body=body)


def post_as(world: World, tenant_id: str, *events: Mapping[str, Any]) -> Answer:
    """Events from a tenant's own sender."""
    key = world.key(tenant_id, Scope.EVENTS_WRITE)
    return world.request("POST", "/v1/events", key=key, json_body=list(events))


def without(field: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != field}


def assert_each_rejected(
    world: World, events: Mapping[str, Any], field: str | None = None, code: str = "invalid_event"
) -> None:
    """All events (case -> event) are refused for one field, or for the one their case names."""
    with world.unchanged():
        answered = world.send(*events.values())

    messages = [result["error"]["message"] for result in answered.body["data"]["results"]]
    blamed = {case: text.partition(":")[0] for case, text in zip(events, messages, strict=True)}
    assert blamed == {case: field or case for case in events}
    results = [
        rejected(each, code, message)
        for each, message in zip(events.values(), messages, strict=True)
    ]
    assert answered == ingested(422, *results)


# ------------------------------------------------------------------ what is a request


@pytest.mark.parametrize(
    ("content_type", "in_batch"),
    [
        (ONE, False),
        (BATCH, True),
        (JSON, False),
        (JSON, True),
        (None, False),
        (None, True),
        ("Application/CloudEvents+JSON", False),
        (f"{ONE}; charset=UTF-8", False),
        (f'{BATCH};charset="utf-8"', True),
        (f"{JSON}; foo=bar; charset=utf-8", False),
    ],
)
def test_events_may_be_sent_as(content_type: str | None, in_batch: bool, market: World) -> None:  # noqa: FBT001
    sent = event("object.uploaded", size_bytes=1)

    answered = post(market, json.dumps([sent] if in_batch else sent), content_type)

    assert answered == ingested(202, accepted(sent))


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        (ONE, "[]", "one event"),
        (BATCH, "{}", "an array of events"),
        *[(ONE, body, "one event") for body in ("null", "5", '"x"', "true")],
        *[(BATCH, body, "an array of events") for body in ("null", "5", '"x"', "true")],
        *[(JSON, body, "an event or an array of events") for body in ("null", "5", '"x"')],
    ],
)
def test_a_body_of_another_form_is_refused(
    content_type: str, body: str, expected: str, market: World
) -> None:
    with market.unchanged():
        answered = post(market, body, content_type)

    assert answered == answer(400, invalid_body(f"The body must be {expected}."))


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "text/json", "application/x-www-form-urlencoded", "application/xml", "garbage"],
)
def test_other_media_types_are_refused(content_type: str, market: World) -> None:
    with market.unchanged():
        answered = post(market, json.dumps(event("dataset.updated")), content_type)

    assert answered == answer(
        415, failure("unsupported_media_type", f"Send events as {ONE}, {BATCH} or {JSON}.")
    )


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", '"latin-1"', "iso-8859-1; x=utf-8"])
def test_other_charsets_are_refused(charset: str, market: World) -> None:
    with market.unchanged():
        answered = post(market, json.dumps(event("dataset.updated")), f"{ONE}; charset={charset}")

    assert answered == answer(415, NOT_UTF8)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "The body is not valid JSON: Expecting value at line 1, column 1."),
        ("[", "The body is not valid JSON: Expecting value at line 1, column 2."),
        ("[] []", "The body is not valid JSON: Extra data at line 1, column 4."),
        ("{'id': 1}", None),
        ("\ufeff[]", None),
        ('["\n"]', None),
        ('[{"x": NaN}]', "The body is not valid JSON: NaN is no number."),
        ('[{"x": Infinity}]', "The body is not valid JSON: Infinity is no number."),
        ('[{"x": -Infinity}]', "The body is not valid JSON: -Infinity is no number."),
        (b'[{"id": "\xff"}]', "The body is not valid UTF-8."),
        (b'[{"id": "\xed\xa0\x80"}]', "The body is not valid UTF-8."),
        ("[]".encode("utf-16"), "The body is not valid UTF-8."),
        ("[" * 100_000, "The body is nested too deeply."),
        ('{"data":' * 100_000, "The body is nested too deeply."),
        (f'[{{"x": {"9" * 5000}}}]', "The body holds a number that is too long."),
        ('[{"x": 1e999999999999999999999}]', "The body holds a number that is too long."),
        ('[{"x": 1e-999999999999999999999}]', "The body holds a number that is too long."),
        ('[{"x": 1e999999999}]', "The body holds a number that is too long."),
        ('[{"x": -0.0e-999999999}]', "The body holds a number that is too long."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_is_no_json_is_refused(
    body: str | bytes, reason: str | None, market: World
) -> None:
    with market.unchanged():
        answered = post(market, body)

    given = answered.body["error"]["message"]
    assert given.startswith(reason or "The body is not valid JSON: ")
    assert answered == answer(400, invalid_body(given))


def test_a_gateway_may_pass_text_on_as_text(market: World) -> None:
    sent = event("dataset.updated", name="Rechnungen für März")
    key = market.key(PLATFORM, Scope.EVENTS_WRITE)
    request = proxy_event("POST", "/v1/events", {"X-API-Key": key, "Content-Type": ONE})
    request["body"] = json.dumps(sent, ensure_ascii=False)

    assert market.invoke(request) == ingested(202, accepted(sent))


def test_a_hundred_events_are_taken_and_no_more(market: World) -> None:
    events = [event("object.approved", dataset_id="dset_none") for _ in range(100)]

    with market.unchanged():
        hundred = market.send(*events)
        more = market.send(*events, event("object.approved"))

    message = "Tenant acme has no dataset dset_none."
    assert hundred == ingested(422, *[rejected(e, "unknown_dataset", message) for e in events])
    assert more == answer(
        413,
        failure("payload_too_large", "A request may hold at most 100 events; this one has 101."),
    )


def test_a_mebibyte_is_taken_and_no_more(market: World) -> None:
    sent = event("dataset.updated")
    body = json.dumps(sent).encode().ljust(MIB)

    with market.unchanged():
        more = post(market, body + b" ")
        rubbish = post(market, b"\xff" * (MIB + 1))

    assert (
        more
        == rubbish
        == answer(
            413,
            failure(
                "payload_too_large",
                "A request may hold at most 1 MiB; send fewer events at a time.",
            ),
        )
    )
    assert post(market, body) == ingested(202, accepted(sent))


# ------------------------------------------------------------------------ the answer


def test_an_empty_batch_is_a_batch(market: World) -> None:
    with market.unchanged():
        assert market.send() == ingested(202)


def test_results_come_in_the_order_sent(market: World) -> None:
    known = event("object.uploaded", object_id="obj_0", size_bytes=1)
    market.send(known)
    first = event("object.uploaded", size_bytes=1)
    orphan = event("object.uploaded", dataset_id="dset_none", size_bytes=1)
    nameless = event("dataset.updated", name="")
    last = event("object.approved")

    answered = market.send(orphan, first, known, "no event", nameless, last, first)  # type: ignore[arg-type]

    empty = "data.name: String should have at least 1 character"
    assert answered == ingested(
        207,
        rejected(orphan, "unknown_dataset", "Tenant acme has no dataset dset_none."),
        accepted(first),
        duplicate(known),
        rejected({}, "invalid_event", "An event must be a JSON object."),
        rejected(nameless, "invalid_event", empty),
        accepted(last),
        duplicate(first),
    )


def test_the_status_tells_of_rejections(market: World) -> None:
    good, bad = event("dataset.updated"), event("dataset.updated", dataset_id="dset_none")

    statuses = [market.send(*events).status for events in ([good], [good], [good, bad], [bad, bad])]

    assert statuses == [202, 202, 207, 422]


@pytest.mark.parametrize("element", [1, None, "x", [], True], ids=str)
def test_an_element_that_is_no_object_is_rejected(element: object, market: World) -> None:
    with market.unchanged():
        answered = post(market, json.dumps([element]))

    message = "An event must be a JSON object."
    assert answered == ingested(422, rejected({}, "invalid_event", message))


# ----------------------------------------------------------------------- repetitions


def test_a_repetition_is_a_duplicate_however_late(market: World) -> None:
    created = event("dataset.created", "2026-02-01T00:00:00Z", dataset_id="dset_2", name="First")
    uploaded = event("object.uploaded", dataset_id="dset_2", size_bytes=1)
    assert market.send(created, created, uploaded) == ingested(
        202, accepted(created), duplicate(created), accepted(uploaded)
    )
    later = [
        event("dataset.updated", "2026-02-02T00:00:00Z", dataset_id="dset_2", name="Second"),
        event("dataset.deleted", "2026-04-05T09:59:00Z", dataset_id="dset_2"),
    ]
    assert market.send(*later).status == 202
    market.wait(days=4000)

    with market.unchanged():
        answered = market.send(created, uploaded, *later)

    assert answered.status == 202
    assert (
        answered.body["data"]
        == ingested(202, *map(duplicate, [created, uploaded, *later])).body["data"]
    )


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"size_bytes": 2}},
        {"data": {"object_id": "obj_2"}},
        {"data": {"tenant_id": "rival", "dataset_id": "dset_9"}},
        {"time": "2026-04-05T09:30:00.000000001Z"},
    ],
    ids=str,
)
def test_other_content_under_a_known_id_is_a_conflict(other: dict[str, Any], market: World) -> None:
    sent = event("object.uploaded", size_bytes=1)
    changed = sent | other | {"data": sent["data"] | other.get("data", {})}
    assert market.send(sent).status == 202

    with market.unchanged():
        answered = market.send(changed)

    assert answered == ingested(422, rejected(changed, "event_conflict", CONFLICT))


def test_another_type_under_a_known_id_is_a_conflict(market: World) -> None:
    sent = event("object.approved")
    changed = sent | {"type": "object.rejected"}
    market.send(sent)

    with market.unchanged():
        assert market.send(changed) == ingested(422, rejected(changed, "event_conflict", CONFLICT))


def test_other_content_under_an_id_of_the_same_request_is_a_conflict(market: World) -> None:
    sent = event("dataset.updated", name="One")
    changed = event("dataset.updated", id=sent["id"], name="Other")

    assert market.send(sent, changed) == ingested(
        207, accepted(sent), rejected(changed, "event_conflict", CONFLICT)
    )


def test_a_conflict_with_an_event_of_what_is_gone_by_now(market: World) -> None:
    """It would be rejected as it stands: what was accepted once is told all the same."""
    sent = event("object.uploaded", size_bytes=1)
    changed = event("object.uploaded", "2026-04-05T09:59:30Z", id=sent["id"], size_bytes=1)
    market.send(sent, event("dataset.deleted", "2026-04-05T09:59:00Z"))

    with market.unchanged():
        answered = market.send(changed)

    assert answered == ingested(422, rejected(changed, "event_conflict", CONFLICT))


def test_the_id_of_another_source_is_another_event(market: World) -> None:
    sent = event("dataset.updated", name="One")
    other = sent | {"source": "/elsewhere", "data": sent["data"] | {"name": "Other"}}

    assert market.send(sent, other) == ingested(202, accepted(sent), accepted(other))


@pytest.mark.parametrize(
    "spelling",
    [
        {"time": "2026-04-05T11:30:00+02:00"},
        {"time": "2026-04-05t09:30:00.000000000z"},
        {"unknown": {"a": [1]}, "subject": "x", "datacontenttype": JSON},
        {"data": {"unknown": 1.5, "dataset_name": None}},
    ],
    ids=str,
)
def test_the_same_content_spelled_otherwise_is_a_duplicate(
    spelling: dict[str, Any], market: World
) -> None:
    sent = event("dataset.updated", name="Café")
    spelled = sent | spelling | {"data": sent["data"] | spelling.get("data", {})}
    market.send(sent)

    with market.unchanged():
        assert market.send(spelled) == ingested(202, duplicate(sent))


def test_the_order_of_keys_and_escapes_are_spelling(market: World) -> None:
    sent = event("dataset.updated", name="Café")
    turned = {name: sent[name] for name in reversed(sent)}
    turned["data"] = {name: sent["data"][name] for name in reversed(sent["data"])}
    post(market, json.dumps(sent, ensure_ascii=True))

    with market.unchanged():
        answered = post(market, json.dumps(turned, ensure_ascii=False))

    assert answered == ingested(202, duplicate(sent))


@pytest.mark.parametrize("wrong", [{"name": ""}, {"dataset_id": "dset_2"}], ids=str)
def test_a_rejected_event_may_be_sent_again_under_its_id(
    wrong: dict[str, str], market: World
) -> None:
    right = event("dataset.updated", name="Right")
    assert market.send(right | {"data": right["data"] | wrong}).status == 422

    assert market.send(right) == ingested(202, accepted(right))


def test_a_rejected_event_is_accepted_once_it_fits(market: World) -> None:
    early = event("object.uploaded", dataset_id="dset_2", size_bytes=1)
    missing = event("dataset.created", "2026-01-01T00:00:00Z", dataset_id="dset_2")
    assert market.send(early).status == 422
    market.send(missing)

    assert market.send(early) == ingested(202, accepted(early))


# ---------------------------------------------------------------------------- fields

# Event type -> the fields of `data` that it must have.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "dataset.created": ("tenant_id", "dataset_id", "name"),
    "dataset.updated": ("tenant_id", "dataset_id", "name"),
    "dataset.deleted": ("tenant_id", "dataset_id"),
    "object.uploaded": ("tenant_id", "dataset_id", "object_id", "size_bytes"),
    "object.approved": ("tenant_id", "dataset_id", "object_id"),
    "object.rejected": ("tenant_id", "dataset_id", "object_id"),
    "object.indexed": ("tenant_id", "dataset_id", "object_id"),
    "object.deleted": ("tenant_id", "dataset_id", "object_id"),
    "search.performed": (
        "tenant_id",
        "query_text",
        "dataset_ids",
        "result_count",
        "charged_amount",
        "currency",
    ),
    "dataset.accessed": ("tenant_id", "dataset_id", "kind", "charged_amount", "currency"),
    "charge.refunded": ("tenant_id", "charge_event", "amount", "currency"),
}
VALUES: Mapping[str, Any] = {
    "tenant_id": "acme",
    "dataset_id": "dset_1",
    "object_id": "obj_1",
    "name": "N",
    "size_bytes": 1,
    "query_text": "ships in Rotterdam",
    "dataset_ids": ["dset_1"],
    "result_count": 3,
    "kind": "download",
    "charged_amount": "0.45",
    "charge_event": {"source": "/marketplace", "id": "evt-charge"},
    "amount": "0.05",
    "currency": "USD",
}

NO_TEXT: tuple[Any, ...] = (5, 1.5, True, None, [], {}, ["x"])
NO_ID = (*NO_TEXT, "", "a" * 65, "a b", "a/b", "a.b", "a#b", "ä", "a\n", "\na", "a\0", "\ud800")


def told(event_type: str) -> dict[str, Any]:
    """An event of the type with no field too many."""
    sent = event(event_type)
    return sent | {"data": {name: VALUES[name] for name in REQUIRED[event_type]}}


def test_the_types_are_the_contracts() -> None:
    assert set(EVENT_TYPES) == set(REQUIRED)


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
        ("id", ("", "x" * 257, "a\nb", "a\x7f", "\ud800")),
        ("source", ("", "x" * 257, "a\nb", "a\x7f", "\ud800")),
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

    message = f"{field}: Input should be a valid string"
    results = [rejected(sent | {field: None}, "invalid_event", message) for sent in events]
    assert answered == ingested(422, *results)


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
    ],
)
def test_wrong_values_in_the_data(
    event_type: str, field: str, wrong: tuple[Any, ...], market: World
) -> None:
    whole = told(event_type)
    events = {repr(value): whole | {"data": whole["data"] | {field: value}} for value in wrong}

    assert_each_rejected(market, events, f"data.{field}")


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("dataset.created", {"dataset_id": "a" * 64}),
        ("dataset.created", {"dataset_id": "-_AZaz09"}),
        ("dataset.created", {"dataset_id": "dset_2", "name": "💶 " * 128}),
        ("object.uploaded", {"object_id": "_", "size_bytes": 0}),
        ("object.uploaded", {"size_bytes": 2**63 - 1}),
        ("object.uploaded", {"size_bytes": 1, "unknown": "\ud800", "\ud800": 1}),
    ],
    ids=repr,
)
def test_values_at_their_bounds(event_type: str, data: dict[str, Any], market: World) -> None:
    sent = event(event_type, **data)

    assert market.send(sent) == ingested(202, accepted(sent))


def test_depth_in_fields_that_nobody_reads_does_no_harm(market: World) -> None:
    sent = event("dataset.updated")
    deep = json.dumps(sent)[:-1] + ', "unknown": ' + "[" * 5000 + "]" * 5000 + "}"

    assert post(market, deep) == ingested(202, accepted(sent))


# ------------------------------------------------------------------------------ time


def test_one_instant_has_many_spellings(market: World) -> None:
    spellings = {
        "2026-04-05T09:30:00Z": "2026-04-05T09:30:00.000000000Z",
        "2026-04-05t09:30:00z": "2026-04-05T09:30:00Z",
        "2026-04-05T09:30:00-00:00": "2026-04-05T09:30:00Z",
        "2026-04-05T11:30:00+02:00": "2026-04-05T09:30:00Z",
        "2026-04-04T22:31:00.5-11:00": "2026-04-05T09:31:00.500Z",
        "2026-04-06T09:29:00.123456789+23:59": "2026-04-05T09:30:00.123456789Z",
        "2024-02-29T23:59:59.9Z": "2024-03-01T00:59:59.90+01:00",
        "0001-01-01T00:00:00Z": "0001-01-01T05:45:00+05:45",
    }
    sent = [event("dataset.updated", time) for time in spellings]
    again = [{**e, "time": spellings[e["time"]]} for e in sent]

    assert market.send(*sent) == ingested(202, *map(accepted, sent))
    assert market.send(*again) == ingested(202, *map(duplicate, again))


def test_what_is_no_time(market: World) -> None:
    wrong = (
        *NO_TEXT,
        1775381400,
        "",
        "now",
        "2026-04-05",
        "2026-04-05T09:30:00",
        "2026-04-05T09:30Z",
        "2026-04-05 09:30:00Z",
        "2026-04-05T09:30:00+0200",
        "2026-04-05T09:30:00+02",
        "2026-04-05T09:30:00+24:00",
        "2026-04-05T09:30:00+00:60",
        "2026-04-05T09:30:00.Z",
        "2026-04-05T09:30:00,5Z",
        "2026-04-05T09:30:00.1234567890Z",
        "2026-04-05T09:30:60Z",
        "2026-04-05T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-04-05T09:30:00Z\n",
        " 2026-04-05T09:30:00Z",
        "٢026-04-05T09:30:00Z",
        "\ud800",
    )
    events = {repr(time): event("dataset.updated") | {"time": time} for time in wrong}

    assert_each_rejected(market, events, "time")


def test_five_minutes_ahead_are_allowed_and_no_more(market: World) -> None:
    times = (
        "2026-04-05T10:05:00.000000001Z",
        "2026-04-05T10:05:01Z",
        "2026-04-05T12:05:01+02:00",
        "9999-12-31T23:59:59Z",
    )
    too_early = {time: event("dataset.updated", time) for time in times}
    just_right = [
        event("dataset.updated", time)
        for time in ("2026-04-05T10:05:00Z", "2026-04-05T12:04:59.999999999+02:00")
    ]

    assert_each_rejected(market, too_early, "time")
    assert market.send(*just_right) == ingested(202, *map(accepted, just_right))
    market.wait(seconds=1)
    late = too_early["2026-04-05T10:05:01Z"]
    assert market.send(late).body["data"] == ingested(202, accepted(late)).body["data"]


# ---------------------------------------------------------------------- other tenants


def test_an_unknown_tenant(market: World) -> None:
    sent = event("dataset.created", tenant_id="nobody", dataset_id="dset_2")

    with market.unchanged():
        answered = market.send(sent)

    assert answered == ingested(422, rejected(sent, "unknown_tenant", "There is no tenant nobody."))


@pytest.mark.parametrize("dataset_id", ["dset_none", "dset_9"], ids=["no dataset", "a foreign one"])
@pytest.mark.parametrize(
    "event_type",
    [each for each in REQUIRED if each.startswith(("dataset.u", "dataset.d", "object."))],
)
def test_a_dataset_that_the_tenant_does_not_have(
    event_type: str, dataset_id: str, market: World
) -> None:
    sent = told(event_type)
    sent["data"]["dataset_id"] = dataset_id

    with market.unchanged():
        answered = market.send(sent)

    message = f"Tenant acme has no dataset {dataset_id}."
    assert answered == ingested(422, rejected(sent, "unknown_dataset", message))


def test_a_dataset_is_its_first_owners_for_ever(market: World) -> None:
    market.send(event("dataset.deleted", tenant_id="rival", dataset_id="dset_9"))
    sent = event("dataset.created", "2026-04-05T09:59:00Z", dataset_id="dset_9")

    with market.unchanged():
        answered = market.send(sent)

    message = "Tenant acme has no dataset dset_9."
    assert answered == ingested(422, rejected(sent, "unknown_dataset", message))


def test_a_tenants_own_key_speaks_for_that_tenant(market: World) -> None:
    sent = event("object.uploaded", size_bytes=1)

    assert post_as(market, "acme", sent) == ingested(202, accepted(sent))


@pytest.mark.parametrize("scope", [Scope.EVENTS_WRITE, Scope.ADMIN])
def test_a_tenants_own_key_speaks_for_no_other(scope: Scope, market: World) -> None:
    accepted_before = event("object.uploaded", size_bytes=1)
    changed = {**accepted_before, "time": "2026-04-05T09:31:00Z"}
    new = event("object.uploaded", size_bytes=1)
    market.send(accepted_before)
    key = market.key("rival", scope)
    events = [accepted_before, changed, new]

    with market.unchanged():
        answered = market.request("POST", "/v1/events", key=key, json_body=events)

    message = "There is no tenant acme."
    assert answered == ingested(422, *[rejected(e, "unknown_tenant", message) for e in events])
