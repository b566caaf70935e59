"""SECURITY.md: each promise names tests, and they exist."""

from __future__ import annotations

import ast

import pytest

from dev import ROOT
from tests.docs.test_hardening import named_in, rows

SECURITY = (ROOT / "SECURITY.md").read_text()


@pytest.mark.parametrize(("path", "test"), named_in(SECURITY))
def test_a_test_that_a_promise_names_is_there(path: str, test: str) -> None:
    tree = ast.parse((ROOT / path).read_text())

    assert test in {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_each_promise_names_its_tests() -> None:
    promises = rows(SECURITY, "| promise | how | tests |")

    assert len(promises) > 10
    assert [row for row in promises if not named_in(row)] == []
