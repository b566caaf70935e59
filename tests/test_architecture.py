"""What a reader may rely on in every module: pure cores, small units, keys built in one place.

Which room may import which is checked by import-linter (pyproject.toml).
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from dev import ROOT
from tally.kernel.counters import Totals
from tally.kernel.keys import Key

LAYER = ROOT / "layers" / "tally"
MODULES = sorted(
    path
    for root in (LAYER / "tally", ROOT / "functions", ROOT / "ops", ROOT / "dev")
    for path in root.rglob("*.py")
)
DEPLOYED = [path for path in MODULES if not path.is_relative_to(ROOT / "dev")]
IN_LAYER = [path for path in MODULES if path.is_relative_to(LAYER)]
MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 50

# The parts of a subject that are pure, be they modules or packages.
PURE_PARTS = ("model", "items", "counters")
BUILD_KEYS = ("items.py", "counters.py")
MAY_BUILD_KEYS_TOO = {
    "layers/tally/tally/kernel/counted.py",  # tells a prefix by its end
    "layers/tally/tally/kernel/events.py",  # the key of an event's mark, which is no subject's
}
# In DynamoDB's expressions, `#name` stands for an attribute.
ATTRIBUTE_NAME = re.compile(r"(?<![\w}])#(?=[a-z{])")


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


# ------------------------------------------------------------------------- purity


def module_name(path: Path) -> str:
    parts = path.relative_to(LAYER).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def is_pure(module: str) -> bool:
    root, *rest = module.split(".")
    if root != "tally" or not rest or rest[0] == "aws":
        return False
    return rest[0] == "kernel" or any(part in PURE_PARTS for part in rest[1:2])


PURE = [path for path in IN_LAYER if is_pure(module_name(path))]


def imported_by(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.module
            assert node.level == 0
            yield node.module


def test_each_subject_has_a_pure_core() -> None:
    assert {module_name(path).split(".")[1] for path in PURE} == {
        *("kernel", "access", "catalog", "ledger", "activity", "partners", "payouts"),
        *("audit", "counting", "limits", "operations"),
    }


@pytest.mark.parametrize("path", PURE, ids=shown)
def test_pure_modules_import_the_standard_library_and_each_other(path: Path) -> None:
    assert [
        name
        for name in imported_by(path)
        if name.partition(".")[0] not in sys.stdlib_module_names and not is_pure(name)
    ] == []


# --------------------------------------------------------------------------- size


def test_modules_are_short() -> None:
    lines = {shown(path): path.read_bytes().count(b"\n") for path in MODULES}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_functions_are_short() -> None:
    lines = {
        f"{shown(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: n for name, n in lines.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


# --------------------------------------------------------------------- what it is for


def is_function(package: Path) -> bool:
    """A Lambda function's own folder: its `app.py` says what it does."""
    return (package.parent / "app.py").exists()


def test_every_package_says_what_belongs_there() -> None:
    packages = [path for path in MODULES if path.name == "__init__.py" and not is_function(path)]
    said = {shown(path): ast.get_docstring(tree_of(path)) or "" for path in packages}
    assert [name for name, text in said.items() if len(text) < 40 or "TODO" in text] == []


def test_every_function_says_what_it_does() -> None:
    apps = [path for path in MODULES if path.name == "app.py"]
    assert apps
    assert [shown(path) for path in apps if not ast.get_docstring(tree_of(path))] == []


# --------------------------------------------------------------------------- keys


def texts_of(path: Path) -> Iterator[str]:
    """The string literals of a module, `{}` for what is filled in; no docstrings."""
    tree = tree_of(path)
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
        elif isinstance(node, ast.Constant) and id(node) not in skipped:
            yield node.value if isinstance(node.value, str) else ""


def builds_keys(path: Path) -> bool:
    return path in IN_LAYER and (path.name in BUILD_KEYS or shown(path) in MAY_BUILD_KEYS_TOO)


def test_keys_are_built_in_one_place_per_subject() -> None:
    """A key's parts are joined by `#`, which no other text of what is deployed contains."""
    assert [
        shown(path)
        for path in DEPLOYED
        if not builds_keys(path)
        and any("#" in ATTRIBUTE_NAME.sub("", text) for text in texts_of(path))
    ] == []


def filled_in(of: Any) -> Mapping[str, Any]:
    """Arguments for a key: `*` for each text that is filled into it; no id contains a `#`."""
    hints = get_type_hints(of.__init__ if inspect.isclass(of) else of)
    return {name: 0 if hints.get(name) is int else "*" for name in inspect.signature(of).parameters}


def keys_of(path: Path) -> Iterator[tuple[str, Key]]:
    """The keys that a module builds, each with the name of what builds it."""
    for name, made in vars(import_module(module_name(path))).items():
        if getattr(made, "__module__", None) != module_name(path) or made is Totals:
            continue
        if name.startswith("key_of_"):  # of a record, by a function that is looked at itself
            continue
        if inspect.isfunction(made) and get_type_hints(made).get("return") is Key:
            yield name, made(**filled_in(made))
        elif inspect.isclass(made) and issubclass(made, Totals) and "key" in vars(made):
            counter: Totals = made(**filled_in(made))
            yield name, counter.key


def subject(path: Path) -> str:
    return module_name(path).split(".")[1]


KEYS = [
    (subject(path), name, key)
    for path in IN_LAYER
    if builds_keys(path)
    for name, key in keys_of(path)
]
PREFIXES = [
    (subject(path), prefix)
    for path in IN_LAYER
    if path.name == "items.py"
    for name, prefix in vars(import_module(module_name(path))).items()
    if name.endswith("_PREFIX")
]


def may_be_equal(one: str, other: str) -> bool:
    """Whether a text fits both: their parts are equal in pairs, or filled in."""
    parts, other_parts = one.split("#"), other.split("#")
    if len(parts) != len(other_parts):
        return False
    return all(a == b or "*" in {a, b} for a, b in zip(parts, other_parts, strict=True))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("A", "A", True),
        ("A", "B", False),
        ("A#*", "A#*", True),
        ("A#*", "A#B", True),
        ("A#*", "A", False),
        ("A#*#B", "A#*#C", False),
    ],
)
def test_what_may_be_equal(one: str, other: str, expected: bool) -> None:  # noqa: FBT001
    assert may_be_equal(one, other) is expected


def test_no_two_subjects_build_the_same_key() -> None:
    assert len(KEYS) > 30
    assert [
        (one, other)
        for (subject, one, key), (other_subject, other, other_key) in combinations(KEYS, 2)
        if subject != other_subject
        and may_be_equal(key.pk, other_key.pk)
        and may_be_equal(key.sk, other_key.sk)
    ] == []


def test_no_subject_finds_another_one_s_items_by_prefix() -> None:
    assert len(PREFIXES) > 10
    assert [
        (prefix, name)
        for subject, prefix in PREFIXES
        for other_subject, name, key in KEYS
        if subject != other_subject and key.sk.startswith(prefix)
    ] == []
