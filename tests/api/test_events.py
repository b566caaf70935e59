"""POST /v1/events: what is a request, and what is answered."""

from __future__ import annotations

import json

import pytest

from dev.gateway import PLATFORM, proxy_event
from tally.access.model.scopes import Scope
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
from tests.api.posting import JSON, post
from tests.builders import charged_market, event
from tests.world import World

MIB = 1024 * 1024
ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@pytest.fixture
def market(world: World) -> World:
    return charged_market(world)


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "The body is not valid JSON: Expecting value at line 1, column 1."),
        ("[", "The body is not valid JSON: Expecting value at line 1, column 2."),
        ("[] []", "The body is not valid JSON: Extra data at line 1, column 4."),
        ("{'id': 1}", None),
        ("\ufeff[]", None),
        ('["\n"]', None),
        ('[{"x": NaN}]', "The body is not valid JSON: NaN is not a JSON number."),
        ('[{"x": Infinity}]', "The body is not valid JSON: Infinity is not a JSON number."),
        ('[{"x": -Infinity}]', "The body is not valid JSON: -Infinity is not a JSON number."),
        (b'[{"id": "\xff"}]', "The body is not valid UTF-8."),
        (b'[{"id": "\xed\xa0\x80"}]', "The body is not valid UTF-8."),
        ("[]".encode("utf-16"), "The body is not valid UTF-8."),
        ("[" * 100_000, "The body is nested too deeply."),
        ('{"data":' * 100_000, "The body is nested too deeply."),
        (f'[{{"x": {"9" * 5000}}}]', "The body contains a number that is too long."),
        ('[{"x": 1e999999999999999999999}]', "The body contains a number that is too long."),
        ('[{"x": 1e-999999999999999999999}]', "The body contains a number that is too long."),
        ('[{"x": 1e999999999}]', "The body contains a number that is too long."),
        ('[{"x": -0.0e-999999999}]', "The body contains a number that is too long."),
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

    message = "data.dataset_id: tenant acme has no dataset dset_none."
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

    empty = "data.name: must have 1 or more characters"
    assert answered == ingested(
        207,
        rejected(
            orphan, "unknown_dataset", "data.dataset_id: tenant acme has no dataset dset_none."
        ),
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
