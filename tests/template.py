"""The template as the tests read it: the only truth for routes, table and roles."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from cfnlint.decode import cfn_yaml

ROOT = Path(__file__).parents[1]


class Route(NamedTuple):
    """`path` as API Gateway spells it; `module` is the function's app.py."""

    method: str
    path: str
    function: str
    module: ModuleType

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@cache
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = cfn_yaml.load(str(ROOT / "template.yaml"))
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical name -> resource, of one type."""
    return {n: r for n, r in template()["Resources"].items() if r["Type"] == kind}


def statements(function: str) -> Iterator[dict[str, Any]]:
    """What a function may do, by its policies or by the role that is written out for it."""
    properties = resources("AWS::Serverless::Function")[function]["Properties"]
    if "Role" in properties:
        role, _ = properties["Role"]["Fn::GetAtt"]
        for policy in resources("AWS::IAM::Role")[role]["Properties"]["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]
    for policy in properties.get("Policies", []):
        yield from policy["Statement"]


def rights(function: str) -> dict[str, list[Any]]:
    """IAM action -> resources, of what a function may do."""
    granted: dict[str, list[Any]] = {}
    for statement in statements(function):
        for action in _listed(statement["Action"]):
            granted.setdefault(action, []).extend(_listed(statement["Resource"]))
    return granted


def _listed(value: Any) -> list[Any]:
    """IAM's one or many."""
    return value if isinstance(value, list) else [value]


@cache
def routes() -> tuple[Route, ...]:
    found = []
    for name, function in resources("AWS::Serverless::Function").items():
        for event in function["Properties"]["Events"].values():
            if event["Type"] == "Api":
                properties = event["Properties"]
                found.append(
                    Route(properties["Method"], properties["Path"], name, module_of(function))
                )
    return tuple(found)


def module_of(function: dict[str, Any]) -> ModuleType:
    folder = function["Properties"]["CodeUri"].strip("/")
    return importlib.import_module(f"{folder.replace('/', '.')}.app")


def route_for(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route that API Gateway would take, and its path parameters."""
    for route in sorted(routes(), key=lambda r: r.path.count("{")):
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)
        match = re.fullmatch(pattern, path)
        if match and route.method == method:
            return route, match.groupdict()
    raise LookupError(f"{method} {path}")


def create_table(client: Any, name: str) -> None:
    """The template's table, but for what moto does not take."""
    ((_, table),) = resources("AWS::DynamoDB::Table").items()
    properties = table["Properties"]
    client.create_table(
        TableName=name,
        BillingMode=properties["BillingMode"],
        AttributeDefinitions=properties["AttributeDefinitions"],
        KeySchema=properties["KeySchema"],
        GlobalSecondaryIndexes=properties["GlobalSecondaryIndexes"],
        StreamSpecification=properties["StreamSpecification"] | {"StreamEnabled": True},
    )


def stream_filters() -> list[dict[str, Any]]:
    """The patterns of the stream function's event source, parsed."""
    stream = resources("AWS::Serverless::Function")["CountChanges"]["Properties"]["Events"][
        "Stream"
    ]
    filters = stream["Properties"]["FilterCriteria"]["Filters"]
    return [json.loads(each["Pattern"]) for each in filters]
