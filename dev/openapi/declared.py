"""What a route declares: what it takes and what it answers, by its function's signature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from annotated_types import Interval
from pydantic import BaseModel

from dev.openapi.schemas import SchemaError, about
from dev.template import Route
from tally.http.answers import Answer, Form, Statuses, Text
from tally.http.arguments import (
    Argument,
    Choice,
    PathId,
    Query,
    WholeNumber,
    an_id,
    flag,
    month,
    plain_text,
)
from tally.http.bodies import JsonBody
from tally.http.days import day, first_day, last_day
from tally.http.endpoint import Endpoint
from tally.http.endpoint import Route as Declaration
from tally.http.partner import PartnerEndpoint
from tally.http.series import currency_code
from tally.kernel.instants import parse_instant
from tally.wire.fields import Currency, Id, Month, Timestamp


@dataclass(frozen=True)
class Outcome:
    """A success: its status, when it is sent, and what is sent."""

    status: int
    when: str
    model: type | None = None
    form: Form | None = None


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
        return self.endpoint.route

    @property
    def path_ids(self) -> list[Argument]:
        return self._read_by(PathId)

    @property
    def query(self) -> list[Argument]:
        return self._read_by(Query)

    @property
    def body(self) -> Body | None:
        found = self._read_by(JsonBody)
        if not found:
            return None
        (argument,) = found
        (model,) = (each for each in _alternatives(argument.kind) if each is not NoneType)
        return Body(model, required=argument.is_required)

    def _read_by(self, source: type) -> list[Argument]:
        return [each for each in self.declaration.arguments if isinstance(each.source, source)]

    @property
    def outcomes(self) -> list[Outcome]:
        status = self.declaration.status_code
        declared = outcomes_of(self.declaration.function, status)
        return [*declared, *([_as_csv(self.endpoint.rows, status)] if self.endpoint.rows else [])]


def sent_type(argument: Argument) -> Any:
    """The type that says in a schema what a parameter of a query may be."""
    # Only what is read from a query is asked for here, and all of that has a parser.
    match argument.source.parse:  # type: ignore[attr-defined]
        case WholeNumber(least=least, most=most):
            return Annotated[int, Interval(ge=least, le=most)]
        case Choice(of=kind):
            return kind
        case parse if parse in _SENT:
            return _SENT[parse]
    raise SchemaError(f"{argument.name}: say in dev/openapi/declared.py what its parser reads")


_SENT: Mapping[Callable[[str], Any], Any] = {
    flag: bool,
    an_id: Id,
    plain_text: str,
    parse_instant: Timestamp,
    day: date | datetime,
    first_day: date | datetime | Month,
    last_day: date | datetime | Month,
    currency_code: Currency,
    month: Month,
}


def _as_csv(rows: str, status: int) -> Outcome:
    """The other form of a list."""
    form = Form(
        "text/csv",
        f"The `{rows}` for spreadsheets, if `Accept` prefers it to JSON: a header line with the "
        "names of their fields, then a line for each. What has parts is JSON in its cell. An "
        "apostrophe stands before text that a spreadsheet would run as a formula.",
        {"Link": 'The address of the next page, if there is one: `<?...>; rel="next"`.'},
    )
    return Outcome(status, form.description, form=form)


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


def _about(model: type) -> str:
    return about(model) or "Success."


def _alternatives(answer: Any) -> tuple[Any, ...]:
    return get_args(answer) if get_origin(answer) in (Union, UnionType) else (answer,)


def operations(served: Iterable[Route]) -> list[Operation]:
    """SchemaError if two have the same id."""
    found = [Operation(route, route.module.endpoint) for route in served]
    ids = [each.id for each in found]
    if doubtful := sorted({each for each in ids if ids.count(each) > 1}):
        raise SchemaError(f"give each route a function of its own: {doubtful}")
    return found
