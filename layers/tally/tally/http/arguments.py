"""Where the arguments of a route come from: `Annotated[int, Query(WholeNumber(1, 100))]`.

A marker in the type of a parameter says how the parameter is read from a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from inspect import Parameter, signature
from typing import Annotated, Any, NamedTuple, Protocol, get_args, get_origin

from tally.http.failures import InvalidFields
from tally.http.requests import Request
from tally.kernel.errors import NotFound
from tally.kernel.instants import not_too_early
from tally.kernel.periods import Period
from tally.wire.json import shortened
from tally.wire.texts import check_unicode, is_id


class Argument(NamedTuple):
    """A parameter of a route's function. `wire_name`: what a query calls it; `kind`: its type."""

    name: str
    wire_name: str
    kind: Any
    source: Source
    default: Any

    @property
    def is_required(self) -> bool:
        return self.default is Parameter.empty


class Source(Protocol):
    """Reads an argument from a request."""

    def read(self, request: Request, argument: Argument) -> Any:
        """InvalidFields says what is wrong with what the client sent for it."""


def arguments_of(
    function: Callable[..., Any], wire_name: Callable[[str], str]
) -> tuple[Argument, ...]:
    """What a function asks for. TypeError if the type of a parameter has no marker."""
    return tuple(
        Argument(each.name, wire_name(each.name), *_declared(each), each.default)
        for each in signature(function, eval_str=True).parameters.values()
    )


def _declared(parameter: Parameter) -> tuple[Any, Source]:
    if get_origin(parameter.annotation) is Annotated:
        kind, *said = get_args(parameter.annotation)
        for source in said:
            if hasattr(source, "read"):
                return kind, source
    raise TypeError(f"{parameter.name}: say in its type where it comes from")


def read_arguments(arguments: Sequence[Argument], request: Request) -> Mapping[str, Any]:
    """Name -> value. InvalidFields tells of all fields that are wrong."""
    values, reasons = {}, []
    for each in arguments:
        try:
            values[each.name] = each.source.read(request, each)
        except InvalidFields as invalid:
            reasons += invalid.reasons
    if reasons:
        raise InvalidFields(reasons)
    return values


# --------------------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True)
class FromRequest:
    """What is made of the request, such as who sent it."""

    make: Callable[[Request], Any]

    def read(self, request: Request, _argument: Argument) -> Any:
        return self.make(request)


@dataclass(frozen=True, slots=True)
class Provided:
    """What a provider returns. Tests replace providers by the endpoint's `dependency_overrides`."""

    provider: Callable[[], Any]

    def read(self, request: Request, _argument: Argument) -> Any:
        return request.provide(self.provider)


@dataclass(frozen=True, slots=True)
class PathId:
    """The `{id}` of the path: that of a `noun`.

    What cannot be an id is answered like one that is unknown. It might not even fit into a key of
    the table.
    """

    noun: str

    def read(self, request: Request, _argument: Argument) -> str:
        text = request.path_id
        if not is_id(text):
            raise NotFound(f"{self.noun} {shortened(text)} does not exist.")
        return text


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query.

    `parse` makes of its text what the route gets. ValueError says which rule the text breaks.
    """

    parse: Callable[[str], Any]

    def read(self, request: Request, argument: Argument) -> Any:
        values = request.in_query(argument.wire_name)
        if not values and not argument.is_required:
            return argument.default
        try:
            return self.parse(_only(values))
        except ValueError as error:
            raise InvalidFields([(argument.wire_name, str(error))]) from error


def _only(values: Sequence[str]) -> str:
    if not values:
        raise ValueError("is required")
    if len(values) > 1:
        raise ValueError("must not be sent twice")
    return values[0]


# --------------------------------------------------------------------------- parsers


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """Digits, with a minus sign or without: Python itself would read `1_0` and ` 1`."""

    least: int
    most: int

    def __call__(self, text: str) -> int:
        if not re.fullmatch(r"-?\d+", text, re.ASCII):
            raise ValueError("must be an integer")
        try:
            number = int(text)
        except ValueError as error:
            raise ValueError("has too many digits") from error
        if number < self.least:
            raise ValueError(f"must be at least {self.least:,}")
        if number > self.most:
            raise ValueError(f"must be at most {self.most:,}")
        return number


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of an enumeration."""

    of: type[StrEnum]

    def __call__(self, text: str) -> StrEnum:
        try:
            return self.of(text)
        except ValueError as error:
            raise ValueError(f"must be one of: {', '.join(self.of)}") from error


def month(text: str) -> Period:
    """A month that may be named."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text, re.ASCII):
        raise ValueError("must be a month, such as 2026-03")
    return not_too_early(text)


_YES, _NO = ("true", "1", "yes", "y", "on", "t"), ("false", "0", "no", "n", "off", "f")


def flag(text: str) -> bool:
    """`true` or `false`, or what else says the same."""
    word = text.lower()
    if word not in _YES + _NO:
        raise ValueError("must be true or false")
    return word in _YES


def an_id(text: str) -> str:
    """The id of a thing."""
    if not is_id(text):
        raise ValueError("must be 1 to 64 letters, digits, underscores or hyphens")
    return text


def plain_text(text: str) -> str:
    """Any text."""
    return check_unicode(text)
