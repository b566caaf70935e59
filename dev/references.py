"""Writes what is generated from the code: `python -m dev.references`.

That is the OpenAPI document, the JSON Schemas of the events, and the tables of docs/events.md and
docs/routes.md. A table stands between `<!-- generated: NAME ... -->` and `<!-- /generated -->`.
Names are event types that share one table, or `routes`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from dev import ROOT
from dev.openapi import document
from dev.template import Route, pages, routes
from tally.http.endpoint import Endpoint
from tally.intake.registry import EVENT_TYPES
from tally.wire.fields import Amount, Currency, Id, JsonObject, Name

EVENTS, ROUTES = ROOT / "docs/events.md", ROOT / "docs/routes.md"

_GENERATED = re.compile(r"<!-- generated: (.+?) -->\n(.*?)<!-- /generated -->", re.DOTALL)
_WORDS = (
    (Id, "id"),
    (Name, "name"),
    (Amount, "amount"),
    (Currency, "currency"),
    (JsonObject, "JSON object"),
)


class FieldRow(NamedTuple):
    """A field of an event's data; `name` is its path, such as `charge_event.source`."""

    name: str
    required: str
    value: str


# ------------------------------------------------------------------------- events


def field_rows(model: type[BaseModel], path: str = "") -> Iterator[FieldRow]:
    """Every field of a model, with the fields of the models in it."""
    hints = get_type_hints(model, include_extras=True)
    for name, field in model.model_fields.items():
        full = path + _wire_name(name, field)
        yield FieldRow(full, _required(field), _value(hints[name], field.metadata))
        inner = _model_in(hints[name])
        if inner:
            yield from field_rows(inner, f"{full}[]." if _is_list(hints[name]) else f"{full}.")


def events_table(model: type[BaseModel]) -> str:
    rows = [(f"`{row.name}`", row.required, row.value) for row in field_rows(model)]
    return table(("field", "required", "value"), rows)


def _wire_name(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name


def _required(field: FieldInfo) -> str:
    if field.is_required():
        return "yes"
    return "no" if field.default is None else f"no, default {field.default}"


def _value(hint: Any, limits: Sequence[Any] = ()) -> str:
    """A type in the words of the reference."""
    origin, parts = get_origin(hint), get_args(hint)
    if words := next((words for known, words in _WORDS if known == hint), None):
        return words
    if origin is Annotated:
        return _value(parts[0], [*_flat(parts[1:]), *limits])
    if origin in (Union, UnionType):
        return _either(_value(part, limits) for part in parts if part is not NoneType)
    return _simple_value(hint, limits)


def _simple_value(hint: Any, limits: Sequence[Any]) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _either(f"`{each}`" for each in parts)
    if origin is list:
        return f"array of {_value(parts[0])}s" + _length(limits, "")
    if _model_in(hint):
        return "object"
    return f"text{_length(limits, ' characters')}" if hint is str else f"integer{_range(limits)}"


def _either(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    """The limits of a type; a `Field(...)` has several."""
    for each in metadata:
        yield from each.metadata if isinstance(each, FieldInfo) else (each,)


def _limit(limits: Iterable[Any], name: str) -> int | None:
    values = (getattr(each, name, None) for each in limits)
    return next((value for value in values if value is not None), None)


def _length(limits: Sequence[Any], unit: str) -> str:
    least, most = _limit(limits, "min_length"), _limit(limits, "max_length")
    if most is None:
        return ""
    return f", {least} to {most:,}{unit}" if least else f", at most {most:,}{unit}"


def _range(limits: Sequence[Any]) -> str:
    least, most, below = (_limit(limits, name) for name in ("ge", "le", "lt"))
    most = below - 1 if below is not None else most
    return "" if most is None else f", {least or 0:,} to {most:,}"


def _model_in(hint: Any) -> type[BaseModel] | None:
    """The model in `Model`, `Model | None`, `list[Model]` and the like."""
    if inspect.isclass(hint) and not get_args(hint):
        return hint if issubclass(hint, BaseModel) else None
    return next((m for part in get_args(hint) if (m := _model_in(part))), None)


def _is_list(hint: Any) -> bool:
    return get_origin(hint) is list or any(_is_list(part) for part in get_args(hint))


# ------------------------------------------------------------------------- routes


def routes_table(known: Iterable[Route]) -> str:
    in_order = sorted(known, key=lambda route: (_audience(route.path), route.path, route.method))
    header = ("method", "path", "scope", "function", "what it does")
    return table(header, [route_row(route) for route in in_order])


def route_row(route: Route) -> tuple[str, ...]:
    module = route.module
    folder = Path(str(module.__file__)).relative_to(ROOT)
    return (
        route.method,
        f"`{route.path}`",
        scope_of(route),
        f"[{route.function}](../{folder.as_posix()})",
        _summary(str(module.__doc__)),
    )


def scope_of(route: Route) -> str:
    endpoint = route.module.endpoint
    if not isinstance(endpoint, Endpoint):
        return "no credential"
    if endpoint.scope is None:
        return "any API key" if route.path == "/v1/sessions" else "any credential"
    return f"`{endpoint.scope}`" + (" of the platform tenant" if endpoint.platform_only else "")


def _summary(docstring: str) -> str:
    """`GET /v1/...: what it answers.` -> `what it answers`"""
    first = " ".join(docstring.split("\n\n", maxsplit=1)[0].split())
    answers = first.partition(": ")[2].rstrip(".")
    return answers[:1].upper() + answers[1:]


def _audience(path: str) -> int:
    prefixes = (
        "/v1/events",
        "/v1/provider",
        "/v1/buyer",
        "/v1/agent",
        "/partner",
        "/v1/api-keys",
        "/v1/session",
    )
    return next((n for n, prefix in enumerate(prefixes) if path.startswith(prefix)), len(prefixes))


# ------------------------------------------------------------------------ writing


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = (f"| {' | '.join(line)} |\n" for line in (header, *rows))
    return next(lines) + "|---" * len(header) + "|\n" + "".join(lines)


def filled(text: str, tables: Mapping[str, str]) -> str:
    """The document with its tables written anew.

    ValueError if a name is missing from the document or unknown, or if names that share a table
    have different ones.
    """
    written: list[str] = []

    def fill(match: re.Match[str]) -> str:
        names = match[1].split()
        unknown = [name for name in names if name not in tables]
        if unknown:
            raise ValueError(f"remove {unknown} from the document: the code does not have it")
        if len({tables[name] for name in names}) > 1:
            raise ValueError(f"give {names} tables of their own: their fields differ")
        written.extend(names)
        return f"<!-- generated: {match[1]} -->\n\n{tables[names[0]]}\n<!-- /generated -->"

    result = _GENERATED.sub(fill, text)
    if sorted(written) != sorted(tables):
        raise ValueError(f"the document must have each of {sorted(tables)} once, not {written}")
    return result


def event_tables() -> Mapping[str, str]:
    return {name: events_table(model) for name, model in event_models().items()}


def event_models() -> Mapping[str, type[BaseModel]]:
    """Event type -> the model of its `data`."""
    return {name: declared.data for name, declared in EVENT_TYPES.items()}


def references() -> Mapping[Path, str]:
    """Each page with its tables as the code has them."""
    return {
        EVENTS: filled(EVENTS.read_text(), event_tables()),
        ROUTES: filled(ROUTES.read_text(), {"routes": routes_table((*routes(), *pages()))}),
    }


def main() -> int:
    # The tables first: the other documents take sentences from these pages.
    for make in (references, document.texts):
        for path, text in make().items():
            path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
