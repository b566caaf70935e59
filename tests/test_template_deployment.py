"""What the template promises of deployments: names, versions, gradual shifts, doors and locks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import pytest

from dev import ROOT
from dev.template import functions, resources, template
from tests.transformed import STACK, transformed

API = template()["Resources"]["Api"]["Properties"]
PARAMETERS = template()["Parameters"]
CANARY = "Canary10Percent5Minutes"
BEHIND_THE_API = sorted(
    name
    for name, function in functions().items()
    if any(event["Type"] == "Api" for event in function["Events"].values())
)
ONLY_OVER_TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def of_type(kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in found.items() if each["Type"] == kind}


def named(value: Any) -> Iterator[str]:
    """The resources that a value refers to."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            yield name
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), _]}:
            yield from (name.partition(".")[0] for name in re.findall(r"\$\{([\w.]+)\}", text))
            if isinstance(value["Fn::Sub"], list):
                yield from named(value["Fn::Sub"][1])
        case dict():
            yield from chain.from_iterable(map(named, value.values()))
        case list():
            yield from chain.from_iterable(map(named, value))


# ----------------------------------------------------------------------------- names

# A name that is unique in an account and Region, by the type of what it names.
_PHYSICAL_NAMES = {
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::Events::Archive": "ArchiveName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentGroupName",
    "AWS::ApiGateway::RestApi": "Name",
}


def test_no_physical_name_lacks_the_stacks_name() -> None:
    """Or a second stack of the same account and Region could not be deployed."""
    for name, resource in transformed(DeploymentType=CANARY).items():
        given = resource.get("Properties", {}).get(_PHYSICAL_NAMES.get(resource["Type"], ""))
        if given is not None:
            assert re.search(rf"AWS::StackName|{STACK}", json.dumps(given)), name


# -------------------------------------------------------------------------- versions


def invoked() -> list[str]:
    """What the API's methods invoke."""
    body = transformed()["Api"]["Properties"]["Body"]
    methods = [method for path in body["paths"].values() for method in path.values()]
    uris = [method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"] for method in methods]
    return sorted({re.findall(r"functions/\$\{(\w+)\}/", uri)[0] for uri in uris})


def test_the_api_invokes_aliases_alone() -> None:
    assert invoked() == [f"{name}Aliaslive" for name in BEHIND_THE_API]
    assert sorted(of_type("AWS::Lambda::Alias", transformed())) == invoked()


@pytest.mark.parametrize(
    "change",
    [
        {"layer": "b"},
        {"release": "c0ffee"},
    ],
)
def test_whatever_changes_the_functions_publishes_new_versions(change: dict[str, str]) -> None:
    """An alias keeps its version with that version's code, layer and variables."""
    before, after = (of_type("AWS::Lambda::Version", transformed(**each)) for each in ({}, change))

    assert len(before) == len(after) == len(BEHIND_THE_API)
    assert not before.keys() & after.keys()


def test_versions_do_not_pile_up() -> None:
    policies = {
        v["DeletionPolicy"] for v in of_type("AWS::Lambda::Version", transformed()).values()
    }

    assert policies == {"Delete"}


# --------------------------------------------------------------- gradual deployments


def test_by_default_codedeploy_has_no_part_in_it() -> None:
    assert PARAMETERS["DeploymentType"]["Default"] == "AllAtOnce"
    assert not [name for name, each in transformed().items() if "CodeDeploy" in each["Type"]]
    assert not [name for name, each in transformed().items() if "UpdatePolicy" in each]


@pytest.mark.parametrize(
    "kind", sorted({*PARAMETERS["DeploymentType"]["AllowedValues"]} - {"AllAtOnce"})
)
def test_every_other_type_shifts_the_apis_functions_and_minds_the_alarm(kind: str) -> None:
    groups = of_type("AWS::CodeDeploy::DeploymentGroup", transformed(DeploymentType=kind))

    assert sorted(groups) == sorted(f"{name}DeploymentGroup" for name in BEHIND_THE_API)
    for group in groups.values():
        properties = group["Properties"]
        assert properties["DeploymentConfigName"] == {
            "Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": kind}]
        }
        assert properties["AlarmConfiguration"] == {
            "Enabled": True,
            "Alarms": [{"Name": {"Ref": "ApiFaults"}}],
        }
        assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]


