"""docs/hardening.md and docs/production.md name tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from dev import ROOT

_HARDENING, _PRODUCTION = (
    (ROOT / "docs" / name).read_text() for name in ("hardening.md", "production.md")
)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def named_in(text: str) -> list[tuple[str, str]]:
    """Path and name."""
    return _TEST.findall(text)


def rows(text: str, header: str) -> list[str]:
    """The rows of all tables with this header."""
    tables = re.findall(rf"^{re.escape(header)}\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()]


@pytest.mark.parametrize(("path", "test"), _TEST.findall(_HARDENING + _PRODUCTION))
def test_a_test_that_a_page_names_is_there(path: str, test: str) -> None:
    tree = ast.parse((ROOT / path).read_text())

    assert test in {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (_HARDENING, "| what was tried | what holds now | tests |"),
        (_HARDENING, "| what happened | what holds now | tests |"),
        (_PRODUCTION, "| on AWS | how Tally handles it | tests |"),
    ],
    ids=["attacks", "faults", "differences"],
)
def test_each_row_names_its_tests(text: str, header: str) -> None:
    found = rows(text, header)

    assert len(found) > 10
    assert [row for row in found if not _TEST.search(row)] == []
