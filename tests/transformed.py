"""The template as CloudFormation gets it from SAM's transform, with parameters."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any
from unittest.mock import patch

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from dev.template import template

REGION = "eu-west-1"
STACK = "tally-prod"


@cache
def transformed(release: str = "", *, layer: str = "a", **parameters: str) -> Mapping[str, Any]:
    """Logical name -> resource, with the parameters' values, else their defaults.

    `layer` stands for what the layer contains. Conditions are not evaluated.
    """
    raw = json.loads(json.dumps(template()))
    raw["Transform"] = "AWS::Serverless-2016-10-31"
    for name, resource in raw["Resources"].items():
        for code in ("CodeUri", "ContentUri"):
            if code in resource.get("Properties", {}):
                content = layer if code == "ContentUri" else "1"
                resource["Properties"][code] = f"s3://artifacts/{name}-{content}"
    defaults = {name: each.get("Default") for name, each in raw["Parameters"].items()}
    pseudo = {"AWS::Region": REGION, "AWS::StackName": STACK, "AWS::Partition": "aws"}
    values = defaults | pseudo | {"Release": release} | parameters
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        done = Translator(_Policies(), Parser()).translate(raw, values)
    resources: Mapping[str, Any] = done["Resources"]
    return resources


class _Policies(dict[str, str]):
    """AWS's managed policies: name -> ARN."""

    def __missing__(self, name: str) -> str:
        return f"arn:aws:iam::aws:policy/{name}"