def test_the_alarm_is_there_before_the_versions_that_it_watches() -> None:
    """An alarm on the API's id would wait for the API, which waits for the functions."""
    found = transformed(DeploymentType=CANARY)
    left = {name: set(named(each)) & found.keys() - {name} for name, each in found.items()}
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]

    assert left == {}


# ---------------------------------------------------------------------- doors and locks


def test_the_domain_is_the_apis_and_speaks_tls_1_2() -> None:
    found = transformed()

    assert found["Domain"]["Properties"] == {
        "DomainName": {"Ref": "DomainName"},
        "RegionalCertificateArn": {"Ref": "CertificateArn"},
        "EndpointConfiguration": {"Types": ["REGIONAL"]},
        "SecurityPolicy": "TLS_1_2",
    }
    assert found["DomainsPath"]["Properties"] == {
        "DomainName": {"Ref": "Domain"},
        "RestApiId": {"Ref": "Api"},
        "Stage": {"Ref": "ApiliveStage"},
        "BasePath": {"Fn::If": ["HasBasePath", {"Ref": "BasePath"}, {"Ref": "AWS::NoValue"}]},
    }
    assert found["DomainsRecord"]["Properties"]["AliasTarget"] == {
        "DNSName": {"Fn::GetAtt": ["Domain", "RegionalDomainName"]},
        "HostedZoneId": {"Fn::GetAtt": ["Domain", "RegionalHostedZoneId"]},
    }


@pytest.mark.parametrize(
    ("resource", "condition"),
    [
        ("Domain", "HasDomain"),
        ("DomainsPath", "HasDomain"),
        ("DomainsRecord", "HasRecord"),
        ("WebAcl", "HasWebAcl"),
        ("AccessLogGroup", "LogsAccess"),
        ("LogRoleOfTheAccount", "SetsLogRole"),
        ("LogRole", "SetsLogRole"),
        ("EventArchive", "ArchivesEvents"),
        ("QueuesOverTls", "OnAws"),
        ("FailedBatchesOverTls", "OnAws"),
    ],
)
def test_what_a_parameter_asks_for(resource: str, condition: str) -> None:
    assert transformed()[resource]["Condition"] == condition


def test_the_firewall_protects_the_stage() -> None:
    assert transformed()["WebAcl"]["Properties"] == {
        "WebACLArn": {"Ref": "WebAclArn"},
        "ResourceArn": {
            "Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}"
            "/stages/${ApiliveStage}"
        },
    }


def test_queues_and_buckets_are_reached_over_tls_alone() -> None:
    """The embedded AWS has no TLS."""
    assert template()["Conditions"]["OnAws"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]
    }
    guarded = [policy["Properties"] for policy in resources("AWS::SQS::QueuePolicy").values()]
    unconditional = {"Fn::If": ["OnAws", ONLY_OVER_TLS, {"Ref": "AWS::NoValue"}]}
    for policy in guarded:
        statements = policy["PolicyDocument"]["Statement"]
        assert ONLY_OVER_TLS in statements or unconditional in statements
    queues = [queue["Ref"] for policy in guarded for queue in policy["Queues"]]
    assert sorted(queues) == sorted(resources("AWS::SQS::Queue"))

    policies = resources("AWS::S3::BucketPolicy").values()
    assert sorted(p["Properties"]["Bucket"]["Ref"] for p in policies) == sorted(
        resources("AWS::S3::Bucket")
    )
    for policy in policies:
        bucket = policy["Properties"]["Bucket"]["Ref"]
        assert policy["Properties"]["PolicyDocument"]["Statement"] == [
            ONLY_OVER_TLS
            | {
                "Action": "s3:*",
                "Resource": [
                    {"Fn::GetAtt": [bucket, "Arn"]},
                    {"Fn::Sub": f"${{{bucket}.Arn}}/*"},
                ],
            }
        ]


