"""What other people's generators make of the document reads every answer, and loses nothing.

The models are made by datamodel-code-generator and are not shipped.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from dev.openapi.document import OPENAPI
from tally.wire.json import dump_json, load_json
from tests.docs import openapi

pytestmark = pytest.mark.slow

GENERATOR = Path(sys.executable).with_name("datamodel-codegen")
MODEL = re.compile(r"#/components/schemas/(\w+)")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    file = tmp_path_factory.mktemp("models") / "models.py"
    subprocess.run(  # noqa: S603  our own command
        [
            *(GENERATOR, "--input", OPENAPI, "--input-file-type", "openapi", "--output", file),
            *("--output-model-type", "pydantic_v2.BaseModel", "--target-python-version", "3.13"),
            *("--use-annotated", "--use-standard-collections", "--use-union-operator"),
        ],
        check=True,
        capture_output=True,
    )
    spec = spec_from_file_location("models", file)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules["models"] = module
    spec.loader.exec_module(module)
    return module


def answers() -> Iterator[tuple[str, str, Any]]:
    """Operation, the name of its answer's model, and the example with exact numbers."""
    document = load_json(OPENAPI.read_bytes())
    for operation in openapi.operations():
        told = document["paths"][operation.path][operation.method.lower()]["responses"]
        for status, response in told.items():
            for content in response.get("content", {}).values():
                named = MODEL.fullmatch(content["schema"].get("$ref", ""))
                if named and "example" in content:
                    yield f"{operation} {status}", named[1], content["example"]


def as_sent(value: Any) -> Any:
    """A model's fields as they are on the wire."""
    match value:
        case BaseModel():
            return as_sent(value.model_dump(by_alias=True, exclude_unset=True))
        case dict():
            return {name: as_sent(each) for name, each in value.items()}
        case list():
            return [as_sent(each) for each in value]
        case date():  # a datetime, too
            return value.isoformat().replace("+00:00", "Z")
    return value.value if isinstance(value, Enum) else value


def numbers_in(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for each in value.values():
                yield from numbers_in(each)
        case list():
            for each in value:
                yield from numbers_in(each)
        case Decimal() | float():
            yield value


@pytest.mark.parametrize(
    ("name", "model", "example"), [pytest.param(*each, id=each[0]) for each in answers()]
)
def test_an_answer_comes_out_as_it_went_in(
    name: str, model: str, example: Mapping[str, Any], models: ModuleType
) -> None:
    kind: type[BaseModel] = getattr(models, model)

    read = kind.model_validate(load_json(dump_json(example)))

    written = as_sent(read)
    assert dump_json(written, sort_keys=True) == dump_json(example, sort_keys=True), name
    assert all(isinstance(number, Decimal) for number in numbers_in(written))


def test_every_route_has_an_answer_among_them() -> None:
    seen = {name.rpartition(" ")[0] for name, _, _ in answers()}

    told = {str(each) for each in openapi.operations() if each.about["tags"] != ["Reference"]}
    assert seen == told
