"""Every parameter of a deployment has a value that somebody chose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dev import ROOT
from dev.template import template
from ops.errors import OpsError
from ops.parameters import Settings, merged, release_of, settings_of

DECLARED: dict[str, dict[str, Any]] = {
    "Stage": {"Type": "String", "Default": "dev"},
    "Days": {"Type": "Number", "Default": 30},
    "Topic": {"Type": "String", "Default": ""},
    "Architecture": {"Type": "String", "Default": "arm64"},
}
BUILT = {"Architecture": "x86_64"}


def merge(**given: dict[str, str]) -> Any:
    known: dict[str, Any] = {"deployed": {}, "configured": {}, "built": BUILT}
    return merged(DECLARED, **(known | given))


def test_all_parameters_are_passed_whatever_is_configured() -> None:
    assert merge() == {"Stage": "dev", "Days": "30", "Topic": "", "Architecture": "x86_64"}
    assert merge(configured={"Stage": "prod"}) == merge() | {"Stage": "prod"}


def test_what_is_configured_is_not_lost_because_of_the_architecture() -> None:
    """As it is with `sam deploy --parameter-overrides`, which replaces the whole list."""
    configured = {"Stage": "prod", "Days": "365"}

    assert merge(configured=configured) == {**configured, "Topic": "", "Architecture": "x86_64"}


def test_what_is_deployed_stays_unless_it_is_configured_otherwise() -> None:
    deployed = {"Stage": "dev", "Topic": "arn:pager", "Architecture": "arm64", "Gone": "long ago"}

    assert merge(deployed=deployed, configured={"Stage": "prod"}) == {
        "Stage": "prod",
        "Days": "30",
        "Topic": "arn:pager",
        "Architecture": "x86_64",
    }
    assert merge(deployed=deployed, configured={"Topic": ""})["Topic"] == ""


@pytest.mark.parametrize(
    ("declared", "configured", "message"),
    [
        ({}, {"Sage": "prod"}, "The template has no parameter Sage; see parameter_overrides."),
        (
            {"Owner": {"Type": "String"}},
            {},
            "The parameter Owner has no value; add it to parameter_overrides.",
        ),
        (
            {},
            {"Architecture": "arm64"},
            (
                "samconfig.toml sets Architecture to arm64, but x86_64 was built. Remove it from "
                "parameter_overrides; `make deploy` sets it."
            ),
        ),
    ],
)
def test_mistakes(declared: dict[str, Any], configured: dict[str, str], message: str) -> None:
    with pytest.raises(OpsError) as refused:
        merged(DECLARED | declared, deployed={}, configured=configured, built=BUILT)

    assert str(refused.value) == message


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_projects_own_settings_fit_its_template(environment: str) -> None:
    settings = settings_of(environment, ROOT / "samconfig.toml")
    built = {"Architecture": "arm64", "Release": "c0ffee"}

    parameters = merged(
        template()["Parameters"], deployed={}, configured=settings.parameters, built=built
    )

    assert settings.stack_name == f"tally-{environment}"
    assert parameters["Stage"] == environment
    assert parameters.keys() == template()["Parameters"].keys()
    assert settings.confirm is (environment == "prod")


@pytest.mark.parametrize(
    "overrides",
    [
        '["Stage=prod", "Origins=https://a.example,https://b.example", "Note=\\"a b\\"", "None="]',
        '"""Stage=prod Origins=https://a.example,https://b.example Note="a b" None="""',
    ],
)
def test_settings_are_read_as_sam_reads_them(overrides: str, tmp_path: Path) -> None:
    config = tmp_path / "samconfig.toml"
    config.write_text(
        "[prod.global.parameters]\nregion = 'eu-west-1'\nprofile = 'operator'\n"
        f"[prod.deploy.parameters]\nstack_name = 'tally'\nparameter_overrides = {overrides}\n"
    )

    assert settings_of("prod", config) == Settings(
        environment="prod",
        stack_name="tally",
        parameters={
            "Stage": "prod",
            "Origins": "https://a.example,https://b.example",
            "Note": "a b",
            "None": "",
        },
        region="eu-west-1",
        profile="operator",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "samconfig.toml has no environment prod."),
        (
            "[prod.deploy.parameters]",
            "samconfig.toml does not name the stack of prod (stack_name).",
        ),
        (
            "[prod.deploy.parameters]\nstack_name = 't'\nparameter_overrides = ['Stage']",
            "parameter_overrides: write Name=value, not Stage.",
        ),
    ],
)
def test_mistakes_in_settings(content: str, message: str, tmp_path: Path) -> None:
    config = tmp_path / "samconfig.toml"
    config.write_text(content)

    with pytest.raises(OpsError) as refused:
        settings_of("prod", config)

    assert str(refused.value) == message


def test_a_release_is_named_for_its_files_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "app.py").write_text("1")
    first = release_of(tmp_path, {"Stage": "prod"})

    assert release_of(tmp_path, {"Stage": "prod"}) == first
    assert len(first) == 16
    assert release_of(tmp_path, {"Stage": "dev"}) != first
    (tmp_path / "f" / "app.py").write_text("2")
    assert release_of(tmp_path, {"Stage": "prod"}) != first