@pytest.mark.parametrize("kind", ["AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::Events::Archive"])
def test_what_holds_data_outlives_the_stack_in_prod(kind: str) -> None:
    for resource in resources(kind).values():
        assert resource["DeletionPolicy"] == {
            "Fn::If": ["IsProd", "RetainExceptOnCreate", "Delete"]
        }
        assert resource["UpdateReplacePolicy"] == "Retain"


# ------------------------------------------------------------------- logs and traces


def test_the_access_log_says_how_it_went_and_not_who_it_was() -> None:
    condition, log, otherwise = API["AccessLogSetting"]["Fn::If"]
    line = json.loads(log["Format"])

    assert (condition, otherwise) == ("LogsAccess", {"Ref": "AWS::NoValue"})
    assert log["DestinationArn"] == {"Fn::GetAtt": ["AccessLogGroup", "Arn"]}
    assert set(line.values()) == {
        "req_$context.requestId",  # the id that the client saw
        "$context.requestTime",
        "$context.httpMethod",
        "$context.resourcePath",
        "$context.status",
        "$context.responseLength",
        "$context.responseLatency",
        "$context.integrationLatency",
        "$context.integrationStatus",
        "$context.error.responseType",
        "$context.waf.status",
        "$context.xrayTraceId",
    }
    for group in resources("AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_access_log_waits_for_its_role() -> None:
    """The stage needs the log group, which needs the role of the account if the stack sets it."""
    (tags,) = [transformed()["AccessLogGroup"]["Properties"]["Tags"]]

    assert {"LogRoleOfTheAccount", "LogRole"} <= {
        *named(tags),
        *named(transformed()["LogRoleOfTheAccount"]),
    }
    assert tags["Fn::If"][0] == "SetsLogRole"


def test_the_role_of_the_account_outlives_the_stack() -> None:
    """Other APIs of the account and Region log with it."""
    for name in ("LogRole", "LogRoleOfTheAccount"):
        assert template()["Resources"][name]["DeletionPolicy"] == "Retain"


def test_reports_of_invocations_are_logged() -> None:
    assert template()["Globals"]["Function"]["LoggingConfig"]["SystemLogLevel"] == "INFO"


def test_requests_are_traced_if_the_parameter_says_so() -> None:
    def traced(found: Mapping[str, Any]) -> list[str]:
        functions = of_type("AWS::Lambda::Function", found)
        return sorted(n for n, each in functions.items() if "TracingConfig" in each["Properties"])

    assert traced(transformed()) == []
    assert "XRay" not in json.dumps(of_type("AWS::IAM::Role", transformed()))
    assert traced(transformed(Tracing="Active")) == BEHIND_THE_API
    assert API["TracingEnabled"] == {"Fn::If": ["TracesRequests", True, False]}


# ------------------------------------------------------------------------- the gateway


def test_no_answer_of_the_gateway_repeats_what_was_sent() -> None:
    """Its own would quote an Authorization header that it cannot read."""
    for response in API["GatewayResponses"].values():
        for text in response["ResponseTemplates"].values():
            assert re.findall(r"\$[\w.]+", text) == ["$context.requestId"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= API["GatewayResponses"].keys()


# ------------------------------------------------------------------------------- docs


def test_operators_find_every_parameter_with_its_default() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| .+ \|$", text, re.MULTILINE)
    defaults = {name: str(each["Default"]) or "none" for name, each in PARAMETERS.items()}

    described = {name: default.strip("`") for name, default in rows if name in PARAMETERS}
    assert described == defaults
