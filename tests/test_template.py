"""What the template promises: rights, delivery, durability, logs."""

from __future__ import annotations

import inspect
import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import chain, product
from typing import Any

import pytest

from tally.domain.counting import (
    AccessTotals,
    BuyerTotals,
    DatasetTotals,
    PartnerTotals,
    ProviderTotals,
    SpendTotals,
    UsageTotals,
)
from tally.domain.instants import plus
from tally.domain.periods import closes_at
from tally.domain.usage import Bucket
from tally.store import keys
from tally.store.counting import MARKER_LIFETIME
from tally.store.keys import Key
from tally.store.records import record_from
from tests.template import ROOT, module_of, resources, rights, routes, statements, template
from tests.world import passes_filter

type Properties = Mapping[str, Any]

FUNCTIONS: Mapping[str, Properties] = {
    name: each["Properties"] for name, each in resources("AWS::Serverless::Function").items()
}
ROLES: Mapping[str, Properties] = {
    name: each["Properties"] for name, each in resources("AWS::IAM::Role").items()
}
STREAM: Properties = FUNCTIONS["CountChanges"]["Events"]["Stream"]["Properties"]
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

    module = module_of({"Properties": FUNCTIONS[function]})

    assert "Handler" not in FUNCTIONS[function]
    assert module.__name__.endswith(f".{module_name}")
    assert callable(getattr(module, name))


def test_no_route_is_served_twice() -> None:
    named = [str(route) for route in routes()]

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
    module = module_of({"Properties": properties})

    given = "CURSOR_SECRET_ARN" in properties.get("Environment", {}).get("Variables", {})
    may_read = "secretsmanager:GetSecretValue" in rights(function)

    assert given == may_read == hasattr(module, "CursorSecret")


# ---------------------------------------------------------------------------- rights


