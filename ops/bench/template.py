"""What the template says of the functions: their routes, their folders, what the stream filters."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from json import loads
from typing import Any, NamedTuple

from cfnlint.decode import cfn_yaml

from ops.emulator import ROOT


class Route(NamedTuple):
    """`path` as API Gateway spells it."""

    method: str
    path: str
    module: str

    @property
    def endpoint(self) -> Any:
        return importlib.import_module(self.module).endpoint


@cache
def functions() -> Mapping[str, Mapping[str, Any]]:
    """Logical name -> properties. A build's folders have the logical names."""
    template = cfn_yaml.load(str(ROOT / "template.yaml"))
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


@cache
def routes() -> tuple[Route, ...]:
    return tuple(
        Route(
            event["Properties"]["Method"],
            event["Properties"]["Path"],
            f"{function['CodeUri'].strip('/').replace('/', '.')}.app",
        )
        for function, event in _events("Api")
    )


def is_counted(record: Mapping[str, Any]) -> bool:
    """Whether the event source would pass a stream record on to the function that counts."""
    key = record["dynamodb"]["Keys"]["SK"]["S"]
    return any(
        key.startswith(rule["prefix"]) if isinstance(rule, dict) else key == rule
        for rule in _stream_rules()
    )


@cache
def _stream_rules() -> tuple[Any, ...]:
    patterns = [
        loads(each["Pattern"])
        for _, event in _events("DynamoDB")
        for each in event["Properties"]["FilterCriteria"]["Filters"]
    ]
    return tuple(rule for each in patterns for rule in each["dynamodb"]["Keys"]["SK"]["S"])


def _events(kind: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for function in functions().values():
        for event in function["Events"].values():
            if event["Type"] == kind:
                yield function, event
