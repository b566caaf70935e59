"""A template for `sam local`, made of the built one and of what is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml


@dataclass(frozen=True)
class Deployed:
    """A function's settings as Lambda gives them, and credentials of its role as STS gives them."""

    settings: Mapping[str, Any]
    credentials: Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """A SAM template as it is written, with intrinsic functions in their long form."""

    resources: Mapping[str, Any]
    globals: Mapping[str, Any]

    def of_type(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Logical name -> properties."""
        return {
            name: each["Properties"]
            for name, each in self.resources.items()
            if each["Type"] == f"AWS::Serverless::{kind}"
        }


def read_template(file: Path) -> Template:
    read = cfn_yaml.load(str(file))
    return Template(read["Resources"], read["Globals"])


def local_template(
    template: Template,
    code: Path,
    deployed: Mapping[str, Deployed],
    endpoint_url: str,
    architecture: str,
) -> dict[str, Any]:
    """Functions and their API, without layers or anything that sam would have to resolve.

    `code` holds the built functions by logical name; `deployed` are those wanted.
    """
    functions = template.of_type("Function")
    resources: dict[str, Any] = {}
    for name, api in template.of_type("Api").items():
        kept = {key: api[key] for key in ("StageName", "BinaryMediaTypes") if key in api}
        resources[name] = _resource("Api", kept)
    for name, each in deployed.items():
        settings = each.settings
        resources[name] = _resource(
            "Function",
            {key: settings[key] for key in ("Handler", "Runtime", "MemorySize", "Timeout")}
            | {
                "CodeUri": str(code / name),
                "Architectures": [architecture],
                "LoggingConfig": _logging(template),
                "Environment": {"Variables": variables(each, endpoint_url)},
                "Events": _routes(functions[name]),
            },
        )
    return {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}


def variables(deployed: Deployed, endpoint_url: str) -> dict[str, str]:
    """A function's own variables, and those that lead every client to the embedded AWS."""
    own: Mapping[str, str] = deployed.settings.get("Environment", {}).get("Variables", {})
    credentials = deployed.credentials
    return {name: value for name, value in own.items() if not name.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
        "AWS_EC2_METADATA_DISABLED": "true",
        # Docker gives containers the proxies of its configuration.
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


def _resource(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": f"AWS::Serverless::{kind}", "Properties": properties}


def _logging(template: Template) -> dict[str, str]:
    """Without the log group, which is on the embedded AWS."""
    config = template.globals["Function"]["LoggingConfig"]
    return {key: value for key, value in config.items() if key != "LogGroup"}


def _routes(function: Mapping[str, Any]) -> dict[str, Any]:
    """Its events of the API: `sam local` knows no others."""
    events = function.get("Events", {})
    return {name: event for name, event in events.items() if event["Type"] == "Api"}
