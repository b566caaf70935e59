"""What the template promises to whoever is called at night: alarms, metrics, the dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dev import ROOT
from dev.template import resources, template
from ops import cli
from tally.metrics import Metric
from tests.template import FUNCTIONS, Properties

ALARMS: dict[str, Properties] = {
    name: each["Properties"] for name, each in resources("AWS::CloudWatch::Alarm").items()
}
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
STACK = {"Ref": "AWS::StackName"}
(DASHBOARD,) = resources("AWS::CloudWatch::Dashboard").values()
BODY, NAMES = DASHBOARD["Properties"]["DashboardBody"]["Fn::Sub"]
WIDGETS = [widget["properties"] for widget in json.loads(BODY)["widgets"]]

each_alarm = pytest.mark.parametrize("alarm", ALARMS)


# ---------------------------------------------------------------------------- alarms


@each_alarm
def test_an_alarm_notifies_when_it_goes_off_and_when_it_is_over(alarm: str) -> None:
    notified = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], []]}

    assert ALARMS[alarm]["AlarmActions"] == notified
    assert ALARMS[alarm]["OKActions"] == notified


@each_alarm
def test_an_alarm_leads_to_its_section_of_the_runbook(alarm: str) -> None:
    text = ALARMS[alarm]["AlarmDescription"]

    assert text.endswith(f". Runbook: docs/runbook.md#{alarm.lower()}")


def test_the_runbook_has_a_section_for_each_alarm_and_for_nothing_else() -> None:
    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == list(ALARMS)


@each_alarm
def test_a_section_says_what_it_means_where_to_look_and_what_to_run(alarm: str) -> None:
    (section,) = re.findall(rf"^### {alarm}$(.*?)(?=^##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)

    assert re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE) == ["Means", "Look", "Run"]


def test_its_commands_are_commands() -> None:
    said = re.findall(r"`tally --stack-name tally-prod ([^`]+)`", RUNBOOK)
    parse = cli.parser().parse_args

    assert len(said) > 10
    for command in said:
        assert callable(parse(re.sub(r"<\w+>", "acme", command).split()).run)
    invoked = re.findall(r"sam remote invoke (\w+) --stack-name tally-prod", RUNBOOK)
    assert set(invoked) <= FUNCTIONS.keys()


def test_every_function_has_an_alarm() -> None:
    """One for all: they share a log group, and a line of it is an error in any of them."""
    errors = template()["Resources"]["ErrorLines"]["Properties"]
    logging = template()["Globals"]["Function"]["LoggingConfig"]
    (transformation,) = errors["MetricTransformations"]

    assert not [name for name, each in FUNCTIONS.items() if "LoggingConfig" in each]
    assert errors["LogGroupName"] == logging["LogGroup"] == {"Ref": "LogGroup"}
    # Lambda writes the outcome of an invocation at this level.
    assert logging["SystemLogLevel"] == "INFO"
    assert errors["FilterPattern"] == (
        '{ $.level = "ERROR" || $.record.status = "timeout" || $.record.status = "failure" }'
    )
    watched = ALARMS["FunctionErrors"]
    assert (watched["Namespace"], watched["MetricName"]) == (
        transformation["MetricNamespace"],
        transformation["MetricName"],
    )
    assert (watched["Statistic"], watched["Threshold"]) == ("Sum", 0)


def test_every_queue_has_an_alarm() -> None:
    """A queue that a function reads may not grow old; what was given up may not be there at all."""
    read = {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]
        for function in FUNCTIONS.values()
        for event in function["Events"].values()
        if event["Type"] == "SQS"
    }
    watched = {
        (alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0], alarm["MetricName"])
        for alarm in ALARMS.values()
        if alarm["Namespace"] == "AWS/SQS"
    }

    assert watched == {
        (name, "ApproximateAgeOfOldestMessage" if name in read else _IN_SIGHT)
        for name in resources("AWS::SQS::Queue")
    }


_IN_SIGHT = "ApproximateNumberOfMessagesVisible"


@pytest.mark.parametrize(
    ("alarm", "function"),
    [
        ("CanaryFailing", "RunCanary"),
        ("CountingLag", "RunCanary"),
        ("HealthUnmeasured", "MeasureHealth"),
    ],
)
def test_silence_is_an_alarm_where_something_should_be_heard(alarm: str, function: str) -> None:
    (schedule,) = FUNCTIONS[function]["Events"].values()

    assert ALARMS[alarm]["TreatMissingData"] == "breaching"
    assert schedule["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    assert ALARMS[alarm]["Period"] == 300


def test_schedules_rest_on_the_local_stack_but_for_the_payouts() -> None:
    states = {
        name: event["Properties"].get("State")
        for name, function in FUNCTIONS.items()
        for event in function["Events"].values()
        if event["Type"] == "ScheduleV2"
    }

    assert states.pop("StartPayouts") is None
    assert set(map(str, states.values())) == {
        str({"Fn::If": ["OnAws", "ENABLED", "DISABLED"]}),
    }
    assert template()["Conditions"]["OnAws"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]
    }


# --------------------------------------------------------------------------- metrics


def _alarmed() -> set[str]:
    return {alarm["MetricName"] for alarm in ALARMS.values() if alarm["Namespace"] == STACK}


def _shown() -> set[str]:
    rows = [row for widget in WIDGETS for row in widget.get("metrics", ())]
    searches = " ".join(row[0]["expression"] for row in rows if isinstance(row[0], dict))
    searched = re.findall(r'{\${AWS::StackName},code} MetricName="(\w+)"', searches)
    return {row[1] for row in rows if row[0] == "${AWS::StackName}"} | set(searched)


def test_metrics_that_are_looked_at_are_published_and_the_other_way_round() -> None:
    """`errors` is what the log group's filter counts."""
    declared = {metric.value for metric in Metric} | {"errors"}

    assert _alarmed() <= declared
    assert _shown() <= declared
    assert _alarmed() | _shown() == declared


def test_each_metric_is_published_by_a_function() -> None:
    sources = [*(ROOT / "functions").rglob("app.py")]
    sources += (ROOT / "layers/tally/tally/operations").glob("*.py")
    written = " ".join(path.read_text() for path in sources)

    assert {metric.name for metric in Metric} == set(re.findall(r"Metric\.([A-Z_]+)", written))


def test_the_metrics_are_described() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    (table,) = re.findall(r"^\| metric \|.*?\n\n", text, re.MULTILINE | re.DOTALL)
    named = [
        name for row in table.strip().splitlines()[2:] for name in row.split("|")[1].split(",")
    ]

    assert [name.strip(" `") for name in named] == [*Metric, "errors"]


def test_the_namespace_is_the_stacks_name() -> None:
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]

    assert variables["METRICS_NAMESPACE"] == STACK


# ------------------------------------------------------------------------- dashboard


def test_the_dashboard_is_the_stacks_own_and_shows_its_alarms() -> None:
    alarms = resources("AWS::CloudWatch::Alarm").items()
    always = [name for name, alarm in alarms if "Condition" not in alarm]

    assert DASHBOARD["Properties"]["DashboardName"] == STACK
    assert WIDGETS[0] == {"title": "Alarms", "alarms": [f"${{{name}.Arn}}" for name in always]}


def test_the_dashboard_names_only_what_there_is() -> None:
    pseudo = {"AWS::StackName", "AWS::Region"}
    named = {name.partition(".")[0] for name in _variables(WIDGETS)}

    assert named <= pseudo | set(NAMES) | set(template()["Resources"])


def _variables(value: Any) -> Iterator[str]:
    yield from re.findall(r"\$\{([\w:.]+)\}", json.dumps(value))
