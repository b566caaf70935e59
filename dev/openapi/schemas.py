"""Types -> JSON Schema 2020-12, as they are on the wire.

Pydantic alone would say that a Decimal is text, and that a validator of ours reads what it returns.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

type Schema = dict[str, Any]
type Mode = Literal["validation", "serialization"]
"""What a client sends, and what it gets."""

REFERENCE = "#/components/schemas/{model}"

# Limits that pydantic checks after a validator of ours, under the names that it has for them.
_LIMITS = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
}
# Of answers: models write times as text.
_TIME = re.compile(r"(.+_)?(at|before|start|end)|.+At|timestamp")


class SchemaError(ValueError):
    """The type does not tell what is on the wire; the message says how it could."""


class _OnTheWire(GenerateJsonSchema):
    def decimal_schema(
        self,
        schema: core_schema.DecimalSchema,  # noqa: ARG002  pydantic's own
    ) -> JsonSchemaValue:
        if self.mode == "validation":
            raise SchemaError("a Decimal that is sent: use Amount or Rate of tally.wire.fields")
        return {"type": "number", "format": "decimal"}

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        if self.mode == "validation" and "json_schema_input_schema" not in schema:
            function = schema["function"]["function"].__qualname__
            raise SchemaError(f"BeforeValidator({function}): add json_schema_input_type")
        return super().function_before_schema(schema)

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        made, said = super().dataclass_schema(schema), about(schema["cls"])
        return made | ({"description": said} if said else {})

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  pydantic's own
        return False


def about(kind: type) -> str:
    """What a type says of itself. A dataclass without a docstring has one made of its fields."""
    said = inspect.cleandoc(kind.__doc__ or "")
    return "" if said.startswith(f"{kind.__name__}(") else said


def schemas_of(
    types: Mapping[Any, Any], mode: Mode, wire_name: Callable[[str], str] = str
) -> tuple[Mapping[Any, Schema], dict[str, Schema]]:
    """The schema of each type, and by name the models that schemas refer to.

    `wire_name`: what a field is called on the wire. SchemaError if two models have the same name.
    """
    inputs: list[tuple[Any, Mode, TypeAdapter[Any]]] = [
        (key, mode, TypeAdapter(each)) for key, each in types.items()
    ]
    made, found = TypeAdapter.json_schemas(
        inputs, ref_template=REFERENCE, schema_generator=_OnTheWire
    )
    models = found.get("$defs", {})
    if doubtful := sorted(name for name in models if "__" in name):
        raise SchemaError(f"give models names of their own: {doubtful}")
    schemas = {key: tidied(made[key, mode]) for key in types}
    tidy = {name: _renamed(tidied(schema), wire_name) for name, schema in models.items()}
    if mode == "serialization":
        for schema in tidy.values():
            _mark_times(schema)
    return schemas, tidy


def merged(*parts: Mapping[str, Schema]) -> dict[str, Schema]:
    """All of them. SchemaError if one name has two meanings."""
    whole: dict[str, Schema] = {}
    for part in parts:
        for name, schema in part.items():
            if whole.setdefault(name, schema) != schema:
                raise SchemaError(f"{name} is read and written in two ways: make two models of it")
    return whole


def tidied(schema: Any) -> Any:
    """A schema as pydantic makes it -> without titles, and in JSON Schema's own words."""
    if isinstance(schema, list):
        return [tidied(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: Schema = {}
    for keyword, value in schema.items():
        match keyword:
            case "title":
                continue
            case "properties" | "$defs":
                tidy[keyword] = {name: tidied(each) for name, each in value.items()}
            case "pattern":
                tidy[keyword] = value.replace(r"\z", "$")  # ECMA's $ is the very end
            case "default" if value is None:
                continue
            case "default" | "const" | "enum" | "example" | "examples":
                tidy[keyword] = value
            case _:
                tidy[_LIMITS.get(str(keyword), str(keyword))] = tidied(value)
    return tidy


def _renamed(model: Schema, wire_name: Callable[[str], str]) -> Schema:
    if "properties" not in model:
        return model
    properties = {wire_name(name): field for name, field in model["properties"].items()}
    required = [wire_name(name) for name in model.get("required", [])]
    return model | {"properties": properties} | ({"required": required} if required else {})


def _mark_times(model: Schema) -> None:
    for name, field in model.get("properties", {}).items():
        if not _TIME.fullmatch(name):
            continue
        for each in (field, *field.get("anyOf", [])):
            if each.get("type") == "string":
                each.setdefault("format", "date-time")
