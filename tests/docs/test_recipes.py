"""The recipes of CONTRIBUTING.md, followed in a copy of the tree: they work, in as few files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from dev import ROOT

_RECIPE = re.compile(r"<!-- recipe: (.+?) -->\n(.*?)<!-- /recipe -->", re.DOTALL)
_BLOCK = re.compile(
    r'^ *```\w+ file=(\S+)(?: (before|after|replace)="([^"]+)")?\n(.*?)^ *```$',
    re.DOTALL | re.MULTILINE,
)
# A route's sample is copied by hand: the recipe says how.
_SAMPLE = "events/ProviderReviews.json"

_IN_THE_COPY = """
import json
from tally.access.model.scopes import Scope
from tally.activity.counters import SearchHourTotals
from tally.catalog.reviews import ReviewTotals
from tally.counting.recount import recount
from tests.builders import event
from tests.world import new_world

with new_world() as world:
    world.tenant("acme")
    sent = world.send(
        event("dataset.created"),
        event("dataset.reviewed", id="r1", stars=5),
        event("dataset.reviewed", id="r1", stars=5),
        event("dataset.reviewed", stars=2),
        event("dataset.reviewed", stars=6),
        event("dataset.reviewed", dataset_id="dset_9", stars=1),
        event("search.performed", query_text="q", dataset_ids=["dset_1"], result_count=1,
              charged_amount="0.45", currency="USD"),
    )
    world.deliver()
    answer = world.get("/v1/provider/reviews", "acme", Scope.USAGE_READ)
    before = recount(world.table, "acme", sleep=lambda _: None)
    for totals in (ReviewTotals("acme"), SearchHourTotals("acme", "2026-04-05T09")):
        world.table.transact([world.table.add(totals.key, {totals.FIELDS[0]: 1})])
    after = recount(world.table, "acme", sleep=lambda _: None)
    print(json.dumps({
        "results": [result["status"] for result in sent.body["data"]["results"]],
        "answer": answer,
        "drift before": [str(drift) for drift in before],
        "drift after": [str(drift) for drift in after],
    }))
"""


class Edit(NamedTuple):
    """A block of a recipe: a new file, or lines at the first line with an anchor."""

    path: str
    where: str
    anchor: str
    text: str

    def apply(self, tree: Path) -> None:
        file = tree / self.path
        if not self.where:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.text)
            (file.parent / "__init__.py").touch()
            return
        lines = file.read_text().splitlines(keepends=True)
        at = next((n for n, line in enumerate(lines) if self.anchor in line), None)
        assert at is not None, f"{self.path} has no line with {self.anchor!r}"
        start, stop = {"before": (at, at), "after": (at + 1, at + 1), "replace": (at, at + 1)}[
            self.where
        ]
        lines[start:stop] = [self.text]
        file.write_text("".join(lines))


def recipes() -> dict[str, list[Edit]]:
    """Recipe -> its edits, as CONTRIBUTING.md has them."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return {
        name: [Edit(path, where, anchor, code) for path, where, anchor, code in blocks]
        for name, body in _RECIPE.findall(text)
        for blocks in [_outdented(body)]
    }


def _outdented(body: str) -> list[tuple[str, str, str, str]]:
    """Blocks stand in a numbered list, three spaces deep."""
    text = "\n".join(line.removeprefix("   ") for line in body.splitlines()) + "\n"
    return _BLOCK.findall(text)


@pytest.mark.parametrize(("recipe", "most"), [("event type", 4), ("counter", 2), ("route", 3)])
def test_a_recipe_touches_few_files(recipe: str, most: int) -> None:
    files = {edit.path for edit in recipes()[recipe]}

    assert 0 < len(files | ({_SAMPLE} if recipe == "route" else set())) <= most


@pytest.mark.slow
def test_the_recipes_work(tmp_path: Path) -> None:
    for folder in ("layers", "functions", "events", "dev", "ops", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "template.yaml", tmp_path)
    for recipe in ("event type", "counter", "route"):
        for edit in recipes()[recipe]:
            edit.apply(tmp_path)

    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", _IN_THE_COPY],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}/layers/tally:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "results": [
            "accepted",
            "accepted",
            "duplicate",
            "accepted",
            "rejected",
            "rejected",
            "accepted",
        ],
        "answer": {"reviews": 2, "stars": 7},
        "drift before": [],
        "drift after": [
            "TENANT#acme / TOTALS#REVIEWS: reviews is 3, its records say 2",
            "TENANT#acme / TOTALS#SEARCHES#2026-04-05T09: searches is 2, its records say 1",
        ],
    }
