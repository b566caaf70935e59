"""What fails in any function is logged, alarmed and kept, and stacks do not meet by name.

Each check reads the template as SAM transforms it, and has a counter-example that it finds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest

from tests.transformed import transformed

type Found = Mapping[str, Any]
"""Logical name -> resource."""
type Check = Callable[[Found], list[str]]

SCHEDULE, RULE, QUEUE = "AWS::Scheduler::Schedule", "AWS::Events::Rule", "AWS::SQS::Queue"
# Types whose targets Lambda invokes by itself, without anybody who waits for the outcome.
ASYNCHRONOUS = (SCHEDULE, RULE)


def of_type(kind: str, found: Found) -> Iterator[tuple[str, Any]]:
    """Logical name and properties."""
    for name, resource in found.items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def ref(value: Any) -> str:
    """The resource that a value refers to; empty if none."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return name
    return ""


def targets(found: Found) -> Iterator[tuple[str, Any]]:
    """Who invokes or sends, and a target: its Arn and what is configured for it."""
    for name, schedule in of_type(SCHEDULE, found):
        yield name, schedule["Target"]
    for name, rule in of_type(RULE, found):
        for target in rule["Targets"]:
            yield name, target


def mappings(found: Found) -> Iterator[tuple[str, Any]]:
    return of_type("AWS::Lambda::EventSourceMapping", found)


# ---------------------------------------------------------------------------- checks


def without_kept_log(found: Found) -> list[str]:
    """Functions whose log group is not the template's, or is kept for ever."""
    groups = {
        name for name, group in of_type("AWS::Logs::LogGroup", found) if "RetentionInDays" in group
    }
    return [
        name
        for name, function in of_type("AWS::Lambda::Function", found)
        if ref(function.get("LoggingConfig", {}).get("LogGroup")) not in groups
    ]


def without_alarm(found: Found) -> list[str]:
    """Functions whose errors no alarm counts, neither their own nor those of their log group."""
    watched = {
        json.dumps([alarm.get("Namespace"), alarm.get("MetricName")])
        for _, alarm in of_type("AWS::CloudWatch::Alarm", found)
    }
    groups = {
        ref(metrics["LogGroupName"])
        for _, metrics in of_type("AWS::Logs::MetricFilter", found)
        for metric in metrics["MetricTransformations"]
        if json.dumps([metric["MetricNamespace"], metric["MetricName"]]) in watched
    }
    own = {
        ref(dimension["Value"])
        for _, alarm in of_type("AWS::CloudWatch::Alarm", found)
        for dimension in alarm.get("Dimensions", ())
        if alarm.get("MetricName") == "Errors"
    }
    return [
        name
        for name, function in of_type("AWS::Lambda::Function", found)
        if ref(function.get("LoggingConfig", {}).get("LogGroup")) not in groups and name not in own
    ]


