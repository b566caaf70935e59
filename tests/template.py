"""The resources of the template, as its tests read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dev.template import resources

type Properties = Mapping[str, Any]


FUNCTIONS: Mapping[str, Properties] = {
    name: each["Properties"] for name, each in resources("AWS::Serverless::Function").items()
}
