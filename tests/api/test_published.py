"""The metrics that functions publish in their log lines."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from functions.triggers.queues.generate_payout import app as generating
from functions.triggers.schedule.check_books import app as checking_books
from functions.triggers.schedule.check_counters import app as checking_counters
from functions.triggers.schedule.start_payouts import app as starting
from functions.triggers.schedule.verify_payouts import app as verifying
from functions.triggers.stream.count_changes import app as counting
from tally.metrics import Metric, measured
from tests import builders
from tests.api.logs import lines_of, written_text
from tests.builders import event
from tests.world import World

NORTHS: dict[str, Any] = {"tenant_id": "north"}
SERVICE = {"service": "tally", "level": "INFO"}


def logged(action: Callable[[], object], message: str) -> list[dict[str, Any]]:
    """The lines with this message that are written meanwhile."""
    with written_text() as texts:
        action()
    return [line for line in lines_of(texts) if line["message"] == message]


@pytest.fixture
def market(world: World) -> World:
    """acme buys what is north's."""
    return builders.market(world, "acme", north=["dset_1"])


def in_world(world: World, monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> ModuleType:
    """A function's module, with the world's table and time."""
    for name, value in (("RESERVE_DAYS", "90"), ("MAX_RECEIVE_COUNT", "5")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(module, "default_table", lambda: world.table)
    monkeypatch.setattr(module, "current_instant", lambda: world.now)
    return module


def test_events_by_their_outcome(market: World) -> None:
    good, wrong = (event("object.uploaded", **NORTHS, size_bytes=size) for size in (1, -1))
    unknown = event("dataset.created", tenant_id="nobody", dataset_id="dset_9")

    with written_text() as texts:
        market.send(good, good, wrong, unknown, unknown)

    lines = [{k: v for k, v in line.items() if k not in SERVICE} for line in lines_of(texts)][:-1]
    now, about = market.now, {"request_id": "req_00000000"}
    assert lines == [
        {
            "message": "events ingested",
            **about,
            **measured(now, {Metric.ACCEPTED: 1, Metric.DUPLICATES: 1}),
        },
        *(
            {
                "message": "events rejected",
                **about,
                **measured(now, {Metric.REJECTED: count}, code=code),
            }
            for code, count in (("invalid_event", 1), ("unknown_tenant", 2))
        ),
    ]


def test_changes_and_how_long_the_oldest_waited(
    market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.deliver()
    market.send(event("object.uploaded", **NORTHS, size_bytes=1))
    market.wait(seconds=40)
    market.send(event("object.uploaded", **NORTHS, object_id="obj_2", size_bytes=1))
    market.wait(seconds=5)
    module = in_world(market, monkeypatch, counting)
    batch = {"Records": market.new_stream_records()}

    (line,) = logged(lambda: module.handler(batch, None), "batch counted")

    values = {Metric.COUNTED: 2, Metric.PARKED: 0, Metric.LAG_S: 45}
    assert line == {
        **SERVICE,
        "message": "batch counted",
        "records": 2,
        "already_counted": 0,
        "without_effect": 0,
        **measured(market.now, values),
    }


def test_a_parked_change_counts_once_and_may_not_say_when_it_was_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = in_world(world, monkeypatch, counting)
    poison = {"eventID": "1", "dynamodb": {"Keys": {}, "NewImage": {"SK": {"S": "DATASET"}}}}

    lines = [
        line
        for _ in range(2)
        for line in logged(lambda: module.handler({"Records": [poison]}, None), "batch counted")
    ]

    assert [line["parked"] for line in lines] == [1, 0]
    assert not [line for line in lines if Metric.LAG_S in line]


def test_payouts_from_the_start_of_a_run_to_its_end(
    market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    charge = {"kind": "download", "charged_amount": "1.00", "currency": "USD"}
    market.import_history(
        event("dataset.accessed", "2026-03-05T09:30:00Z", tenant_id="acme", **charge)
    )
    start = in_world(market, monkeypatch, starting)
    monkeypatch.setattr(start, "payout_tasks", lambda: market.tasks)
    generate = in_world(market, monkeypatch, generating)

    (started,) = logged(lambda: start.handler({}, None), "payout run started")
    (body,) = market.tasks.bodies
    task = {"body": body, "attributes": {"ApproximateReceiveCount": "1"}}
    (done,) = logged(lambda: generate.handler({"Records": [task]}, None), "provider done")

    assert started["unfinished_payouts"] == 1
    assert started["_aws"] == measured(market.now, {Metric.UNFINISHED_PAYOUTS: 1})["_aws"]
    values = {Metric.STATEMENTS: 1, Metric.UNFINISHED_PAYOUTS: 0}
    assert done == {
        **SERVICE,
        "message": "provider done",
        "run_id": "run_2026-03",
        "tenant": "north",
        "outcome": "generated",
        **measured(market.now, values),
    }


@pytest.mark.parametrize(
    ("module", "message", "checked"),
    [
        (checking_counters, "counters checked", 4),
        (checking_books, "books checked", 0),
        (verifying, "statements verified", 0),
    ],
)
def test_a_check_says_how_far_it_came(
    module: ModuleType, message: str, checked: int, market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three tenants and the payout runs; nothing was sold."""
    market.deliver()
    check = in_world(market, monkeypatch, module)

    (line,) = logged(lambda: check.handler({}, None), message)

    assert line == {
        **SERVICE,
        "message": message,
        "checked": checked,
        "wrong": {},
        "differences": [],
        "skipped": [],
        "complete": True,
    }


def test_books_that_take_too_long_are_an_error(
    market: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.send(
        event(
            "dataset.accessed",
            tenant_id="acme",
            kind="download",
            charged_amount="1.00",
            currency="USD",
        )
    )
    check = in_world(market, monkeypatch, checking_books)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 59_000)

    (line,) = logged(lambda: check.handler({}, context), "books not checked")

    reason = "Time ran out after 0 items of PERIODS."
    assert line == {**SERVICE, "level": "ERROR", "message": "books not checked", "reason": reason}
