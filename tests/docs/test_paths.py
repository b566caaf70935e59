"""docs/architecture.md lists the files that an event passes through: they are followed here."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from dev import ROOT
from dev.gateway import PLATFORM
from functions.triggers.queues.generate_payout import app as generating
from tally.access.model.scopes import Scope
from tests.builders import event
from tests.world import World

# The same for every request: what all subjects share, and the way in.
_SHARED = ("kernel/", "wire/", "aws/", "http/", "access/", "limits/", "logs.py", "metrics.py")
_LAYER, _FUNCTIONS = f"{ROOT}/layers/tally/tally/", f"{ROOT}/functions/"


@contextmanager
def followed() -> Iterator[set[str]]:
    """The files in which functions are called meanwhile."""
    files: set[str] = set()

    def note(frame: FrameType, kind: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if kind != "call" or frame.f_code.co_name == "<module>":
            return
        if path.startswith(_LAYER):
            files.add(path.removeprefix(_LAYER))
        elif path.startswith(_FUNCTIONS):
            files.add(path.removeprefix(f"{ROOT}/"))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(before)


def passed(action: Callable[[], object]) -> set[str]:
    with followed() as files:
        action()
    return {path for path in files if not path.startswith(_SHARED)}


def listed() -> tuple[list[str], list[str], list[str]]:
    """Until a search is durable; until it is on a statement; and those of an identification."""
    text = (ROOT / "docs/architecture.md").read_text()
    (section,) = re.findall(r"<!-- paths -->(.*?)<!-- /paths -->", text, re.DOTALL)
    rows = [re.findall(r"`([^`]+\.py)`|\| \|", row) for row in section.splitlines() if "|" in row]
    durable = [row[0] for row in rows if row and row[0]]
    stated = [row[-1] for row in rows if row and row[-1] and row[-1] != row[0]]
    _, _, prose = section.partition("An identification")
    return durable, stated, re.findall(r"`([^`]+\.py)`", prose)


def test_a_search_passes_through_the_files_that_are_listed(world: World, monkeypatch: Any) -> None:
    world.tenant("acme")
    world.tenant("north")
    charge: dict[str, Any] = {"charged_amount": "0.45", "currency": "USD"}
    world.send(event("dataset.created", tenant_id="north"))
    search = event("search.performed", query_text="q", dataset_ids=["dset_1"], result_count=1)
    search["data"] |= charge
    durable, stated, _ = listed()

    assert passed(lambda: world.send(search)) == set(durable)

    world.wait(days=40)
    monkeypatch.setattr(generating, "default_table", lambda: world.table)
    monkeypatch.setattr(generating, "current_instant", lambda: world.now)
    monkeypatch.setenv("RESERVE_DAYS", "90")
    monkeypatch.setenv("MAX_RECEIVE_COUNT", "5")
    run = {"period": "2026-04"}
    world.request(
        "POST", "/v1/admin/payout-runs", key=world.key(PLATFORM, Scope.ADMIN), json_body=run
    )
    messages = {
        "Records": [
            {"body": body, "attributes": {"ApproximateReceiveCount": "1"}}
            for body in world.tasks.bodies
        ]
    }
    assert passed(lambda: generating.handler(messages, None)) - set(durable) == set(stated) - {""}
    assert len(durable) <= 15
    assert len(durable) + len(stated) <= 25


def test_an_identification_passes_through_the_files_that_are_listed(world: World) -> None:
    world.tenant("acme")
    world.send(event("organization.created"))
    _, _, identified = listed()

    assert passed(lambda: world.send(event("identification.recorded"))) == set(identified)
