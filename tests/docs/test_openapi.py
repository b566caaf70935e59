"""The OpenAPI document says what the API does, and is what the code makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel, BeforeValidator

from dev.openapi import document as making
from dev.openapi.declared import outcomes_of
from dev.openapi.document import EVENTS_SCHEMA, OPENAPI
from dev.openapi.schemas import SchemaError, merged, schemas_of
from dev.template import api_pages, routes
from tally.http.answers import Answer
from tally.http.errors import STATUSES, internal_error
from tally.http.partner import PartnerEndpoint
from tally.wire.fields import Amount, Id, Rate
from tests.docs import openapi
from tests.docs.openapi import Example, Operation

REWRITE = "run `python -m dev.references` and read what it changed"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
each_operation = pytest.mark.parametrize("operation", openapi.operations(), ids=str)


@pytest.fixture(scope="module")
def made() -> Mapping[Path, str]:
    return making.texts()


@pytest.mark.slow
@pytest.mark.parametrize("path", [OPENAPI, EVENTS_SCHEMA], ids=lambda path: path.name)
def test_the_document_is_what_the_code_makes(path: Path, made: Mapping[Path, str]) -> None:
    assert path.read_text() == made[path], REWRITE


def test_the_document_is_valid() -> None:
    assert openapi.document()["openapi"].startswith("3.1.")
    validate(dict(openapi.document()))


def test_it_has_every_route_with_its_scope_and_no_other() -> None:
    documented = {
        str(each): (each.about["x-required-scope"], each.about["x-platform-only"])
        for each in openapi.operations()
    }

    served: dict[str, Any] = {
        str(route): (route.module.endpoint.scope, route.module.endpoint.platform_only)
        for route in routes()
    }
    assert documented == served | {str(page): (None, False) for page in api_pages()}


@each_operation
def test_a_credential_is_asked_for_where_it_is_needed(operation: Operation) -> None:
    scope = operation.about["x-required-scope"]
    kinds = {kind: needed for each in operation.about["security"] for kind, needed in each.items()}

    if operation.path in {page.path for page in api_pages()}:
        assert kinds == {}
    else:
        names = {"apiKey", "bearer"}
        names |= {"partnerApiKey"} if operation.path.startswith("/partner") else set()
        assert kinds == dict.fromkeys(names, [scope] if scope else [])


def test_every_operation_has_an_id_of_its_own() -> None:
    ids = [each.about["operationId"] for each in openapi.operations()]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("route", routes(), ids=str)
def test_every_declared_error_has_its_status_and_an_example(route: Any) -> None:
    (operation,) = (each for each in openapi.operations() if str(each) == str(route))
    expected = {kind.code: STATUSES[kind] for kind in route.module.endpoint.errors}
    expected[str(internal_error().body["code"])] = 500

    shown = {
        code: int(status)
        for status, response in operation.responses.items()
        for code in response["content"]["application/json"].get("examples", {})
    }
    assert shown == expected


@pytest.mark.parametrize("example", openapi.examples(), ids=lambda example: example.name)
def test_an_example_is_what_its_schema_says(example: Example) -> None:
    openapi.check(example.schema, example.value)


@pytest.mark.parametrize(
    "example",
    [each for each in openapi.examples() if " request " not in each.name],
    ids=lambda example: example.name,
)
def test_all_times_are_declared_as_times(example: Example) -> None:
    for path, text, declared in openapi.times_in(example.value, example.schema):
        assert declared == bool(TIME.fullmatch(text)), (path, text)


def test_every_success_has_an_example() -> None:
    lacking = [
        f"{operation} {status} {media_type}"
        for operation in openapi.operations()
        for status, response in operation.responses.items()
        if "$ref" not in operation.about["responses"][status]
        for media_type, content in response.get("content", {}).items()
        if "example" not in content and operation.about["tags"] != ["Reference"]
    ]

    assert lacking == []


def test_amounts_are_written_with_all_of_their_decimals() -> None:
    text = OPENAPI.read_text()

    for amount in ("1250.00", "980.50", "0.45", "0.24", "0.0325"):
        assert f": {amount}," in text


# ------------------------------------------------------------------ what types say


def schema_of(kind: Any) -> Any:
    return schemas_of({"it": kind}, "validation")[0]["it"]


def test_limits_and_patterns_are_in_the_words_of_json_schema() -> None:
    class Wanted(BaseModel):
        id: Id
        count: Annotated[int, BeforeValidator(int, json_schema_input_type=int)]

    _, models = schemas_of({"it": Wanted}, "validation")

    assert models == {
        "Wanted": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                "count": {"type": "integer"},
            },
            "required": ["id", "count"],
        }
    }


@pytest.mark.parametrize("kind", [Amount, Rate])
def test_money_is_sent_as_a_number_or_as_text(kind: Any) -> None:
    number, text = schema_of(kind)["anyOf"]

    assert (number["type"], number["format"], text["type"]) == ("number", "decimal", "string")


def test_an_answer_is_described_as_it_is_written() -> None:
    @dataclass
    class Shown:
        """What it is."""

        amount: Decimal
        made_at: str | None
        note: str | None = None

    @dataclass
    class Unsaid:
        one_day: date

    _, models = schemas_of(
        {"it": Shown, "other": Unsaid}, "serialization", PartnerEndpoint.wire_name
    )

    text, nothing = {"type": "string"}, {"type": "null"}
    assert models == {
        "Shown": {
            "description": "What it is.",
            "type": "object",
            "properties": {
                "amount": {"type": "number", "format": "decimal"},
                "madeAt": {"anyOf": [text | {"format": "date-time"}, nothing]},
                "note": {"anyOf": [text, nothing]},
            },
            "required": ["amount", "madeAt"],
        },
        "Unsaid": {
            "type": "object",
            "properties": {"oneDay": {"type": "string", "format": "date"}},
            "required": ["oneDay"],
        },
    }


def test_a_type_that_hides_what_is_sent_is_refused() -> None:
    with pytest.raises(SchemaError, match="add json_schema_input_type"):
        schema_of(Annotated[int, BeforeValidator(int)])
    with pytest.raises(SchemaError, match="use Amount or Rate"):
        schema_of(Decimal)


def test_one_name_has_one_meaning() -> None:
    with pytest.raises(SchemaError, match="make two models of it"):
        merged({"A": {"type": "string"}}, {"A": {"type": "integer"}})


@dataclass
class Shown:
    """For a return type, which is looked up in the module."""


def test_an_answer_of_several_statuses_must_name_them() -> None:
    def route() -> Answer[Shown]:
        raise NotImplementedError

    with pytest.raises(SchemaError, match=r"with Statuses\(...\)"):
        outcomes_of(route, 200)
