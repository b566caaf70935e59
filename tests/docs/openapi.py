"""The committed OpenAPI document, for tests to look into."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import jsonschema_rs

from dev.openapi.document import OPENAPI

type Schema = Mapping[str, Any]


class Operation(NamedTuple):
    """One method of a path."""

    method: str
    path: str
    about: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def responses(self) -> Mapping[str, Any]:
        return {status: resolved(each) for status, each in self.about["responses"].items()}


class Example(NamedTuple):
    """A body, and what the document says that it is."""

    name: str
    schema: Schema
    value: Any


@cache
def document() -> Mapping[str, Any]:
    loaded: dict[str, Any] = json.loads(OPENAPI.read_text())
    return loaded


def operations() -> list[Operation]:
    return [
        Operation(method.upper(), path, about)
        for path, item in document()["paths"].items()
        for method, about in item.items()
    ]


def examples() -> list[Example]:
    """Of all requests and answers in JSON."""
    bodies = {f"error {name}": body for name, body in document()["components"]["responses"].items()}
    for operation in operations():
        bodies[f"{operation} request"] = operation.about.get("requestBody", {})
        own = operation.about["responses"].items()
        bodies |= {f"{operation} {status}": each for status, each in own if "$ref" not in each}
    return [each for name, body in bodies.items() for each in _examples(name, body)]


def _examples(name: str, body: Mapping[str, Any]) -> Iterator[Example]:
    for media_type, content in body.get("content", {}).items():
        shown = {key: each["value"] for key, each in content.get("examples", {}).items()}
        if "example" in content and media_type != "text/csv":
            shown[media_type] = content["example"]
        for key, value in shown.items():
            yield Example(f"{name} {key}", content["schema"], value)


def resolved(part: Any) -> Any:
    """What a reference leads to; others are what they are."""
    while "$ref" in part:
        target: Any = document()
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target
    return part


def check(schema: Schema, value: Any) -> None:
    """ValidationError if the value is not what the schema says."""
    whole = {**schema, "components": document()["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


def times_in(value: Any, schema: Schema, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Path, value, and whether the schema says that it is a time, of each text in an example."""
    schema = resolved(schema)
    choices = [resolved(each) for each in (*schema.get("anyOf", ()), *schema.get("allOf", ()))]
    match value:
        case str():
            formats = {each.get("format") for each in (schema, *choices)}
            yield path, value, "date-time" in formats
        case dict():
            fields = {n: p for each in (*choices, schema) for n, p in _fields(each).items()}
            for name, part in value.items():
                yield from times_in(part, fields.get(name, {}), f"{path}.{name}")
        case list():
            (items,) = [each["items"] for each in (schema, *choices) if "items" in each] or [{}]
            for part in value:
                yield from times_in(part, items, f"{path}[]")


def _fields(schema: Schema) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = schema.get("properties", {})
    return fields