@each_function
def test_rights_are_named_one_by_one(function: str) -> None:
    for statement in statements(function):
        assert set(statement) == {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"

    granted = rights(function)
    assert "dynamodb:GetItem" in granted
    assert not [action for action in granted if "*" in action]


@each_function
def test_rights_are_to_named_resources(function: str) -> None:
    granted = rights(function)
    granted.pop("dynamodb:ListStreams", None)  # the one action that knows no narrower resource

    for resource in chain.from_iterable(granted.values()):
        match resource:
            case {"Fn::GetAtt": [name, "Arn" | "StreamArn" | "Id"]}:
                assert name in template()["Resources"]
            case {"Fn::Sub": path}:
                assert path in ("${FailedBatches.Arn}/*", "${Table.Arn}/index/ByLastAccess")
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
    assert response["ResponseParameters"] == {"Headers": {"X-Request-Id": "context.requestId"}}
    assert set(body) == {"error", "request_id", "timestamp"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["request_id"] == "$context.requestId"
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
        "DEFAULT_5XX": (None, "internal_error"),
    }


def _code(response: Properties) -> str:
    body = json.loads(response["ResponseTemplates"]["application/json"])
    return str(body["error"]["code"])


def test_every_route_belongs_to_the_api_that_is_throttled() -> None:
    events = [e for p in FUNCTIONS.values() for e in p["Events"].values() if e["Type"] == "Api"]

    assert {event["Properties"]["RestApiId"]["Ref"] for event in events} == {"Api"}
    (settings,) = API["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottlingRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurstLimit"}


# ---------------------------------------------------------------------------- stream


def test_the_stream_delivers_everything_or_keeps_it() -> None:
    assert STREAM["Stream"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    assert STREAM["StartingPosition"] == "TRIM_HORIZON"
    assert STREAM["BisectBatchOnFunctionError"] is True
    # S3 keeps the batch; a queue or a topic would keep a pointer into a stream that forgets.
    assert STREAM["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["FailedBatches", "Arn"]
    }
    assert template()["Resources"]["FailedBatches"]["Type"] == "AWS::S3::Bucket"


def test_the_stream_gives_up_before_it_forgets() -> None:
    age = timedelta(seconds=STREAM["MaximumRecordAgeInSeconds"])

    assert timedelta(hours=12) <= age < timedelta(hours=24)
    assert 0 < STREAM["MaximumRetryAttempts"] < 10_000


def test_a_failed_batch_expires_before_its_markers_do() -> None:
    """Else it could be replayed when nobody remembers what of it was counted."""
    bucket = template()["Resources"]["FailedBatches"]["Properties"]
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    longest_on_the_stream = timedelta(seconds=STREAM["MaximumRecordAgeInSeconds"])
    # Expiry rounds up to the next midnight, and the bucket is swept a day later at times.
    longest_in_the_bucket = timedelta(days=rule["ExpirationInDays"] + 2)

    assert rule["Status"] == "Enabled"
    assert longest_on_the_stream + longest_in_the_bucket < MARKER_LIFETIME


def test_failed_batches_are_nobody_elses() -> None:
    bucket = template()["Resources"]["FailedBatches"]["Properties"]

    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


# ------------------------------------------------------------------------------- bus

BUS = template()["Resources"]
INBOUND, REJECTED = ({"Fn::GetAtt": [f"{name}Events", "Arn"]} for name in ("Inbound", "Rejected"))


def test_the_bus_leads_to_the_function_by_way_of_the_queue() -> None:
    """Handed over directly, the numbers of an event would be binary floats by then."""
    rule = BUS["EventsOfThisAccount"]["Properties"]
    source = FUNCTIONS["ReceiveEvents"]["Events"]["Queue"]

    assert rule["EventBusName"] == {"Ref": "EventBus"}
    assert rule["EventPattern"] == {"account": [{"Ref": "AWS::AccountId"}]}
    (target,) = rule["Targets"]
    assert target == {"Id": "InboundEvents", "Arn": INBOUND, "DeadLetterConfig": {"Arn": REJECTED}}
    assert source["Type"] == "SQS"
    assert source["Properties"]["Queue"] == INBOUND


TASKS = {"Fn::GetAtt": ["PayoutTasks", "Arn"]}
QUEUE_RIGHTS: Mapping[str, Mapping[str, Any]] = {
    "ReceiveEvents": {
        "sqs:ReceiveMessage": [INBOUND],
        "sqs:DeleteMessage": [INBOUND],
        "sqs:GetQueueAttributes": [INBOUND],
        "sqs:SendMessage": [INBOUND, REJECTED],
    },
    "StartPayouts": {"sqs:SendMessage": [TASKS]},
    "CreatePayoutRun": {"sqs:SendMessage": [TASKS]},
    "GeneratePayout": {
        "sqs:ReceiveMessage": [TASKS],
        "sqs:DeleteMessage": [TASKS],
        "sqs:GetQueueAttributes": [TASKS],
    },
}


def test_payouts_are_scheduled_an_hour_after_the_month_is_closed() -> None:
    """Long enough for every request that began before the close to have ended."""
    schedule = FUNCTIONS["StartPayouts"]["Events"]["Monthly"]["Properties"]

    assert schedule["ScheduleExpression"] == "cron(0 6 1 * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    scheduled_at, closed_at = "2026-04-01T06:00:00.000000000Z", closes_at("2026-03")
    assert closed_at == "2026-04-01T05:00:00.000000000Z"
    assert plus(closed_at, timedelta(minutes=5)) < scheduled_at


def test_a_payout_task_is_the_functions_alone_for_as_long_as_it_may_run() -> None:
    properties = BUS["PayoutTasks"]["Properties"]
    function = FUNCTIONS["GeneratePayout"]

    assert properties["VisibilityTimeout"] > 6 * function["Timeout"]
    assert properties["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["FailedPayoutTasks", "Arn"]
    }
    most = function["Environment"]["Variables"]["MAX_RECEIVE_COUNT"]
    assert int(most) == properties["RedrivePolicy"]["maxReceiveCount"]


def test_only_the_rule_and_the_function_send_to_the_queues() -> None:
    policy = BUS["RuleMaySend"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]

    assert policy["Queues"] == [{"Ref": "InboundEvents"}, {"Ref": "RejectedEvents"}]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": [INBOUND, REJECTED],
        "Condition": {
            "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["EventsOfThisAccount", "Arn"]}}
        },
    }
    for function in FUNCTIONS:
        granted = {a: where for a, where in rights(function).items() if a.startswith("sqs:")}
        assert granted == QUEUE_RIGHTS.get(function, {})


def test_both_doors_may_do_the_same_to_the_table() -> None:
    at_the_table = [
        {a: where for a, where in rights(function).items() if a.startswith("dynamodb:")}
        for function in ("IngestEvents", "ReceiveEvents")
    ]

    assert at_the_table[0] == at_the_table[1]


def test_a_queue_keeps_events_as_long_as_it_can_and_encrypted() -> None:
    for queue in resources("AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
        longest = timedelta(days=14)
        assert queue["Properties"]["MessageRetentionPeriod"] == longest.total_seconds()


def test_a_batch_is_not_delivered_again_while_it_is_worked_on_nor_given_up_soon() -> None:
    queue = BUS["InboundEvents"]["Properties"]
    function = FUNCTIONS["ReceiveEvents"]
    window = function["Events"]["Queue"]["Properties"]["MaximumBatchingWindowInSeconds"]

    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"] + window
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": REJECTED, "maxReceiveCount": 100}
    assert "RedrivePolicy" not in BUS["RejectedEvents"]["Properties"]


# An example of every argument that a key is made of.
ARGUMENTS: Mapping[str, tuple[Any, ...]] = {
    "tenant_id": ("acme", "DATASET"),
    "dataset_id": ("dset_1", "DATASET"),
    "object_id": ("obj_1",),
    "partner_id": ("acme", "DATASET"),
    "organization_id": ("org_1", "DATASET"),
    "bucket": tuple(Bucket),
    "date": ("2026-04-05", "2026-04"),
    "day": ("2026-04-05",),
    "prefix": ("k3j5m7n2p4q6",),
    "api_key_id": ("key_k3j5m7n2p4q6",),
    "created_at": ("2026-04-05T09:30:00.000000000Z",),
    "parked_at": ("2026-04-05T09:30:00.000000000Z",),
    "occurred_at": ("2026-04-05T09:30:00.000000000Z",),
    "accessed_at": ("2026-04-05T09:30:00.000000000Z",),
    "entry_id": ("5e8848",),
    "period": ("2026-04",),
    "statement_id": ("pst_5e8848",),
    "due_at": ("2026-07-01T06:00:00.000000000Z",),
    "run_id": ("run_2026-03",),
    "chunk": (0,),
    "change": (1,),
    "side": ("debit", "credit"),
    "currency": ("USD",),
    "source": ("/marketplace",),
    "event_id": ("evt-1",),
    "record_id": ("c4ca4238a0b923820dcc509a6f75849b",),
    "of": (
        ProviderTotals("acme"),
        DatasetTotals("acme", "dset_1", "0"),
        BuyerTotals("acme"),
        SpendTotals("acme", "2026-04"),
        AccessTotals("acme", "dset_1"),
        PartnerTotals("acme"),
        UsageTotals("acme", Bucket.DAY, "2026-04-05"),
        UsageTotals("acme", Bucket.MONTH, "2026-04"),
    ),
}


def _key_builders() -> dict[str, Callable[..., Key]]:
    return {
        name: function
        for name, function in inspect.getmembers(keys, inspect.isfunction)
        if inspect.signature(function, eval_str=True).return_annotation is Key
    }


def _is_counted(key: Key) -> bool:
    """Whether counting knows such an item: it may miss attributes, but not the kind."""
    try:
        record_from({"PK": key.pk, "SK": key.sk})
    except KeyError:
        return True
    except ValueError:
        return False
    raise AssertionError("an item without attributes was read")


@pytest.mark.parametrize("builder", _key_builders())
def test_the_stream_brings_what_is_counted_and_nothing_else(builder: str) -> None:
    """A marker or a counter on the stream would cost a call each; a TTL deletion, one more."""
    build = _key_builders()[builder]
    names = inspect.signature(build).parameters

    made = [build(*arguments) for arguments in product(*(ARGUMENTS[name] for name in names))]

    assert [passes_filter(key.sk) for key in made] == [_is_counted(key) for key in made]


def test_something_is_counted() -> None:
    assert _is_counted(keys.dataset("dset_1"))
    assert _is_counted(keys.catalog_object("dset_1", "obj_1"))
    assert _is_counted(keys.ledger_entry("acme", "2026-04", "debit", "5e8848"))
    assert not _is_counted(keys.ledger_entry("acme", "2026-04", "credit", "5e8848"))


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


# ---------------------------------------------------------------------------- alarms


def test_somebody_is_told_when_counting_lags_or_parks() -> None:
    alarms = resources("AWS::CloudWatch::Alarm")
    watched = {alarm["Properties"]["MetricName"] for alarm in alarms.values()}
    parked = template()["Resources"]["ParkedRecords"]["Properties"]

    assert watched == {"IteratorAge", "ParkedRecords", "ApproximateNumberOfMessagesVisible"}
    assert alarms["EventsRejected"]["Properties"]["Dimensions"] == [
        {"Name": "QueueName", "Value": {"Fn::GetAtt": ["RejectedEvents", "QueueName"]}}
    ]
    assert parked["FilterPattern"] == '{ $.message = "record parked" }'
    stream_function = (ROOT / FUNCTIONS["CountChanges"]["CodeUri"] / "app.py").read_text()
    assert 'logger.error("record parked"' in stream_function
    for alarm in alarms.values():
        assert alarm["Properties"]["AlarmActions"] == {
            "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], []]
        }


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
