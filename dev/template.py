"""Reads template.yaml, the only source for routes, functions, roles, the table and the stream."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from cfnlint.decode import cfn_yaml

from dev import ROOT


class Route(NamedTuple):
    """`path` as API Gateway spells it; `function` is a logical name."""

    method: str
    path: str
    function: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def module(self) -> ModuleType:
        """The function's app.py."""
        return module_of(functions()[self.function])


@cache
def template() -> Mapping[str, Any]:
    loaded: dict[str, Any] = cfn_yaml.load(str(ROOT / "template.yaml"))
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical name -> resource, of one type."""
    return {n: r for n, r in template()["Resources"].items() if r["Type"] == kind}


@cache
def functions() -> Mapping[str, Mapping[str, Any]]:
    """Logical name -> properties. The folders of a build have the logical names."""
    return {n: r["Properties"] for n, r in resources("AWS::Serverless::Function").items()}


def module_of(properties: Mapping[str, Any]) -> ModuleType:
    """The app.py of the function with these properties."""
    folder = properties["CodeUri"].strip("/")
    return importlib.import_module(f"{folder.replace('/', '.')}.app")


@cache
def routes() -> tuple[Route, ...]:
    """What the API serves to callers with a credential."""
    return tuple(r for r in _routes() if r.method != "ANY" and r.function not in _without_rights())


@cache
def pages() -> tuple[Route, ...]:
    """What the API serves to everybody: the files of functions that may do nothing at all."""
    return tuple(r for r in _routes() if r.method != "ANY" and r.function in _without_rights())


@cache
def api_pages() -> tuple[Route, ...]:
    """Those that are part of the API: all but the console, which is a client of it."""
    return tuple(page for page in pages() if page.path.startswith("/v1/"))


@cache
def fallbacks() -> tuple[Route, ...]:
    """What API Gateway takes if no route has the path and the method."""
    return tuple(route for route in _routes() if route.method == "ANY")


@cache
def served_methods() -> Mapping[str, str]:
    """What the template tells the fallback: path -> its methods."""
    (name,) = {route.function for route in fallbacks()}
    methods: dict[str, str] = json.loads(functions()[name]["Environment"]["Variables"]["METHODS"])
    return methods


@cache
def _without_rights() -> frozenset[str]:
    return frozenset(n for n, p in functions().items() if not {"Policies", "Role"} & p.keys())


def _routes() -> Iterator[Route]:
    for function, properties in _events("Api"):
        yield Route(properties["Method"], properties["Path"], function)


def route_for(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route that API Gateway would take, and its path parameters; LookupError if none."""
    in_order = sorted((*routes(), *pages()), key=lambda route: route.path.count("{"))
    for route in (*in_order, *fallbacks()):
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)
        pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", pattern)
        if route in pages():
            pattern += "/?"  # API Gateway finds a resource with and without a slash at its end
        match = re.fullmatch(pattern, path, re.DOTALL)
        if match and route.method in (method, "ANY"):
            return route, match.groupdict()
    raise LookupError(f"{method} {path}")


def route_of(method: str, resource: str) -> Route:
    """The route with this method of a resource, a path as the template spells it."""
    served = (*routes(), *pages(), *fallbacks())
    return next(r for r in served if r.path == resource and r.method in (method, "ANY"))


def unrestored(value: Any) -> Any:
    """What the template says as long as no restored table takes the place of its own."""
    match value:
        case {"Fn::If": ["IsRestored", _, own]}:
            return unrestored(own)
        case dict():
            return {name: unrestored(each) for name, each in value.items()}
        case list():
            return [unrestored(each) for each in value]
    return value


def statements(function: str) -> Iterator[dict[str, Any]]:
    """What a function may do, by its policies or by the role that is written out for it."""
    yield from map(unrestored, _statements(function))


def _statements(function: str) -> Iterator[dict[str, Any]]:
    properties = functions()[function]
    if "Role" in properties:
        role, _ = properties["Role"]["Fn::GetAtt"]
        for policy in resources("AWS::IAM::Role")[role]["Properties"]["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]
    for policy in properties.get("Policies", []):
        yield from policy["Statement"]


def rights(function: str) -> dict[str, list[Any]]:
    """IAM action -> resources, of what a function may do, whatever it is that it does it to."""
    granted: dict[str, list[Any]] = {}
    for statement in statements(function):
        if "Condition" in statement:
            continue
        for action in _listed(statement["Action"]):
            granted.setdefault(action, []).extend(_listed(statement["Resource"]))
    return granted


def create_table(client: Any, name: str) -> None:
    """The template's table with its index and stream; no backups, expiry or encryption settings."""
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


def passes_filter(sort_key: str, change: str = "INSERT") -> bool:
    """Whether the stream's function receives this change of an item with this sort key."""
    return any(
        sort_key.startswith(rule["prefix"]) if isinstance(rule, dict) else sort_key == rule
        for pattern in _stream_patterns()
        if change in pattern.get("eventName", [change])
        for rule in pattern["dynamodb"]["Keys"]["SK"]["S"]
    )


def largest_batch() -> int:
    """The most changes that the stream's function receives at once."""
    ((_, properties),) = _events("DynamoDB")
    return int(properties["BatchSize"])


@cache
def _stream_patterns() -> tuple[Any, ...]:
    return tuple(
        json.loads(each["Pattern"])
        for _, properties in _events("DynamoDB")
        for each in properties["FilterCriteria"]["Filters"]
    )


def _events(kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The logical name of a function and the properties of its event source, of one type."""
    for name, function in functions().items():
        for event in function["Events"].values():
            if event["Type"] == kind:
                yield name, event["Properties"]


def _listed(value: Any) -> list[Any]:
    """One value or a list of values, as IAM allows, as a list."""
    return value if isinstance(value, list) else [value]
