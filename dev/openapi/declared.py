"""What a route declares: what it takes and what it answers, by its function's signature."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from aws_lambda_powertools.event_handler.openapi.compat import ModelField
from aws_lambda_powertools.event_handler.openapi.dependant import get_dependant
from aws_lambda_powertools.event_handler.openapi.params import Dependant
from pydantic import BaseModel

from dev.openapi.schemas import SchemaError
from dev.template import Route
from tally.http.answers import Answer, Form, Statuses, Text
from tally.http.endpoint import Endpoint
from tally.http.endpoint import Route as Declaration
from tally.http.partner import PartnerEndpoint


@dataclass(frozen=True)
class Outcome:
    """A success: its status, when it is sent, and what is sent."""

    status: int
    when: str
    model: type[BaseModel] | None = None
    form: Form | None = None


class Parameter(NamedTuple):
    """`place`: `path` or `query`."""

    place: str
    field: ModelField


class Body(NamedTuple):
    """A body of JSON."""

    model: type[BaseModel]
    required: bool


@dataclass(frozen=True)
class Operation:
    """A route of the template with what its function declares."""

    route: Route
    endpoint: Endpoint = field(repr=False)

    @property
    def id(self) -> str:
        """`ListPayouts`, the function's name in the template -> `listPayouts`"""
        name = self.route.function
        return name[:1].lower() + name[1:]

    @property
    def is_partners(self) -> bool:
        return isinstance(self.endpoint, PartnerEndpoint)

    @property
    def declaration(self) -> Declaration:
        (declared,) = self.endpoint.routes
        return declared

    @cached_property
    def parameters(self) -> list[Parameter]:
        return [
            Parameter(place, each)
            for known in _with_dependencies(self._dependant)
            for place, fields in (("path", known.path_params), ("query", known.query_params))
            for each in fields
        ]

    @cached_property
    def body(self) -> Body | None:
        found = self._dependant.body_params
        if not found:
            return None
        (parameter,) = found
        (model,) = (each for each in _alternatives(parameter.type_) if each is not NoneType)
        return Body(model, required=parameter.required)

    @cached_property
    def _dependant(self) -> Dependant:
        path = re.sub(r"<(\w+)>", r"{\1}", self.declaration.path)
        return get_dependant(path=path, call=_without_answer(self.declaration.function))

    @property
    def outcomes(self) -> list[Outcome]:
        return outcomes_of(self.declaration.function, self.declaration.status_code)


def outcomes_of(function: Callable[..., Any], status: int) -> list[Outcome]:
    """What a route's function returns. `status`: the route's own."""
    hints = get_type_hints(function, include_extras=True)
    return [each for part in _alternatives(hints["return"]) for each in _outcomes(part, status)]


def _outcomes(answer: Any, status: int) -> Iterator[Outcome]:
    answer, *said = get_args(answer) if get_origin(answer) is Annotated else (answer,)
    if get_origin(answer) is Answer:
        (model,) = get_args(answer)
        for code, when in _said(Statuses, said).when.items():
            yield Outcome(code, when, model)
    elif answer is Text:
        form = _said(Form, said)
        yield Outcome(status, form.description, form=form)
    else:
        yield Outcome(status, _about(answer), answer)


def _said[T](kind: type[T], said: list[Any]) -> T:
    found = next((each for each in said if isinstance(each, kind)), None)
    if found is None:
        raise SchemaError(f"annotate what a route returns with {kind.__name__}(...)")
    return found


def _about(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "") or "Success."


def _alternatives(answer: Any) -> tuple[Any, ...]:
    return get_args(answer) if get_origin(answer) in (Union, UnionType) else (answer,)


def _with_dependencies(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for each in dependant.dependencies:
        yield from _with_dependencies(each.dependant)


def _without_answer(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the same parameters, which is all that Powertools shall look at."""

    def call() -> None: ...

    signature = inspect.signature(function, eval_str=True)
    parameters = signature.replace(return_annotation=inspect.Signature.empty)
    vars(call)["__signature__"] = parameters
    return call


def operations(served: Iterable[Route]) -> list[Operation]:
    """SchemaError if two have the same id."""
    found = [Operation(route, route.module.endpoint) for route in served]
    ids = [each.id for each in found]
    if doubtful := sorted({each for each in ids if ids.count(each) > 1}):
        raise SchemaError(f"give each route a function of its own: {doubtful}")
    return found
