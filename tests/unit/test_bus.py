"""Messages of the bus: what is the event in them, and when a rejected one is tried again."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tally.intake.bus import DELAYS_S, cloud_event, identity, next_try_s, read_message, tries
from tally.intake.cloudevents import read_event
from tally.kernel.events import EventConflict, InvalidEvent, Rejected, UnknownDataset, UnknownTenant
from tally.wire.json import load_json
from tests.builders import event
from tests.bus import delivered
from tests.world import NOW


class UnknownCharge(Rejected):
    code = "unknown_charge"


class UnknownOrganization(Rejected):
    code = "unknown_organization"


@pytest.mark.parametrize("number", ["0.1", "0.10", "999999999999.999999", "1E-7", "-0.0"])
def test_a_number_is_what_is_written(number: str) -> None:
    read = cloud_event(f'{{"detail": {{"data": {{"amount": {number}}}}}}}')

    (amount,) = read["data"].values()
    assert isinstance(amount, Decimal)
    assert str(amount) == str(Decimal(number))


def test_an_event_is_the_same_through_both_doors() -> None:
    sent = event("object.uploaded", size_bytes=2**53 + 1, charged=0.1)

    by_http = read_event(load_json(json.dumps(sent)), NOW)

    assert read_message(json.dumps(delivered(sent)), NOW) == by_http


@pytest.mark.parametrize(
    ("detail", "source", "kind"),
    [
        ({}, "/bus", "thing"),
        ({"source": "/own"}, "/own", "thing"),
        ({"type": "own"}, "/bus", "own"),
        ({"source": None, "type": ""}, None, ""),
    ],
    ids=str,
)
def test_what_the_event_says_itself_comes_first(detail: Any, source: Any, kind: Any) -> None:
    assert cloud_event(json.dumps(delivered(detail))) == {"source": source, "type": kind}


def test_a_field_that_nobody_gave_is_missing() -> None:
    assert cloud_event('{"source": null, "detail": {}}') == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"source": "/bus", "detail": {"id": "x"}}', ("/bus", "x")),
        ('{"detail": {"source": "/own", "id": 5}}', ("/own", None)),
        ('{"detail": 5}', (None, None)),
        ("", (None, None)),
    ],
)
def test_people_find_an_event_by_what_can_be_read(
    body: str, expected: tuple[str | None, str | None]
) -> None:
    assert identity(body) == expected


@pytest.mark.parametrize(
    "kind", [UnknownTenant, UnknownDataset, UnknownCharge, UnknownOrganization]
)
def test_what_may_be_early_is_tried_again_later_and_later(kind: type[Rejected]) -> None:
    delays = [next_try_s(kind("early"), tried) for tried in range(6)]

    assert delays == [10, 60, 300, 900, None, None]
    assert max(DELAYS_S) <= 900, "the longest that SQS delays"


@pytest.mark.parametrize("kind", [InvalidEvent, EventConflict])
def test_what_time_does_not_heal_is_not_tried_again(kind: type[Rejected]) -> None:
    assert next_try_s(kind("wrong"), 0) is None


def test_tries_are_counted_by_the_message() -> None:
    assert tries({}) == 0
    assert tries({"tries": {"stringValue": "3", "dataType": "String"}}) == 3


def test_no_json_is_no_event_and_says_why() -> None:
    reading = read_message("{", NOW)

    assert isinstance(reading, InvalidEvent)
    assert reading.field == "body"
