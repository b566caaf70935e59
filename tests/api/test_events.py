"""POST /v1/events: what is a request, what is a repetition, and who may speak for whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tally.domain.scopes import Scope
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
from tests.api.posting import CONFLICT, JSON, REQUIRED, open_market, post, post_as, told
from tests.world import PLATFORM, World, event, proxy_event

MIB = 1024 * 1024
ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@pytest.fixture
def market(world: World) -> World:
    return open_market(world)


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
def test_events_may_be_sent_as(content_type: str | None, in_batch: bool, market: World) -> None:  # noqa: FBT001  pytest gives it by name
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


# ---------------------------------------------------------------------- other tenants


def test_an_unknown_tenant(market: World) -> None:
    nobody = {"tenant_id": "nobody", "partner_id": "nobody"}
    events = [told(event_type, **nobody) for event_type in REQUIRED]

    with market.unchanged():
        answered = market.send(*events)

    message = "There is no tenant nobody."
    assert answered == ingested(422, *[rejected(e, "unknown_tenant", message) for e in events])


@pytest.mark.parametrize("dataset_id", ["dset_none", "dset_9"], ids=["no dataset", "a foreign one"])
@pytest.mark.parametrize(
    "event_type",
    [each for each in REQUIRED if each.startswith(("dataset.u", "dataset.d", "object."))],
)
def test_a_dataset_that_the_tenant_does_not_have(
    event_type: str, dataset_id: str, market: World
) -> None:
    sent = told(event_type, dataset_id=dataset_id)

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
    """It does not even learn which events there are."""
    accepted_before = event("object.uploaded", size_bytes=1)
    changed = {**accepted_before, "time": "2026-04-05T09:31:00Z"}
    new = [told(event_type) for event_type in REQUIRED]
    market.send(accepted_before)
    key = market.key("rival", scope)
    events = [accepted_before, changed, *new]

    with market.unchanged():
        answered = market.request("POST", "/v1/events", key=key, json_body=events)

    message = "There is no tenant acme."
    assert answered == ingested(422, *[rejected(e, "unknown_tenant", message) for e in events])
