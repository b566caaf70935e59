"""What the template promises: functions, rights, the API, the table, alarms."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from itertools import chain
from typing import Any

import pytest

from dev import ROOT
from dev.template import (
    fallbacks,
    module_of,
    pages,
    resources,
    rights,
    routes,
    served_methods,
    statements,
    template,
)
from tally.http.endpoint import Endpoint
from tests.api.answers import ALWAYS
from tests.template import FUNCTIONS, Properties

ROLES: Mapping[str, Properties] = {
    name: each["Properties"]
    for name, each in resources("AWS::IAM::Role").items()
    if name != "LogRole"  # API Gateway's, to write logs
}
# Functions that know who calls them.
CALLED = {route.function for route in routes() if isinstance(route.module.endpoint, Endpoint)}
TABLE = template()["Resources"]["Table"]
API: Properties = template()["Resources"]["Api"]["Properties"]


each_function = pytest.mark.parametrize("function", FUNCTIONS)


# ------------------------------------------------------------------------- functions


def test_every_function_has_a_folder_of_its_own_and_every_folder_a_function() -> None:
    folders = [properties["CodeUri"].rstrip("/") for properties in FUNCTIONS.values()]
    handlers = (ROOT / "functions").rglob("app.py")

    assert sorted(folders) == sorted(str(app.parent.relative_to(ROOT)) for app in handlers)


@each_function
def test_a_functions_handler_is_there(function: str) -> None:
    module_name, _, name = template()["Globals"]["Function"]["Handler"].partition(".")

    module = module_of(FUNCTIONS[function])

    assert "Handler" not in FUNCTIONS[function]
    assert module.__name__.endswith(f".{module_name}")
    assert callable(getattr(module, name))


def test_no_route_is_served_twice() -> None:
    named = [str(route) for route in (*routes(), *pages())]

    assert len(named) == len(set(named))


@each_function
def test_every_function_logs_json_that_is_kept_for_a_while(function: str) -> None:
    logging = template()["Globals"]["Function"]["LoggingConfig"]

    assert "LoggingConfig" not in FUNCTIONS[function]
    assert logging["LogFormat"] == "JSON"
    assert logging["LogGroup"] == {"Ref": "LogGroup"}
    retention = template()["Resources"]["LogGroup"]["Properties"]["RetentionInDays"]
    assert retention == {"Ref": "LogRetentionDays"}
    assert template()["Parameters"]["LogRetentionDays"]["Default"] == 30


@each_function
def test_who_signs_cursors_is_given_the_secret_and_nobody_else(function: str) -> None:
    properties = FUNCTIONS[function]
    module = module_of(properties)

    given = "CURSOR_SECRET_ARN" in properties.get("Environment", {}).get("Variables", {})
    readable = rights(function).get("secretsmanager:GetSecretValue", [])
    may_read = {"Fn::GetAtt": ["CursorSecret", "Id"]} in readable

    assert given == may_read == hasattr(module, "Cursors")


@each_function
def test_whoever_has_callers_may_read_what_signs_sessions_and_nobody_else(function: str) -> None:
    globally = template()["Globals"]["Function"]["Environment"]["Variables"]
    secret = {"Fn::GetAtt": ["SessionSecret", "Id"]}

    readers = [action for action, where in rights(function).items() if secret in where]

    assert globally["SESSION_SECRET_ARN"] == secret
    assert readers == (
        ["secretsmanager:GetSecretValue", "secretsmanager:ListSecretVersionIds"]
        if function in CALLED
        else []
    )


# ---------------------------------------------------------------------------- rights


@each_function
def test_rights_are_named_one_by_one(function: str) -> None:
    for statement in statements(function):
        assert set(statement) - {"Condition"} == {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"

    granted = rights(function)
    reads = granted.keys() & {"dynamodb:GetItem", "dynamodb:Query"}
    assert bool(reads) == (function not in {"Console", "Fallback", "Reference"})
    assert not [action for action in granted if "*" in action]


@each_function
def test_whoever_has_callers_counts_their_requests_and_notes_their_keys(function: str) -> None:
    """And may change nothing else of the table for it."""
    conditional = [each for each in statements(function) if "Condition" in each]

    assert [each["Condition"] for each in conditional] == (
        [
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["LIMIT#*"]}},
            {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["APIKEY#*"]},
                "ForAllValues:StringEquals": {"dynamodb:Attributes": ["PK", "SK", "last_used_at"]},
            },
        ]
        if function in CALLED
        else []
    )
    table = {"Fn::GetAtt": ["Table", "Arn"]}
    assert all(
        (each["Action"], each["Resource"]) == ("dynamodb:UpdateItem", table) for each in conditional
    )


@each_function
def test_rights_are_to_named_resources(function: str) -> None:
    granted = rights(function)
    granted.pop("dynamodb:ListStreams", None)  # the one action that knows no narrower resource

    for resource in chain.from_iterable(granted.values()):
        match resource:
            case {"Fn::GetAtt": [name, "Arn" | "StreamArn" | "Id"]}:
                assert name in template()["Resources"]
            case {"Fn::Sub": path}:
                assert path == "${FailedBatches.Arn}/*"
            case {"Fn::Join": path}:
                assert path == ["", [{"Fn::GetAtt": ["Table", "Arn"]}, "/index/ByLastAccess"]]
            case _:
                pytest.fail(f"{function} may reach {resource}")


def test_roles_are_for_functions_only() -> None:
    taken = [properties["Role"] for properties in FUNCTIONS.values() if "Role" in properties]

    assert taken == [{"Fn::GetAtt": [role, "Arn"]} for role in ROLES]
    for role in ROLES.values():
        assert "ManagedPolicyArns" not in role
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


# ------------------------------------------------------------------------------- api


def test_bodies_reach_the_functions_byte_for_byte() -> None:
    assert API["BinaryMediaTypes"] == ["*~1*"]


@pytest.mark.parametrize("kind", API["GatewayResponses"])
def test_the_gateways_own_answers_are_signed_errors(kind: str) -> None:
    response = API["GatewayResponses"][kind]

    (content_type,) = response["ResponseTemplates"]
    body = json.loads(response["ResponseTemplates"][content_type])

    assert content_type == "application/json"
    may_be_sent_again = {"Retry-After": "1"} if response.get("StatusCode") in (429, 503) else {}
    assert response["ResponseParameters"]["Headers"] == {
        "X-Request-Id": "context.requestId",
        **{name: f"'{value}'" for name, value in (ALWAYS | may_be_sent_again).items()},
    }
    assert set(body) == {"error", "request_id", "timestamp"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["request_id"] == "req_$context.requestId"
    assert body["timestamp"] is None  # its own is not in ISO 8601
    assert body["error"]["details"] == []


def test_the_gateway_answers_for_what_it_refuses() -> None:
    codes = {
        kind: (response.get("StatusCode"), _code(response))
        for kind, response in API["GatewayResponses"].items()
    }

    assert codes == {
        "MISSING_AUTHENTICATION_TOKEN": (404, "not_found"),
        "THROTTLED": (429, "too_many_requests"),
        "REQUEST_TOO_LARGE": (413, "payload_too_large"),
        "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type"),
        "INTEGRATION_FAILURE": (503, "unavailable"),  # a function that Lambda throttles
        "DEFAULT_4XX": (None, "invalid_request"),
        "DEFAULT_5XX": (None, "internal_error"),
    }


def _code(response: Properties) -> str:
    body = json.loads(response["ResponseTemplates"]["application/json"])
    return str(body["error"]["code"])


def test_one_function_answers_whatever_no_route_does() -> None:
    """Without any right."""
    assert {(each.path, each.function) for each in fallbacks()} == {
        ("/", "Fallback"),
        ("/{proxy+}", "Fallback"),
    }
    assert rights("Fallback") == {}


def test_it_knows_the_methods_of_each_path() -> None:
    served: dict[str, list[str]] = {}
    for route in (*routes(), *pages()):
        served.setdefault(route.path, []).append(route.method)

    listed = {path: ", ".join(sorted(methods)) for path, methods in served.items()}
    assert listed == served_methods()


def test_large_answers_are_compressed() -> None:
    assert API["MinimumCompressionSize"] == 10_240


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        ("", True),
        ("https://app.example", True),
        ("https://app.example,http://localhost:3000", True),
        ("*", False),
        ("https://*.example", False),
        ("https://app.example/", False),
        ("https://app.example, https://other.example", False),
        ("app.example", False),
        ("null", False),
    ],
)
def test_origins_are_named_one_by_one(origins: str, allowed: bool) -> None:  # noqa: FBT001
    parameter = template()["Parameters"]["AllowedOrigins"]
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]

    assert bool(re.fullmatch(parameter["AllowedPattern"], origins)) is allowed
    assert parameter["Default"] == ""
    assert variables["ALLOWED_ORIGINS"] == {"Ref": "AllowedOrigins"}


def test_every_route_belongs_to_the_api_that_is_throttled() -> None:
    events = [e for p in FUNCTIONS.values() for e in p["Events"].values() if e["Type"] == "Api"]

    assert {event["Properties"]["RestApiId"]["Ref"] for event in events} == {"Api"}
    (settings,) = API["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottlingRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurstLimit"}


# ----------------------------------------------------------------------------- table


def test_the_table_is_on_demand_recoverable_and_encrypted() -> None:
    properties = TABLE["Properties"]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_the_table_outlives_the_stack_in_prod() -> None:
    assert template()["Conditions"]["IsProd"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    assert TABLE["DeletionPolicy"] == {"Fn::If": ["IsProd", "Retain", "Delete"]}
    assert TABLE["UpdateReplacePolicy"] == "Retain"
    assert TABLE["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}


def test_a_restored_table_takes_the_place_of_the_stacks_own_everywhere() -> None:
    """Whatever names the table or its stream says which of the two it means."""
    arn = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${RestoredTable}"
    own = {"Ref": "Table"}, {"Fn::GetAtt": ["Table", "Arn"]}, {"Fn::GetAtt": ["Table", "StreamArn"]}
    restored = (
        {"Ref": "RestoredTable"},
        {"Fn::Sub": arn},
        {"Fn::Sub": f"{arn}/stream/${{RestoredTableStream}}"},
    )

    def named(value: Any) -> list[Any]:
        match value:
            case {"Fn::If": ["IsRestored", first, second]}:
                assert (first, second) in zip(restored, own, strict=True)
                return []
            case dict() if value in own:
                return [value]
            case dict() | list():
                inner = value.values() if isinstance(value, dict) else value
                return [found for each in inner for found in named(each)]
            case str():
                return [value] if "${Table" in value else []
        return []

    assert template()["Conditions"]["IsRestored"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "RestoredTable"}, ""]}]
    }
    assert named([template()["Globals"], template()["Resources"], template()["Outputs"]]) == []


# ------------------------------------------------------------------------ deployment


@pytest.fixture(scope="module")
def stages() -> dict[str, dict[str, Any]]:
    """Stage -> how samconfig.toml deploys it."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    return {
        name: stage["deploy"]["parameters"] for name, stage in config.items() if name != "version"
    }


def test_each_stage_has_a_stack_and_says_so_to_the_template(
    stages: dict[str, dict[str, Any]],
) -> None:
    said = {
        name: dict(override.split("=", 1) for override in stage["parameter_overrides"])
        for name, stage in stages.items()
    }

    assert {name: stage["stack_name"] for name, stage in stages.items()} == {
        "default": "tally-dev",
        "dev": "tally-dev",
        "prod": "tally-prod",
        "local": "tally-local",
    }
    assert {name: overrides["Stage"] for name, overrides in said.items()} == {
        "default": "dev",
        "dev": "dev",
        "prod": "prod",
        "local": "local",
    }
    assert template()["Parameters"]["Stage"]["AllowedValues"] == ["local", "dev", "prod"]
    assert {name for overrides in said.values() for name in overrides} <= set(
        template()["Parameters"]
    )


def test_production_is_not_changed_unasked(stages: dict[str, dict[str, Any]]) -> None:
    assert stages["prod"]["confirm_changeset"] is True
    assert stages["default"]["confirm_changeset"] is True
