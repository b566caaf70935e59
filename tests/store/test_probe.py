"""The probe: one event from the API into a dashboard and out again, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from dev.gateway import PLATFORM
from tally.access.api_keys import api_key_totals, list_api_keys
from tally.operations.calls import Reply
from tally.operations.probe import Passed, ProbeFailed, Prober, Timing
from tests.world import World

TENANT = "tally-probe"

type Fault = Callable[[str, str, Any], Reply | None]


def _no_fault(_method: str, _path: str, _body: Any) -> Reply | None:
    return None


@dataclass
class Deployed:
    """A world as a probe sees it: time passes while it sleeps, and the stream runs meanwhile.

    `fault` may answer in the API's place, or raise.
    """

    world: World
    counts: bool = True
    fault: Fault = _no_fault
    elapsed: float = 0.0
    sent: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, api_key: str, body: Any) -> Reply:
        if body:
            self.sent.append(body["type"])
        if faulty := self.fault(method, path, body):
            return faulty
        answer = self.world.request(method, path, key=api_key, json_body=body)
        return Reply(answer.status, answer.body)

    def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
        self.world.wait(seconds=seconds)
        if self.counts:
            self.world.deliver()

    def probe(self) -> Passed:
        timing = Timing(
            patience_s=60,
            sleep=self.sleep,
            monotonic=lambda: self.elapsed,
            now=lambda: self.world.now,
        )
        return Prober(self.world.table, PLATFORM, TENANT, self.call, timing).run()

    def datasets(self) -> int:
        self.world.deliver()
        shown: int = self.world.get("/v1/provider/dashboard", TENANT)["total_datasets"]
        return shown


@pytest.fixture
def deployed(world: World) -> Deployed:
    return Deployed(world)


def assert_no_key_is_left(world: World) -> None:
    for tenant_id in (PLATFORM, TENANT):
        assert list_api_keys(world.table, tenant_id, limit=10).rows == []
        totals = api_key_totals(world.table, tenant_id)
        assert (totals["api_keys"], totals["active_api_keys"]) == (0, 0)


def test_an_event_is_counted_and_taken_back(deployed: Deployed) -> None:
    assert deployed.probe() == Passed(counted_s=0.5, uncounted_s=0.5)

    assert deployed.sent == ["dataset.created", "dataset.deleted"]
    assert_no_key_is_left(deployed.world)
    assert deployed.datasets() == 0


def test_it_can_be_repeated(deployed: Deployed) -> None:
    assert deployed.probe() == deployed.probe() == Passed(counted_s=0.5, uncounted_s=0.5)


def test_what_a_killed_probe_left_is_removed_first(deployed: Deployed) -> None:
    def killed(_method: str, _path: str, body: Any) -> Reply | None:
        if body and body["type"] == "dataset.deleted":
            raise SystemExit
        return None

    deployed.fault = killed
    with pytest.raises(SystemExit):
        deployed.probe()
    assert deployed.datasets() == 1

    deployed.fault = _no_fault
    assert deployed.probe() == Passed(counted_s=0.5, uncounted_s=0.5)


def test_the_api_is_down(deployed: Deployed) -> None:
    def down(_method: str, _path: str, _body: Any) -> Reply | None:
        raise ConnectionRefusedError(111, "Connection refused")

    deployed.fault = down
    with pytest.raises(ProbeFailed) as failed:
        deployed.probe()

    message = "GET /v1/provider/dashboard got no answer: [Errno 111] Connection refused"
    assert str(failed.value) == message
    assert deployed.elapsed == 60
    assert_no_key_is_left(deployed.world)


def test_the_count_never_arrives(deployed: Deployed) -> None:
    deployed.counts = False
    with pytest.raises(ProbeFailed) as failed:
        deployed.probe()

    assert str(failed.value) == (
        "dataset.created was accepted, but 60 s later the dashboard's total_datasets is "
        "still 0, not 1. See the log of CountChanges."
    )
    assert deployed.sent == ["dataset.created", "dataset.deleted"]
    assert_no_key_is_left(deployed.world)
    assert deployed.datasets() == 0


def test_the_count_never_goes(deployed: Deployed) -> None:
    def stuck(_method: str, _path: str, body: Any) -> Reply | None:
        if body and body["type"] == "dataset.deleted":
            deployed.counts = False
        return None

    deployed.fault = stuck
    with pytest.raises(ProbeFailed) as failed:
        deployed.probe()

    assert str(failed.value) == (
        "dataset.deleted was accepted, but 60 s later the dashboard's total_datasets is "
        "still 1, not 0. See the log of CountChanges."
    )
    assert_no_key_is_left(deployed.world)
    assert deployed.datasets() == 0


def test_an_event_is_refused(deployed: Deployed) -> None:
    """No patience helps against a refusal."""
    deployed.fault = lambda method, *_: (
        Reply(422, {"data": {"rejected": 1}}) if method == "POST" else None
    )
    with pytest.raises(ProbeFailed) as failed:
        deployed.probe()

    message = "POST /v1/events was answered with 422: {'data': {'rejected': 1}}"
    assert str(failed.value) == message
    assert deployed.elapsed == 0
    assert_no_key_is_left(deployed.world)


@pytest.mark.parametrize("status", [403, 404, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again_with_the_same_event(deployed: Deployed, status: int) -> None:
    ids = []

    def at_first(_method: str, _path: str, body: Any) -> Reply | None:
        ids.append((body or {}).get("id"))
        return Reply(status, {}) if len(ids) <= 4 and len(ids) % 2 else None

    deployed.fault = at_first

    deployed.probe()

    assert ids[2] == ids[3] is not None
    assert deployed.datasets() == 0


def test_an_answer_that_got_lost(deployed: Deployed) -> None:
    """The event is sent again, and is a duplicate."""
    lost = iter([True])

    def after_the_fact(method: str, path: str, body: Any) -> Reply | None:
        if body and next(lost, False):
            key = deployed.world.key(PLATFORM)
            assert deployed.world.request(method, path, key=key, json_body=body).status == 202
            raise TimeoutError("The read operation timed out")
        return None

    deployed.fault = after_the_fact

    assert deployed.probe() == Passed(counted_s=0.0, uncounted_s=0.5)
    assert deployed.datasets() == 0
