"""All parameters of a deployment: none is left to a default by accident."""

from __future__ import annotations

import hashlib
import json
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.errors import OpsError

type Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Settings:
    """What samconfig.toml says of an environment."""

    environment: str
    stack_name: str
    parameters: Parameters
    confirm: bool = True
    region: str | None = None
    profile: str | None = None


def settings_of(environment: str, config: Path) -> Settings:
    """OpsError if samconfig.toml lacks the environment or a part of it."""
    found = tomllib.loads(config.read_text()).get(environment, {})
    if "deploy" not in found:
        raise OpsError(f"{config.name} has no environment {environment}.")
    common = found.get("global", {}).get("parameters", {})
    own = {**common, **found["deploy"].get("parameters", {})}
    if "stack_name" not in own:
        raise OpsError(f"{config.name} does not name the stack of {environment} (stack_name).")
    return Settings(
        environment=environment,
        stack_name=own["stack_name"],
        parameters=_parsed(own.get("parameter_overrides", [])),
        confirm=own.get("confirm_changeset", True),
        region=own.get("region"),
        profile=own.get("profile"),
    )


def _parsed(overrides: str | Iterable[str]) -> Parameters:
    """`["Stage=prod", ...]` or `"Stage=prod ..."` -> by name. Values may be quoted."""
    text = overrides if isinstance(overrides, str) else " ".join(overrides)
    pairs = [word.partition("=") for word in shlex.split(text)]
    if wrong := [name for name, sign, _ in pairs if not (name and sign)]:
        raise OpsError(f"parameter_overrides: write Name=value, not {wrong[0]}.")
    return {name: value for name, _, value in pairs}


def merged(
    declared: Mapping[str, Mapping[str, Any]],
    *,
    deployed: Parameters,
    configured: Parameters,
    built: Parameters,
) -> Parameters:
    """A value for each parameter that the template declares.

    What was just built counts first, then what samconfig.toml says, then what the deployed stack
    has, then the template's default. OpsError if a name is wrong or a value is missing.
    """
    if unknown := sorted({*configured, *built} - declared.keys()):
        raise OpsError(f"The template has no parameter {unknown[0]}; see parameter_overrides.")
    if clash := sorted(
        name for name in configured.keys() & built.keys() if configured[name] != built[name]
    ):
        (name, *_) = clash
        raise OpsError(
            f"samconfig.toml sets {name} to {configured[name]}, but {built[name]} was built. "
            "Remove it from parameter_overrides; `make deploy` sets it."
        )
    defaults = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
    known = {**defaults, **deployed, **configured, **built}
    if missing := sorted(declared.keys() - known.keys()):
        raise OpsError(f"The parameter {missing[0]} has no value; add it to parameter_overrides.")
    return {name: known[name] for name in declared}


def release_of(build: Path, parameters: Parameters) -> str:
    """A name for what is deployed: the same for the same files and parameters, 16 hex digits."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
    for file in sorted(each for each in build.rglob("*") if each.is_file()):
        digest.update(f"\0{file.relative_to(build)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