def without_failure_destination(found: Found) -> list[str]:
    """Functions that are invoked asynchronously, or from the stream, and whose failures vanish."""
    kept = {
        ref(config["FunctionName"])
        for _, config in of_type("AWS::Lambda::EventInvokeConfig", found)
        if ref(config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")) in found
    }
    asynchronous = {
        ref(target["Arn"])
        for _, target in targets(found)
        if found[ref(target["Arn"])]["Type"] == "AWS::Lambda::Function"
    }
    streams = {
        ref(mapping["FunctionName"])
        for _, mapping in mappings(found)
        if "StartingPosition" in mapping  # streams have one, queues do not
        and ref(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
        not in found
    }
    return sorted((asynchronous - kept) | streams)


def without_place_for_undelivered(found: Found) -> list[str]:
    """Schedules and rules whose target may be out of reach until they give up."""
    return [
        name
        for name, target in targets(found)
        if ref(target.get("DeadLetterConfig", {}).get("Arn")) not in found
    ]


def without_dead_letters(found: Found) -> list[str]:
    """Queues that something sends to or reads, and that have no queue for what fails time and
    again. What is a place for failures itself needs none."""
    text = json.dumps([*found.values()])
    used = {ref(mapping["EventSourceArn"]) for _, mapping in mappings(found)}
    used |= {ref(target["Arn"]) for _, target in targets(found)}
    redriven = {
        name
        for name, queue in of_type(QUEUE, found)
        if ref(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn")) in found
    }
    ends = {
        name
        for name, _ in of_type(QUEUE, found)
        for place in ("deadLetterTargetArn", "Destination", "Arn")
        if json.dumps({place: {"Fn::GetAtt": [name, "Arn"]}})[1:-1] in text and name not in used
    }
    return sorted(name for name, _ in of_type(QUEUE, found) if name not in redriven | ends)


def without_leave_to_send_again(found: Found) -> list[str]:
    """Functions that send to the queue that they read. Lambda takes that for a loop, and drops
    what has gone round 16 times, unless it is told otherwise."""

    def sends(role: str, queue: str) -> bool:
        statements = [
            statement
            for policy in found[role]["Properties"]["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        return any(
            "sqs:SendMessage" in each["Action"] and f'"{queue}"' in json.dumps(each["Resource"])
            for each in statements
        )

    readers = {
        ref(each["FunctionName"]): ref(each["EventSourceArn"]) for _, each in mappings(found)
    }
    return [
        name
        for name, function in of_type("AWS::Lambda::Function", found)
        if name in readers
        and sends(ref(function["Role"]), readers[name])
        and function.get("RecursiveLoop") != "Allow"
    ]


CHECKS: tuple[Check, ...] = (
    without_kept_log,
    without_alarm,
    without_failure_destination,
    without_place_for_undelivered,
    without_dead_letters,
    without_leave_to_send_again,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_that_fails_is_lost_from_sight(check: Check) -> None:
    assert check(transformed()) == []


# ------------------------------------------------------------------ counter-examples


@pytest.fixture
def changed() -> dict[str, Any]:
    """The resources, to be changed for the worse."""
    return deepcopy(dict(transformed()))


def test_a_log_group_that_is_kept_for_ever_is_found(changed: dict[str, Any]) -> None:
    del changed["LogGroup"]["Properties"]["RetentionInDays"]

    assert "ProviderDashboard" in without_kept_log(changed)


def test_a_function_with_a_log_group_of_lambdas_making_is_found(changed: dict[str, Any]) -> None:
    del changed["ProviderDashboard"]["Properties"]["LoggingConfig"]

    assert without_kept_log(changed) == ["ProviderDashboard"]
    assert without_alarm(changed) == ["ProviderDashboard"]


def test_an_alarm_on_another_metric_is_found(changed: dict[str, Any]) -> None:
    changed["FunctionErrors"]["Properties"]["MetricName"] = "faults"

    assert "ProviderDashboard" in without_alarm(changed)


def test_a_scheduled_function_whose_failures_vanish_is_found(changed: dict[str, Any]) -> None:
    del changed["StartPayoutsEventInvokeConfig"]

    assert without_failure_destination(changed) == ["StartPayouts"]


def test_a_stream_whose_batches_vanish_is_found(changed: dict[str, Any]) -> None:
    del changed["CountChangesStream"]["Properties"]["DestinationConfig"]

    assert without_failure_destination(changed) == ["CountChanges"]


def test_a_schedule_that_gives_up_in_silence_is_found(changed: dict[str, Any]) -> None:
    del changed["StartPayoutsMonthly"]["Properties"]["Target"]["DeadLetterConfig"]

    assert without_place_for_undelivered(changed) == ["StartPayoutsMonthly"]


def test_a_queue_that_turns_in_circles_is_found(changed: dict[str, Any]) -> None:
    del changed["PayoutTasks"]["Properties"]["RedrivePolicy"]

    # And what was the place for its failures is now a queue of nobody's.
    assert without_dead_letters(changed) == ["FailedPayoutTasks", "PayoutTasks"]


def test_a_function_that_lambda_would_take_for_a_loop_is_found(changed: dict[str, Any]) -> None:
    del changed["ReceiveEvents"]["Properties"]["RecursiveLoop"]

    assert without_leave_to_send_again(changed) == ["ReceiveEvents"]


# ----------------------------------------------------------------------- concurrency


def test_parameters_keep_events_from_taking_all_concurrency() -> None:
    """The account's concurrency is one for all; by default nothing is set aside."""
    reserved = {
        name: function["ReservedConcurrentExecutions"]["Fn::If"][1]
        for name, function in of_type("AWS::Lambda::Function", transformed())
        if "ReservedConcurrentExecutions" in function
    }

    assert reserved == {
        "IngestEvents": {"Ref": "IngestionConcurrency"},
        "CountChanges": {"Ref": "CountingConcurrency"},
        "GeneratePayout": {"Ref": "PayoutConcurrency"},
    }
