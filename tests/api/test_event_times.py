"""POST /v1/events: what the time of an event may be."""

from __future__ import annotations

import pytest

from tests.api.answers import accepted, duplicate, ingested, rejected
from tests.api.posting import NO_TEXT, assert_each_rejected
from tests.builders import charged_market, event, told
from tests.world import World


@pytest.fixture
def market(world: World) -> World:
    return charged_market(world)


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
        "2000-01-01T00:00:00Z": "2000-01-01T05:45:00+05:45",
        "2016-12-31T23:59:60Z": "2016-12-31T23:59:59.999999999Z",
        "2015-06-30T16:59:60.5-07:00": "2015-06-30T23:59:60Z",
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
        "2026-04-04T23:59:61Z",
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


@pytest.mark.parametrize("backfill", [False, True])
def test_nothing_happened_before_the_year_2000(
    backfill: bool,  # noqa: FBT001  pytest gives it by name
    market: World,
) -> None:
    """Not in imported history either: no run could state such a month."""
    times = ("1999-12-31T23:59:59.999999999Z", "2000-01-01T00:29:59+00:30", "0999-03-05T00:00:00Z")
    sent = [told("dataset.accessed", time) for time in times]
    send = market.import_history if backfill else market.send

    answered = send(*sent)

    reason = "time: must not be before 2000-01-01"
    assert answered == ingested(422, *[rejected(each, "invalid_event", reason) for each in sent])


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
