"""DynamoDB's expressions, as far as Tally writes them. Anything else raises Unsupported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

type Item = Mapping[str, Any]
"""In wire format, as `tally.aws.items` writes it."""
type Names = tuple[tuple[str, str], ...]
"""What `#name` stands for."""
type Operand = Callable[[Item, Item], Any]
"""(item, bound values) -> a value in wire format, or None."""
type Test = Callable[[Item, Item], bool]
type Change = Callable[[Item, Item], dict[str, Any]]

_TOKEN = re.compile(r"\s*([(),]|<=|>=|<>|[=<>]|[#:]\w+|[A-Za-z_]\w*)")
_KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "SET", "ADD", "REMOVE", "DELETE"})
_MOST_DIGITS = 38


class Unsupported(Exception):
    """An expression that the model does not know. Teach it, if DynamoDB does."""


class WrongType(Exception):
    """An update that DynamoDB refuses for the item as it is."""


class Bounds(NamedTuple):
    """A key condition: one partition, and where in it. The values' names."""

    hash_value: str
    prefix: str | None = None
    between: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Compiled[F]:
    """`used`: the `#names` and `:values` in it; DynamoDB wants just these to be given."""

    run: F
    used: frozenset[str]


@lru_cache(4096)
def condition(text: str, names: Names) -> Compiled[Test]:
    parser = _Parser(text, dict(names))
    test = parser.condition()
    parser.end()
    return Compiled(test, frozenset(parser.used))


@lru_cache(4096)
def update(text: str, names: Names) -> Compiled[Change]:
    parser = _Parser(text, dict(names))
    steps = list(parser.clauses())
    paths = [path for path, _ in steps]
    if len(set(paths)) < len(paths):
        raise Unsupported(f"an attribute twice: {text}")

    def run(item: Item, bound: Item) -> dict[str, Any]:
        changed = dict(item)
        for path, value in steps:
            if value is None:
                changed.pop(path, None)
            else:
                changed[path] = value(item, bound)
        return changed

    return Compiled(run, frozenset(parser.used))


@lru_cache(4096)
def projection(text: str, names: Names) -> Compiled[tuple[str, ...]]:
    parser = _Parser(text, dict(names))
    paths = [parser.path()]
    while parser.accept(","):
        paths.append(parser.path())
    parser.end()
    return Compiled(tuple(paths), frozenset(parser.used))


@lru_cache(4096)
def key_condition(text: str, names: Names, hash_key: str, range_key: str) -> Compiled[Bounds]:
    parser = _Parser(text, dict(names))
    if parser.path() != hash_key:
        raise Unsupported(text)
    parser.expect("=")
    bounds = Bounds(parser.value())
    if parser.accept("AND"):
        if parser.accept("begins_with"):
            parser.expect("(")
            path = parser.path()
            parser.expect(",")
            bounds = bounds._replace(prefix=parser.value())
            parser.expect(")")
        else:
            path = parser.path()
            parser.expect("BETWEEN")
            first = parser.value()
            parser.expect("AND")
            bounds = bounds._replace(between=(first, parser.value()))
        if path != range_key:
            raise Unsupported(text)
    parser.end()
    return Compiled(bounds, frozenset(parser.used))


@dataclass(slots=True)
class _Parser:
    text: str
    names: Mapping[str, str]
    used: set[str] = field(default_factory=set)
    _tokens: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._tokens = list(_tokens(self.text))

    # ------------------------------------------------------------------- tokens

    def accept(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise Unsupported(f"{self.text}: {token} expected before {self._tokens}")

    def end(self) -> None:
        if self._tokens:
            raise Unsupported(f"{self.text}: {self._tokens}")

    def _next(self) -> str:
        if not self._tokens:
            raise Unsupported(self.text)
        return self._tokens.pop(0)

    def path(self) -> str:
        """An attribute of the item itself."""
        token = self._next()
        if token.startswith("#"):
            self.used.add(token)
            return self.names[token]
        if token in _KEYWORDS or not token.isidentifier():
            raise Unsupported(f"{self.text}: {token} is no attribute")
        return token

    def value(self) -> str:
        token = self._next()
        if not token.startswith(":"):
            raise Unsupported(f"{self.text}: {token} is no value")
        self.used.add(token)
        return token

    # --------------------------------------------------------------- conditions

    def condition(self) -> Test:
        tests = [self._all()]
        while self.accept("OR"):
            tests.append(self._all())
        if len(tests) == 1:
            return tests[0]
        return lambda item, bound: any(test(item, bound) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self.accept("AND"):
            tests.append(self._one())
        if len(tests) == 1:
            return tests[0]
        return lambda item, bound: all(test(item, bound) for test in tests)

    def _one(self) -> Test:
        if self.accept("("):
            test = self.condition()
            self.expect(")")
            return test
        for function, exists in (("attribute_exists", True), ("attribute_not_exists", False)):
            if self.accept(function):
                self.expect("(")
                path = self.path()
                self.expect(")")
                return lambda item, _: (path in item) is exists
        left = self._operand()
        comparison = self._next()
        right = self._operand()
        if comparison == "=":
            return lambda item, bound: (
                (found := left(item, bound)) == right(item, bound) and (found is not None)
            )
        if comparison in ("<", "<="):
            return _comparing(left, right, strictly=comparison == "<")
        if comparison in (">", ">="):
            return _comparing(right, left, strictly=comparison == ">")
        raise Unsupported(f"{self.text}: {comparison}")

    def _operand(self) -> Operand:
        if self._tokens and self._tokens[0].startswith(":"):
            name = self.value()
            return lambda _, bound: bound[name]
        path = self.path()
        return lambda item, _: item.get(path)

    # ------------------------------------------------------------------ updates

    def clauses(self) -> Iterator[tuple[str, Operand | None]]:
        """The attributes that change, and what they become; None if they are removed."""
        while self._tokens:
            clause = self._next()
            if clause not in ("SET", "ADD", "REMOVE"):
                raise Unsupported(f"{self.text}: {clause}")
            while True:
                path = self.path()
                if clause == "SET":
                    self.expect("=")
                    yield path, self._operand()
                else:
                    yield path, _sum(path, self.value()) if clause == "ADD" else None
                if not self.accept(","):
                    break


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unsupported(f"{text}: at {position}")
        yield match[1]
        position = match.end()


def _comparing(left: Operand, right: Operand, *, strictly: bool) -> Test:
    """Numbers by value and texts by their bytes; values of two types never compare."""

    def test(item: Item, bound: Item) -> bool:
        first, second = left(item, bound), right(item, bound)
        if first is None or second is None or first.keys() != second.keys():
            return False
        one, other = map(_comparable, (first, second))
        return bool(one < other if strictly else one <= other)

    return test


def _comparable(value: Item) -> Any:
    ((kind, plain),) = value.items()
    if kind == "N":
        return int(plain)
    if kind == "S":
        return plain.encode()
    raise Unsupported(f"comparing {kind}")


def _sum(path: str, name: str) -> Operand:
    def add(item: Item, bound: Item) -> Any:
        before, amount = item.get(path, {"N": "0"}), bound[name]
        if before.keys() != {"N"} or amount.keys() != {"N"}:
            raise WrongType("An operand in the update expression has an incorrect data type")
        result = str(int(before["N"]) + int(amount["N"]))
        if len(result.strip("-0")) > _MOST_DIGITS:
            raise WrongType("Attempting to store more than 38 significant digits in a Number")
        return {"N": result}

    return add
