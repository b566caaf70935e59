"""The canary: a probe that leaves the table as it was, however often it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dev.gateway import PLATFORM
from functions.triggers.schedule.run_canary import app
from tally.metrics import Metric, measured
from tally.operations.canary import TENANT_ID, run_canary
from tally.operations.probe import Passed, ProbeFailed, Prober, Timing
from tests.api.logs import lines_of, written_text
from tests.store.test_probe import Deployed
from tests.world import World


@pytest.fixture
def deployed(world: World) -> Deployed:
    return Deployed(world)


def prober(deployed: Deployed) -> Prober:
    timing = Timing(
        patience_s=60,
        sleep=deployed.sleep,
        monotonic=lambda: deployed.elapsed,
        now=lambda: deployed.world.now,
    )
    return Prober(deployed.world.table, PLATFORM, TENANT_ID, deployed.call, timing)


def kept(world: World) -> list[tuple[str, str]]:
    """The keys of all items that do not expire."""
    return sorted((i["PK"]["S"], i["SK"]["S"]) for i in world.items() if "ttl" not in i)


def test_it_passes_and_what_it_keeps_does_not_grow(deployed: Deployed) -> None:
    assert run_canary(prober(deployed)) == Passed(counted_s=0.5, uncounted_s=0.5)
    before = kept(deployed.world)

    for _ in range(3):
        run_canary(prober(deployed))

    assert kept(deployed.world) == before
    assert before == sorted(
        [
            ("MARKERS", "SHARED"),
            ("SERIES", "SINCE"),
            ("AUDIT#2026-04", "DAYS"),
            ("TENANTS", "TENANT#platform"),
            ("TENANTS", "TENANT#tally-canary"),
            ("TENANTS", "TOTAL"),
            ("TENANT#platform", "TENANT"),
            ("TENANT#platform", "TOTALS#APIKEYS"),
            ("TENANT#tally-canary", "TENANT"),
            ("TENANT#tally-canary", "TOTALS#APIKEYS"),
            ("TENANT#tally-canary", "TOTALS#PROVIDER"),
            ("TENANT#tally-canary", "DATASET#dset_tally-canary"),
            ("DATASET#dset_tally-canary", "DATASET"),
        ]
    )


def test_it_fails_when_nothing_is_counted_and_recovers(deployed: Deployed) -> None:
    deployed.counts = False
    with pytest.raises(ProbeFailed, match="was accepted, but"):
        run_canary(prober(deployed))
    deployed.counts = True
    deployed.world.deliver()
    deployed.world.wait(minutes=5)

    assert run_canary(prober(deployed)).counted_s == 0.5


def test_the_metrics_move(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    world = deployed.world
    now = world.now
    monkeypatch.setenv("PLATFORM_TENANT_ID", PLATFORM)
    monkeypatch.setattr(app, "default_table", lambda: world.table)
    monkeypatch.setattr(app, "call_api", deployed.call)
    monkeypatch.setattr(app, "current_instant", lambda: now)
    monkeypatch.setattr(
        app, "Timing", lambda patience_s: replace(prober(deployed).timing, patience_s=patience_s)
    )

    with written_text() as lines:
        app.handler({}, None)
        deployed.counts = False
        app.handler({}, None)

    passed, failed = [line for line in lines_of(lines) if line["message"].startswith("canary")]
    assert published(passed) == measured(now, {Metric.CANARY_PASSED: 1, Metric.CANARY_S: 0.5})
    assert published(failed) == measured(now, {Metric.CANARY_PASSED: 0})
    assert failed["reason"].startswith("dataset.created was accepted, but")
    assert (passed["level"], failed["level"]) == ("INFO", "WARNING")


def published(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name.startswith(("canary_", "_aws"))}
