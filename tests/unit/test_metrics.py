"""A log line that carries metrics, as CloudWatch's embedded metric format has it."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tally.logs import logger
from tally.metrics import Metric, measured
from tests.api.logs import written_text

NOW = "2026-04-05T10:00:00.250000000Z"


def test_a_metric_is_a_field_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_NAMESPACE", "tally-prod")

    assert measured(NOW, {Metric.COUNTED: 3, Metric.LAG_S: 1.5}) == {
        "counted": 3,
        "lag_s": 1.5,
        "_aws": {
            "Timestamp": 1_775_383_200_250,
            "CloudWatchMetrics": [
                {
                    "Namespace": "tally-prod",
                    "Dimensions": [[]],
                    "Metrics": [
                        {"Name": "counted", "Unit": "Count"},
                        {"Name": "lag_s", "Unit": "Seconds"},
                    ],
                }
            ],
        },
    }


def test_a_dimension_adds_to_the_sum_over_all() -> None:
    """An alarm on all has no need to know the dimension's values."""
    fields = measured(NOW, {Metric.REJECTED: 2}, code="unknown_tenant")

    (directive,) = fields.pop("_aws")["CloudWatchMetrics"]
    assert fields == {"rejected": 2, "code": "unknown_tenant"}
    assert directive["Dimensions"] == [[], ["code"]]


def test_the_logger_leaves_it_at_the_root_of_the_line() -> None:
    """CloudWatch looks for it nowhere else; and its time is in RFC 3339, or Lambda would take every
    line for one of the level INFO."""
    fields = measured(NOW, {Metric.COUNTED: 3})
    with written_text() as lines:
        logger.warning("batch counted", **fields)

    line = json.loads(lines[0])
    assert {name: line[name] for name in fields} == fields
    assert line["level"] == "WARNING"
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
