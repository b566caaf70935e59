"""What the template promises of events and changes: each is delivered or kept."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

import tally
from dev.template import passes_filter, resources, rights, template, unrestored
from functions.triggers.queues.rescue_objects import app as rescuing
from tally.activity.counters import AccessTotals, BuyerTotals
from tally.activity.erasing import LONGEST_S
from tally.activity.items import search_key
from tally.aws.retries import NEEDED_S
from tally.catalog.counters import DatasetTotals, ProviderTotals
from tally.catalog.items import dataset_key, object_key
from tally.counting.markers import MARKER_LIFETIME
from tally.counting.registry import record_from
from tally.kernel.counters import Totals
from tally.kernel.instants import plus
from tally.kernel.keys import Key
from tally.kernel.periods import closes_at
from tally.ledger.counters import BuyerDay, DatasetDay, DatasetMonth, ProviderDay, SpendTotals
from tally.ledger.items import ledger_entry_key, period_key
from tally.partners.counters import OrganizationMonth, PartnerTotals, UsageTotals
from tests.template import FUNCTIONS, Properties

STREAM: Properties = FUNCTIONS["CountChanges"]["Events"]["Stream"]["Properties"]


# ---------------------------------------------------------------------------- stream


def test_the_stream_delivers_everything_or_keeps_it() -> None:
    assert unrestored(STREAM["Stream"]) == {"Fn::GetAtt": ["Table", "StreamArn"]}
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


def test_only_its_age_gives_a_batch_up() -> None:
    """A bad deployment fails any number of attempts within hours: no number is a bound."""
    assert STREAM["MaximumRetryAttempts"] == -1


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
ERASURES = {"Fn::GetAtt": ["ErasureTasks", "Arn"]}
RESCUES = {"Fn::GetAtt": ["ObjectRescues", "Arn"]}
FAILURES = {"Fn::GetAtt": ["AsyncFailures", "Arn"]}
QUEUE_RIGHTS: Mapping[str, Mapping[str, Any]] = {
    "ReceiveEvents": {
        "sqs:ReceiveMessage": [INBOUND],
        "sqs:DeleteMessage": [INBOUND],
        "sqs:GetQueueAttributes": [INBOUND],
        "sqs:SendMessage": [INBOUND, REJECTED],
    },
    "EraseQueryTexts": {"sqs:SendMessage": [ERASURES]},
    "ExpireQueryTexts": {"sqs:SendMessage": [ERASURES]},
    "DeleteQueryTexts": {
        "sqs:ReceiveMessage": [ERASURES],
        "sqs:DeleteMessage": [ERASURES],
        "sqs:GetQueueAttributes": [ERASURES],
        "sqs:SendMessage": [ERASURES],
    },
    "ShowHealth": {"sqs:GetQueueAttributes": [REJECTED]},
    "StartPayouts": {"sqs:SendMessage": [TASKS]},
    "CreatePayoutRun": {"sqs:SendMessage": [TASKS]},
    "GeneratePayout": {
        "sqs:ReceiveMessage": [TASKS],
        "sqs:DeleteMessage": [TASKS],
        "sqs:GetQueueAttributes": [TASKS],
        "sqs:SendMessage": [TASKS],  # those of a bundle
    },
    "CountChanges": {"sqs:SendMessage": [RESCUES]},
    "RescueObjects": {
        "sqs:ReceiveMessage": [RESCUES],
        "sqs:DeleteMessage": [RESCUES],
        "sqs:GetQueueAttributes": [RESCUES],
        "sqs:SendMessage": [RESCUES],  # what is left
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


def test_what_starts_payouts_is_tried_again_for_hours_and_then_kept() -> None:
    """The schedule's own retries end when it hands over; Lambda's follow."""
    function = FUNCTIONS["StartPayouts"]
    monthly = function["Events"]["Monthly"]["Properties"]

    assert function["EventInvokeConfig"] == {
        "MaximumRetryAttempts": 2,
        "MaximumEventAgeInSeconds": timedelta(hours=6).total_seconds(),
        "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": FAILURES}},
    }
    assert monthly["DeadLetterConfig"] == {"Arn": FAILURES}
    assert 3 * function["Timeout"] < function["EventInvokeConfig"]["MaximumEventAgeInSeconds"]


def test_the_concurrency_that_may_be_reserved_is_enough() -> None:
    """Less than what the queue may start would be throttled, and its messages given up."""
    parameters = template()["Parameters"]
    source = FUNCTIONS["GeneratePayout"]["Events"]["Queue"]["Properties"]

    most = source["ScalingConfig"]["MaximumConcurrency"]
    assert f"at least the {most} that" in parameters["PayoutConcurrency"]["Description"]
    for name in ("IngestionConcurrency", "CountingConcurrency", "PayoutConcurrency"):
        # A new account has ten, of which none can be reserved.
        assert (parameters[name]["Default"], parameters[name]["MinValue"]) == (0, 0)


def test_a_payout_task_is_the_functions_alone_for_as_long_as_it_may_run() -> None:
    properties = BUS["PayoutTasks"]["Properties"]
    function = FUNCTIONS["GeneratePayout"]

    assert properties["VisibilityTimeout"] > 6 * function["Timeout"]
    assert properties["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["FailedPayoutTasks", "Arn"]
    }
    most = function["Environment"]["Variables"]["MAX_RECEIVE_COUNT"]
    assert int(most) == properties["RedrivePolicy"]["maxReceiveCount"]


def test_a_task_of_an_erasure_is_the_functions_alone_for_as_long_as_it_may_run() -> None:
    """And one of four at a time: more would leave a new table no writes for anybody else."""
    properties = BUS["ErasureTasks"]["Properties"]
    function = FUNCTIONS["DeleteQueryTexts"]
    source = function["Events"]["Queue"]["Properties"]

    assert properties["VisibilityTimeout"] > 6 * function["Timeout"]
    assert properties["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["FailedErasureTasks", "Arn"]},
        "maxReceiveCount": 20,
    }
    assert source["Queue"] == ERASURES
    assert source["BatchSize"] == 1
    assert source["ScalingConfig"] == {"MaximumConcurrency": 4}
    assert function["Timeout"] > LONGEST_S + NEEDED_S


def test_query_texts_expire_every_day_whatever_fails() -> None:
    function = FUNCTIONS["ExpireQueryTexts"]
    daily = function["Events"]["Daily"]["Properties"]

    assert daily["ScheduleExpression"] == "cron(0 4 * * ? *)"
    assert daily["DeadLetterConfig"] == {"Arn": FAILURES}
    assert function["EventInvokeConfig"] == FUNCTIONS["StartPayouts"]["EventInvokeConfig"]
    parameter = template()["Parameters"]["QueryTextRetentionDays"]
    assert (parameter["Default"], parameter["MinValue"]) == (365, 1)
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["QUERY_TEXT_RETENTION_DAYS"] == {"Ref": "QueryTextRetentionDays"}


def test_copies_of_query_texts_are_gone_within_35_days() -> None:
    """The archive of the bus and the queues hold events whole."""
    longest = timedelta(days=35)

    assert template()["Parameters"]["ArchiveDays"]["MaxValue"] == longest.days
    for queue in resources("AWS::SQS::Queue").values():
        assert queue["Properties"]["MessageRetentionPeriod"] < longest.total_seconds()


def test_no_change_of_a_search_is_delivered_but_its_creation_and_its_end() -> None:
    """Its old image may hold a text from before texts had items of their own."""
    key = search_key("acme", "2026-04-05T09:30:00.000000000Z", "5e8848")

    delivered = {change: passes_filter(key.sk, change) for change in ("INSERT", "MODIFY", "REMOVE")}
    assert delivered == {"INSERT": True, "MODIFY": False, "REMOVE": True}


def test_a_rescue_is_the_functions_alone_for_as_long_as_it_may_run() -> None:
    properties = BUS["ObjectRescues"]["Properties"]
    function = FUNCTIONS["RescueObjects"]

    assert properties["VisibilityTimeout"] > 6 * function["Timeout"]
    assert properties["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["FailedObjectRescues", "Arn"]},
        "maxReceiveCount": 20,
    }
    source = function["Events"]["Queue"]["Properties"]
    assert source["BatchSize"] == 1
    # It works for as long as it says, and still has time for a page whose writes are throttled.
    assert function["Timeout"] > rescuing._WORK_S + rescuing._SPARE_S  # noqa: SLF001


def test_only_the_rule_and_the_function_send_to_the_queues() -> None:
    policy = BUS["RuleMaySend"]["Properties"]
    statement, _only_over_tls = policy["PolicyDocument"]["Statement"]

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
    source = function["Events"]["Queue"]["Properties"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # An outage of some hours moves nothing, and what is given up is still kept for days.
    longest = timedelta(seconds=100 * queue["VisibilityTimeout"])
    assert timedelta(hours=5) < longest < timedelta(days=7)
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": REJECTED, "maxReceiveCount": 100}
    assert "RedrivePolicy" not in BUS["RejectedEvents"]["Properties"]


# An example of every argument that a key is made of.
ARGUMENTS: Mapping[str, tuple[Any, ...]] = {
    "tenant_id": ("acme", "DATASET"),
    "dataset_id": ("dset_1", "DATASET"),
    "object_id": ("obj_1",),
    "partner_id": ("acme", "DATASET"),
    "organization_id": ("org_1", "DATASET"),
    "date": ("2026-04-05", "2026-04"),
    "day": ("2026-04-05",),
    "prefix": ("k3j5m7n2p4q6",),
    "api_key_id": ("key_k3j5m7n2p4q6",),
    "client_id": ("3d1q2r", "DATASET"),
    "audit_id": ("aud_5e8848",),
    "created_at": ("2026-04-05T09:30:00.000000000Z",),
    "parked_at": ("2026-04-05T09:30:00.000000000Z",),
    "occurred_at": ("2026-04-05T09:30:00.000000000Z",),
    "accessed_at": ("2026-04-05T09:30:00.000000000Z",),
    "entry_id": ("5e8848",),
    "period": ("2026-04",),
    "statement_id": ("pst_5e8848",),
    "due_at": ("2026-07-01T06:00:00.000000000Z",),
    "started_at": ("2026-04-01T06:00:00.000000000Z",),
    "reserve_sk": ("2026-07-01T06:00:00.000000000Z#pst_5e8848",),
    "run_id": ("run_2026-03",),
    "attempt": ("att_7f3c",),
    "last_dataset_id": ("dset_1", "DATASET"),
    "change": (1,),
    "check": ("counters",),
    "side": ("debit", "credit"),
    "currency": ("USD",),
    "source": ("/marketplace",),
    "event_id": ("evt-1",),
    "sender": (None, "acme"),
    "search_activity_id": ("sa_a1b2c3d4e5f6",),
    "window": (177538320,),
    "partition": ("5e884898", "DATASET"),
    "page": (0,),
    "epoch": ("0", "2026-04-05T09:30:00.000000000Z-5e88489871e2"),
    "run": ("", "2026-04-05T09:30:00.000000000Z"),
    "record_id": ("c4ca4238a0b923820dcc509a6f75849b",),
}


COUNTERS: tuple[Totals, ...] = (
    ProviderTotals("acme"),
    DatasetTotals("acme", "dset_1", "0"),
    BuyerTotals("acme"),
    SpendTotals("acme", "2026-04"),
    BuyerDay("acme", "2026-04-05"),
    ProviderDay("acme", "USD", "2026-04-05"),
    DatasetDay("dset_1", "USD", "2026-04-05"),
    DatasetMonth("acme", "2026-04", "USD", "dset_1"),
    AccessTotals("acme", "dset_1"),
    PartnerTotals("acme"),
    UsageTotals("acme", "2026-04-05"),
    OrganizationMonth("acme", "2026-04", "org_1"),
)


def _key_builders() -> dict[str, Callable[..., Key]]:
    """Every function that builds a key, in every subject; counters are named by their class."""
    modules = [
        importlib.import_module(name)
        for _, name, _ in pkgutil.walk_packages(tally.__path__, "tally.")
        if name.endswith((".items", ".counters", "kernel.events", ".provider_months"))
    ]
    functions = [pair for module in modules for pair in inspect.getmembers(module)]
    made = {
        name: function
        for name, function in functions
        if inspect.isfunction(function)
        and not name.startswith("key_of_")
        and inspect.signature(function, eval_str=True).return_annotation is Key
    }
    counters = {
        name: lambda counter=counter: counter.key
        for name, counter in ((repr(totals), totals) for totals in COUNTERS)
    }
    return made | counters


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
    names = [] if builder.endswith(")") else list(inspect.signature(build).parameters)

    made = [build(*arguments) for arguments in product(*(ARGUMENTS[name] for name in names))]

    assert [passes_filter(key.sk) for key in made] == [_is_counted(key) for key in made]


def test_something_is_counted() -> None:
    assert _is_counted(dataset_key("dset_1"))
    assert _is_counted(object_key("dset_1", "obj_1"))
    assert _is_counted(ledger_entry_key("acme", "2026-04", "debit", "5e8848"))
    assert _is_counted(ledger_entry_key("acme", "2026-04", "credit", "5e8848"))
    assert not _is_counted(period_key("2026-04"))
