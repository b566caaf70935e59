"""docs/hardening.md names tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from dev import ROOT

_PAGE = (ROOT / "docs/hardening.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", _PAGE)


@pytest.mark.parametrize(("path", "test"), NAMED)
def test_a_test_that_the_page_names_is_there(path: str, test: str) -> None:
    tree = ast.parse((ROOT / path).read_text())

    assert test in {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_each_finding_names_its_tests() -> None:
    rows = [
        row for row in _PAGE.splitlines() if row.startswith("| ") and "what holds now" not in row
    ]

    assert rows
    assert [row for row in rows if not re.search(r"`tests/[\w/]+\.py::\w+`", row)] == []
